"""DeepFace's REST: ``/represent``, ``/verify``, ``/analyze``, ``/register``, ``/search``, ``/build/index``."""

from __future__ import annotations

from mien.server.compat.deepface.errors import PREFIX, dialect
from mien.server.compat.deepface.routes import router

__all__ = ["PREFIX", "dialect", "router"]
