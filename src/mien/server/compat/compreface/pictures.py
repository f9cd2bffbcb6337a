"""``recognize``, ``detect`` and the verifications with pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from mien.compare import matches, similarity
from mien.gallery.people.records import Hit
from mien.gallery.store.trail import Decision
from mien.server.access import Operation, context_of
from mien.server.compat.compreface.answers import described, versions
from mien.server.compat.compreface.faces import stored_face
from mien.server.compat.compreface.likeness import similarity_of
from mien.server.compat.compreface.requests import Options, options, pictures
from mien.server.compat.serving import engine_for, gallery_for, look, point_for_pairs, point_for_search
from mien.server.context import Context
from mien.server.decoding import Picture
from mien.server.engine import Engine
from mien.server.served import ServedGallery
from mien.types.score import OperatingPoint

router = APIRouter()
Asked = Annotated[Options, Depends(options)]
Shared = Annotated[Context, Depends(context_of)]
File = Annotated[list[Picture], Depends(pictures("file"))]


def candidates(hits: list[Hit], point: OperatingPoint, *, cut_off: bool) -> list[dict[str, Any]]:
    """The people most alike, each once; with `cut_off` only those that match."""
    shown = [hit for hit in hits if not cut_off or matches(hit.score, point)]
    return [{"subject": hit.subject, "similarity": similarity_of(hit.score, point)} for hit in shown]


@router.post("/recognition/recognize")
def recognize(
    served: Annotated[ServedGallery, Depends(gallery_for(Operation.IDENTIFY))],
    asked: Asked,
    images: File,
    context: Shared,
) -> dict[str, Any]:
    """Who is in a picture."""
    compat, engine = context.settings.compat, served.engine
    point = point_for_search(served, compat.fpir)
    looked = look(engine, images[0], asked.wanted)
    decision = Decision(point.threshold, compat.fpir)
    found = served.reader.store.search(looked.made, asked.predictions, decision=decision)
    rows = [
        {**described(looked, row, asked), "subjects": candidates(hits, point, cut_off=compat.cut_off)}
        for row, hits in enumerate(found)
    ]
    return {"result": rows, **versions(engine, asked)}


@router.post("/recognition/faces/{face}/verify")
def verify_face(
    face: str,
    served: Annotated[ServedGallery, Depends(gallery_for(Operation.VERIFY))],
    asked: Asked,
    images: File,
    context: Shared,
) -> dict[str, Any]:
    """Which faces of a picture show the person of a stored one."""
    reference = stored_face(served, face)
    looked = look(served.engine, images[0], replace(asked.wanted, whole=False))
    fmr, made = context.settings.compat.fmr, looked.made
    point = point_for_pairs(served.table(), fmr, len(made))
    decision = Decision(point.threshold, fmr)
    scores = served.reader.store.score(made.vectors, reference.id, precision=made.precision, decision=decision)
    rows = [
        {
            **described(looked, row, asked),
            "subject": reference.subject,
            "similarity": similarity_of(float(score), point),
        }
        for row, score in enumerate(scores)
    ]
    return {"result": rows, **versions(served.engine, asked)}


@router.post("/detection/detect")
def detect(
    engine: Annotated[Engine, Depends(engine_for(Operation.DETECT))], asked: Asked, images: File
) -> dict[str, Any]:
    """The faces of a picture."""
    wanted = replace(asked.wanted, whole=False)
    looked = look(engine, images[0], wanted, embed="calculator" in asked.plugins)
    rows = [described(looked, row, asked, exact=True) for row in range(len(looked.faces))]
    return {"result": rows, **versions(engine, asked)}


@router.post("/verification/verify")
def verify(
    engine: Annotated[Engine, Depends(engine_for(Operation.COMPARE))],
    asked: Asked,
    images: Annotated[list[Picture], Depends(pictures("source_image", "target_image"))],
    context: Shared,
) -> dict[str, Any]:
    """Which faces of the target show the one person of the source; most alike first."""
    wanted = replace(asked.wanted, whole=False)
    source = look(engine, images[0], wanted).require_one()
    target = look(engine, images[1], wanted)
    scores = similarity(source.made.vectors, target.made.vectors)[0]
    point = point_for_pairs(engine.models.table(), context.settings.compat.fmr, len(scores))
    faces = [
        {**described(target, row, asked), "similarity": similarity_of(float(score), point)}
        for row, score in enumerate(scores)
    ]
    faces.sort(key=lambda each: -each["similarity"])
    shown = {"source_image_face": described(source, 0, asked), "face_matches": faces}
    return {"result": [{**shown, **versions(engine, asked)}]}
