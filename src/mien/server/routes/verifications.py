"""Whether a picture shows an enrolled person."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends, Query

from mien.pipeline import Policy
from mien.server import schemas
from mien.server.access import Operation, allowed
from mien.server.bodies import Pictures, picture_body
from mien.server.bodies import router as make_router
from mien.server.problems import PICTURES, Problem, documented
from mien.server.routes.galleries import Served
from mien.server.shaping import answer

router = make_router("verifications", "/v1/galleries/{gallery}")


@router.post(
    "/verifications",
    dependencies=[Depends(allowed(Operation.VERIFY))],
    response_model=schemas.Verification,
    responses=documented(409, *PICTURES),
    openapi_extra=picture_body("image", several=False),
)
def verify_subject(
    served: Served,
    subject: Annotated[str, Query(max_length=1000, description="Who it is said to be.", examples=["Ada"])],
    images: Pictures,
    fmr: Annotated[schemas.Rate, Query(description="How often somebody else may match.")] = 1e-4,
    faces: Annotated[Policy, Query(description="Which faces of the picture are compared.")] = Policy.LARGEST,
) -> dict[str, Any]:
    """Whether a picture shows a subject: its best reference counts, at a threshold corrected for how many it has."""
    start = time.perf_counter()
    if len(images) > 1:
        raise Problem(422, "too-many-pictures", "a verification takes one picture")
    return answer(served.verify(images[0], subject, fmr=fmr, faces=faces), start)
