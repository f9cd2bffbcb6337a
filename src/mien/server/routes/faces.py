"""Find faces."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends

from mien.server import schemas
from mien.server.access import Operation, allowed, context_of
from mien.server.bodies import Pictures, picture_body
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.decoding import Found
from mien.server.problems import PICTURES, documented, refused
from mien.types.outcome import Failure

router = make_router("faces")


@router.post(
    "/faces",
    dependencies=[Depends(allowed(Operation.DETECT))],
    response_model=schemas.Detections,
    responses=documented(*PICTURES),
    openapi_extra=picture_body("image"),
)
def detect_faces(images: Pictures, context: Annotated[Context, Depends(context_of)]) -> dict[str, Any]:
    """The faces of pictures: boxes, five points and scores.

    When no picture can be used, the answer is the problem of the first.
    """
    start = time.perf_counter()
    outcomes = list(context.engine.detect_each(images))
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if len(failures) == len(outcomes):
        raise refused(failures[0])
    return {
        "pictures": [outcome.faces.to_dict() for outcome in outcomes if isinstance(outcome, Found)],
        "failures": [failure.to_dict() for failure in failures],
        "detector": context.settings.models.detector,
        "seconds": round(time.perf_counter() - start, 4),
    }
