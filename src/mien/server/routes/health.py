"""Whether the process answers, and whether it can do its work."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from mien.server import schemas
from mien.server.access import context_of
from mien.server.context import Context
from mien.server.problems import documented
from mien.version import __version__

router = APIRouter(tags=["health"])
_NO_KEY: dict[str, Any] = {"security": []}


@router.get("/health", openapi_extra=_NO_KEY, responses=documented())
async def health() -> schemas.Health:
    """The process answers; needs no key, and is answered however busy the server is. For restarting it."""
    return schemas.Health(status="ok", version=__version__)


@router.get("/ready", openapi_extra=_NO_KEY, responses=documented())
def ready(context: Annotated[Context, Depends(context_of)]) -> schemas.Ready:
    """The models are loaded, pictures can be decoded and every gallery can be read; needs no key. For sending requests.

    A decoder that died is no reason to send none, as long as another one starts in its place.
    """
    context.engine.decoders.require_start()
    for gallery in context.galleries.values():
        len(gallery.reader.store)
    model = schemas.Model(**context.engine.model.to_dict())
    return schemas.Ready(status="ready", galleries=len(context.galleries), model=model)
