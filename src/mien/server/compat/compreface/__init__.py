"""CompreFace's REST under ``/api/v1``, as compreface-sdk 0.6.0 and CompreFace 1.2 use it; see docs/compreface.md."""

from __future__ import annotations

from fastapi import APIRouter

from mien.server.compat.compreface import embeddings, faces, images, pictures, subjects
from mien.server.compat.compreface.errors import translate
from mien.server.compat.dialect import Dialect, under

PREFIX = "/api/v1"
DIALECT = Dialect(under(PREFIX), translate)
PARTS = (subjects.router, faces.router, images.router, pictures.router, embeddings.router)

__all__ = ["DIALECT", "PARTS", "PREFIX", "router"]


def router() -> APIRouter:
    """All routes."""
    whole = APIRouter(prefix=PREFIX, include_in_schema=False)
    for part in PARTS:
        whole.include_router(part)
    return whole
