"""DeepFace's routes over the key's gallery."""

from __future__ import annotations

import time
import uuid
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends
from starlette.responses import PlainTextResponse

from mien.compare import similarity
from mien.compat.deepface.describing import ACTIONS
from mien.compat.deepface.looking import NOWHERE, area_of
from mien.compat.deepface.metrics import DISTANCES, confidence_of, distance_of
from mien.gallery.people.records import Hit, PictureRecord
from mien.gallery.search.probes import MAX_TOP
from mien.gallery.store.names import check_name
from mien.gallery.store.trail import Decision
from mien.server.access import Operation, context_of
from mien.server.bodies import shown_name
from mien.server.compat.deepface.requests import METHODS, Body, Way, way_of
from mien.server.compat.serving import (
    Looked,
    Wanted,
    engine_for,
    gallery_for,
    look,
    point_for_pairs,
    point_for_search,
)
from mien.server.context import Context
from mien.server.decoding import Picture
from mien.server.engine import Engine
from mien.server.problems import Problem
from mien.server.served import ServedGallery
from mien.version import __version__

routes = APIRouter()
Shared = Annotated[Context, Depends(context_of)]


def router(prefix: str) -> APIRouter:
    """All routes, below a prefix; at the root all but the greeting."""
    whole = APIRouter(prefix=prefix, include_in_schema=False)
    if prefix:
        for path in ("", "/"):
            whole.add_api_route(path, greet, methods=["GET"])
    whole.include_router(routes)
    return whole


def greet() -> PlainTextResponse:
    """What answers here."""
    return PlainTextResponse(f"mien {__version__} answers DeepFace's routes here\n")


def _look(engine: Engine, picture: Picture, way: Way, most: int | None = None) -> Looked:
    return look(engine, picture, Wanted(most=most or 0, whole=way.whole, none=not way.enforce))


@routes.post("/represent")
def represent(engine: Annotated[Engine, Depends(engine_for(Operation.DETECT))], sent: Body) -> dict[str, Any]:
    """An embedding of each face."""
    looked = _look(engine, sent.picture("img"), way_of(sent, engine), sent.count("max_faces"))
    rows = [
        {
            "embedding": vector.tolist(),
            "facial_area": area_of(face, looked.seen.size),
            "face_confidence": round(face.score, 2),
        }
        for vector, face in zip(looked.made.vectors.astype(np.float64), looked.faces, strict=True)
    ]
    return {"results": rows}


@routes.post("/verify")
def verify(
    engine: Annotated[Engine, Depends(engine_for(Operation.COMPARE))], sent: Body, context: Shared
) -> dict[str, Any]:
    """Whether two pictures show the same person: the closest pair of faces, at a threshold for their number."""
    began, fmr = time.perf_counter(), context.settings.compat.fmr
    metric, way = sent.word("distance_metric", "cosine", tuple(DISTANCES)), way_of(sent, engine)
    sides = [_look(engine, sent.picture(name), way) for name in ("img1", "img2")]
    scores = similarity(sides[0].made.vectors, sides[1].made.vectors)
    point = point_for_pairs(engine.models.table(), fmr, scores.size)
    threshold = distance_of(point.threshold, metric)
    distance, areas = distance_of(-1.0, metric), [NOWHERE, NOWHERE]  # as far as can be; JSON has no infinity
    if scores.size:
        best = np.unravel_index(int(scores.argmax()), scores.shape)
        distance = distance_of(float(scores[best]), metric)
        areas = [area_of(side.faces.face(int(row)), side.seen.size) for side, row in zip(sides, best, strict=True)]
    return {
        "verified": distance <= threshold,
        "distance": distance,
        "threshold": threshold,
        "confidence": confidence_of(distance, threshold, metric),
        **_answered(engine),
        "similarity_metric": metric,
        "facial_areas": {"img1": areas[0], "img2": areas[1]},
        "time": round(time.perf_counter() - began, 2),
        "mien": {
            "model": engine.model.to_dict(),
            "fmr": fmr,
            "pairs": scores.size,
            "operating_point": point.to_dict(),
        },
    }


def _answered(engine: Engine) -> dict[str, str]:
    return {"model": engine.model.name, "detector_backend": engine.models.detector}


@routes.post("/analyze")
def analyze(engine: Annotated[Engine, Depends(engine_for(Operation.DETECT))], sent: Body) -> None:
    """Age, gender, emotion and race, for which there is no measured model."""
    way_of(sent, engine)
    given = sent.members.get("actions") or ACTIONS
    asked = [name.strip(" []'\"") for name in given.split(",")] if isinstance(given, str) else given
    if not isinstance(asked, list | tuple) or not all(name in ACTIONS for name in asked):
        raise Problem(422, "request-invalid", f"actions are some of {', '.join(ACTIONS)}")
    raise Problem(422, "unimplemented", f"analyze: there is no measured model for {', '.join(asked)} here")


@routes.post("/register")
def register(served: Annotated[ServedGallery, Depends(gallery_for(Operation.ENROL))], sent: Body) -> dict[str, int]:
    """Store the faces of a picture; one who is alone in it gets the name."""
    way, picture, store = way_of(sent, served.engine), sent.picture("img"), served.writer.store
    name = sent.word("img_name", "") or None
    if name is not None:
        name = check_name(name)  # '#12' would be somebody else here
    looked = _look(served.engine, picture, way)
    if store.knows(looked.seen.sha256, failed=False) or not looked.faces:
        return {"inserted": 0}
    shown = shown_name(name or (picture.name if picture.name != "img" else str(uuid.uuid4())))
    record = PictureRecord(looked.seen.sha256, shown, looked.seen.size)
    alone = name if len(looked.faces) == 1 else None
    return {"inserted": len(store.add_picture(record, looked.made, subject=alone, jpegs=looked.jpegs(store)))}


@routes.post("/search")
def search(
    served: Annotated[ServedGallery, Depends(gallery_for(Operation.IDENTIFY))], sent: Body, context: Shared
) -> dict[str, Any]:
    """The people near each face, each once by the nearest stored face, nearest first."""
    engine = served.engine
    way, metric = way_of(sent, engine), sent.word("distance_metric", "cosine", tuple(DISTANCES))
    everybody, most = sent.flag("similarity_search", False), min(sent.count("k") or MAX_TOP, MAX_TOP)
    point = point_for_search(served, context.settings.compat.fpir)
    common = {
        "model_name": engine.model.name,
        "detector_backend": engine.models.detector,
        "aligned": True,
        "l2_normalized": True,
        "search_method": sent.word("search_method", "exact", METHODS),
        "threshold": distance_of(point.threshold, metric),
        "distance_metric": metric,
    }
    looked = _look(engine, sent.picture("img"), way)
    decision = Decision(point.threshold, context.settings.compat.fpir)
    found = served.reader.store.search(looked.made, most, decision=decision)
    rows = []
    for face, hits in zip(looked.faces, found, strict=True):
        area = area_of(face, looked.seen.size)
        shown = common | {f"target_{key}": area[key] for key in "xywh"}
        near = [_row(served, hit, shown) for hit in hits]
        rows.append([row for row in near if everybody or row["distance"] <= row["threshold"]])
    return {"results": rows}


def _row(served: ServedGallery, hit: Hit, common: dict[str, Any]) -> dict[str, Any]:
    distance = distance_of(hit.score, common["distance_metric"])
    return {
        "id": hit.reference,
        "img_name": _name(served, hit),
        **common,
        "distance": distance,
        "confidence": confidence_of(distance, common["threshold"], common["distance_metric"]),
    }


def _name(served: ServedGallery, hit: Hit) -> str:
    """What the picture was registered as; folders of this machine are nobody's business."""
    path = served.reader.store.reference(hit.reference).face.source
    return shown_name(path) if path else hit.subject


@routes.post("/build/index")
def build_index(served: Annotated[ServedGallery, Depends(gallery_for(Operation.ENROL))], sent: Body) -> dict[str, str]:
    """Make searches of a large gallery faster; small ones need it not."""
    way_of(sent, served.engine)
    receipt = served.writer.store.optimize()
    return {"message": f"{receipt['references']} embeddings are in a {receipt['backend']} index"}
