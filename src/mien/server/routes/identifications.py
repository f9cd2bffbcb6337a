"""Who is in a picture."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends, Query

from mien.pipeline import Policy
from mien.server import schemas
from mien.server.access import Operation, allowed
from mien.server.bodies import Pictures, picture_body
from mien.server.bodies import router as make_router
from mien.server.problems import PICTURES, documented, refused
from mien.server.routes.galleries import Served
from mien.server.shaping import answer

router = make_router("identifications", "/v1/galleries/{gallery}")


@router.post(
    "/identifications",
    dependencies=[Depends(allowed(Operation.IDENTIFY))],
    response_model=schemas.Identification,
    responses=documented(409, *PICTURES),
    openapi_extra=picture_body("image"),
)
def identify_faces(
    served: Served,
    images: Pictures,
    fpir: Annotated[schemas.Rate, Query(description="How often a stranger's face may be given a name.")] = 0.003,
    top: Annotated[int, Query(ge=1, le=1000, description="Length of the candidate lists.")] = 5,
    faces: Annotated[Policy, Query(description="Which faces of a picture are probes.")] = Policy.ALL,
    where: Annotated[
        str | None, Query(max_length=2000, description="Only subjects that pass this.", examples=["site=berlin"])
    ] = None,
) -> dict[str, Any]:
    """For each face a candidate list, and a name or nobody.

    A picture without a face is listed under failures; when no picture can be read, the answer is the problem of the
    first.
    """
    start = time.perf_counter()
    result = served.identify(images, fpir=fpir, top=top, faces=faces, where=where)
    told = answer(result, start)
    if len(result.failures) == len(images) and all(each.reason != "no-face" for each in result.failures):
        raise refused(result.failures[0], answer=told)
    return told
