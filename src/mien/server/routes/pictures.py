"""Photographs with all their faces."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import Depends, Query

from mien.server import schemas
from mien.server.access import Operation, allowed
from mien.server.bodies import Pictures, picture_body
from mien.server.bodies import router as make_router
from mien.server.problems import PICTURES, documented
from mien.server.routes.galleries import Served
from mien.server.shaping import answer

router = make_router("pictures", "/v1/galleries/{gallery}")
Digest = Annotated[str, Query(pattern="^[0-9a-f]{64}$")]


@router.get(
    "/pictures/known",
    dependencies=[Depends(allowed(Operation.ENROL))],
    response_model=schemas.KnownPictures,
    responses=documented(),
)
def known_pictures(
    served: Served,
    sha256: Annotated[list[Digest], Query(max_length=64, description="Of the files of pictures.")],
) -> dict[str, Any]:
    """Which of these pictures the gallery has, so that they need not be sent."""
    return {"known": [each for each in sha256 if served.reader.store.knows(each)]}


@router.post(
    "/pictures",
    dependencies=[Depends(allowed(Operation.ENROL))],
    response_model=schemas.Indexed,
    responses=documented(409, 507, *PICTURES),
    openapi_extra=picture_body("image"),
)
def add_pictures(
    served: Served,
    images: Pictures,
    subject: Annotated[
        str | None, Query(max_length=1000, description="Whose the largest face of each is; none: all faces are taken.")
    ] = None,
) -> dict[str, Any]:
    """Add every face of pictures, each as somebody without a name; a picture that is there already is left as it is."""
    start = time.perf_counter()
    return answer(served.add(images, subject=subject), start, model=served.engine.model.to_dict())
