"""The routes of other servers, and in whose words their errors are told."""

from __future__ import annotations

from fastapi import APIRouter

from mien.server.compat import compreface, deepface
from mien.server.compat.dialect import Dialect
from mien.server.compat.settings import CompatSettings


def compat_routers(settings: CompatSettings) -> tuple[APIRouter, ...]:
    """The routes; none of them is part of the API that OpenAPI describes."""
    found = (compreface.router(), deepface.router(deepface.PREFIX))
    return (*found, deepface.router("")) if settings.deepface_at_root else found


def compat_dialects(settings: CompatSettings) -> tuple[Dialect, ...]:
    """How errors are told at their addresses."""
    found = (compreface.DIALECT, deepface.dialect(deepface.PREFIX))
    return (*found, deepface.dialect("")) if settings.deepface_at_root else found
