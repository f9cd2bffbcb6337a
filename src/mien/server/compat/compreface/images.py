"""Pictures of stored faces, and what CompreFace tells without a key."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from mien.errors import NotFoundError
from mien.server.access import Operation, context_of
from mien.server.compat.compreface.faces import stored_face
from mien.server.compat.serving import gallery_for
from mien.server.context import Context
from mien.server.originals import kept_picture
from mien.server.problems import Problem
from mien.server.served import ServedGallery

router = APIRouter()
Shared = Annotated[Context, Depends(context_of)]
SIDE = 160
"""Pixels of the square that is shown of a face."""


@router.get("/recognition/faces/{face}/img")
def download_face(
    face: str, served: Annotated[ServedGallery, Depends(gallery_for(Operation.SUBJECTS))], context: Shared
) -> Response:
    """The face as the gallery keeps it, or cut out of the picture it came from; nothing where neither is kept."""
    return Response(_cut(served, face, context), media_type="application/octet-stream")


@router.get("/static/{api_key}/images/{face}")
def show_face(api_key: str, face: str, request: Request, context: Shared) -> Response:
    """The same, for pages that cannot send a header."""
    request.scope["mien.key"] = context.keys.check(api_key)
    served = gallery_for(Operation.SUBJECTS)(request)
    headers = {"Cache-Control": "private, max-age=31536000"}
    return Response(_cut(served, face, context), media_type="application/octet-stream", headers=headers)


def _cut(served: ServedGallery, face: str, context: Context) -> bytes:
    try:
        reference = stored_face(served, face)
        kept = served.reader.store.crop(reference.id)
        if kept is not None:
            return kept
        picture = kept_picture(reference, context.settings)
    except NotFoundError:
        return b""
    except Problem as problem:
        if problem.code != "reference-unknown":
            raise
        return b""
    return served.engine.decoders.cut(picture, reference.face.box, SIDE)


@router.get("/consistence/status")
def consistence() -> dict[str, Any]:
    """Nothing has to be migrated, and no pictures are kept."""
    return {"demoFaceCollectionIsInconsistent": False, "dbIsInconsistent": False, "saveImagesToDB": False}


@router.get("/config")
def config(context: Shared) -> dict[str, int]:
    """How much may be sent, in bytes."""
    most = context.settings.limits.body_bytes
    return {"clientMaxFileSize": min(most, context.settings.models.limits.max_bytes), "clientMaxBodySize": most}
