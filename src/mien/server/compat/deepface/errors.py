"""DeepFace's errors: ``{"exception"}`` for a picture, ``{"error"}`` for the rest, ``{"message"}`` for a key."""

from __future__ import annotations

from typing import Any, Final

from starlette.types import Scope

from mien.server.compat.dialect import Dialect, Told, under

PREFIX: Final = "/deepface"
PATHS: Final = ("/represent", "/verify", "/analyze", "/register", "/search", "/build/index")


def dialect(prefix: str) -> Dialect:
    """How errors are told below a prefix, or at the root."""
    return Dialect(under(prefix) if prefix else frozenset(PATHS).__contains__, translate)


def translate(told: Told, scope: Scope) -> tuple[int, dict[str, Any]]:
    """A problem as DeepFace tells it: HTTP status and JSON; never a traceback."""
    del scope
    if told.status == 401:
        return 401, {"message": told.detail}
    if told.code.startswith("image-"):
        return 400, {"exception": told.detail}
    return 400 if told.status in (409, 415, 422) else told.status, {"error": told.detail}
