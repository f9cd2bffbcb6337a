"""The routes that take embeddings instead of pictures."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends

from mien.compare import similarity
from mien.gallery.search.probes import check_probes
from mien.gallery.store.trail import Decision
from mien.server.access import Operation, context_of
from mien.server.compat.compreface.faces import stored_face
from mien.server.compat.compreface.likeness import similarity_of
from mien.server.compat.compreface.pictures import candidates
from mien.server.compat.compreface.requests import Options, json_object, options, required
from mien.server.compat.serving import engine_for, gallery_for, point_for_pairs, point_for_search
from mien.server.context import Context
from mien.server.engine import Engine
from mien.server.problems import Problem
from mien.server.served import ServedGallery
from mien.types.arrays import Embeddings, FloatArray
from mien.types.score import OperatingPoint

router = APIRouter()
Body = Annotated[dict[str, Any], Depends(json_object)]
Shared = Annotated[Context, Depends(context_of)]


def _vectors(rows: object, engine: Engine) -> Embeddings:
    """(n, d) unit rows of lists of numbers.

    Raises:
        Problem: they are something else.
        UsageError: not of the engine's length, or without direction.
    """
    dimension = engine.batcher.embedder.contract.dimension
    good = isinstance(rows, list) and all(isinstance(row, list) and len(row) == dimension for row in rows)
    if not good:
        raise Problem(422, "embedding-count", f"embeddings are lists of {dimension} numbers here")
    assert isinstance(rows, list)
    if not all(type(number) in (int, float) for row in rows for number in row):
        raise Problem(422, "argument", "an embedding has numbers only")
    try:
        numbers = np.array(rows, np.float64)
    except OverflowError:
        raise Problem(422, "argument", "an embedding has numbers of 64 bits") from None
    return check_probes(numbers, dimension)


def _ranked(given: list[Any], scores: FloatArray, point: OperatingPoint) -> dict[str, Any]:
    order = np.argsort(-scores, kind="stable")
    rows = [{"embedding": given[row], "similarity": similarity_of(float(scores[row]), point)} for row in order]
    return {"result": rows}


@router.post("/recognition/embeddings/recognize")
def recognize(
    served: Annotated[ServedGallery, Depends(gallery_for(Operation.IDENTIFY))],
    asked: Annotated[Options, Depends(options)],
    body: Body,
    context: Shared,
) -> dict[str, Any]:
    """Who the embeddings are."""
    given, compat = required(body, "embeddings"), context.settings.compat
    vectors, precision = _vectors(given, served.engine), served.engine.batcher.embedder.precision
    point = point_for_search(served, compat.fpir)
    decision = Decision(point.threshold, compat.fpir)
    found = served.reader.store.search_vectors(vectors, asked.predictions, precision=precision, decision=decision)
    rows = [
        {"embedding": embedding, "similarities": candidates(hits, point, cut_off=compat.cut_off)}
        for embedding, hits in zip(given, found, strict=True)
    ]
    return {"result": rows}


@router.post("/recognition/embeddings/faces/{face}/verify")
def verify_face(
    face: str,
    served: Annotated[ServedGallery, Depends(gallery_for(Operation.VERIFY))],
    body: Body,
    context: Shared,
) -> dict[str, Any]:
    """Which embeddings are the person of a stored face; most alike first."""
    given = required(body, "embeddings")
    reference, vectors = stored_face(served, face), _vectors(given, served.engine)
    fmr, precision = context.settings.compat.fmr, served.engine.batcher.embedder.precision
    point = point_for_pairs(served.table(), fmr, len(vectors))
    decision = Decision(point.threshold, fmr)
    scores = served.reader.store.score(vectors, reference.id, precision=precision, decision=decision)
    return _ranked(given, scores, point)


@router.post("/verification/embeddings/verify")
def verify(
    engine: Annotated[Engine, Depends(engine_for(Operation.COMPARE))], body: Body, context: Shared
) -> dict[str, Any]:
    """Which embeddings are the person of the source; most alike first."""
    targets = required(body, "targets")
    source, vectors = _vectors([required(body, "source")], engine), _vectors(targets, engine)
    point = point_for_pairs(engine.models.table(), context.settings.compat.fmr, len(vectors))
    return _ranked(targets, similarity(source, vectors)[0], point)
