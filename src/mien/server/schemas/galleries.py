"""Galleries."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from mien.server.schemas.parts import Out


class GalleryName(Out):
    """A gallery that the key opens."""

    name: str = Field(examples=["family"])
    subjects: int
    references: int


class Galleries(Out):
    """All galleries that the key opens."""

    galleries: list[GalleryName]


class GalleryInfo(Out):
    """A gallery in numbers."""

    model_config = ConfigDict(extra="allow")

    name: str
    subjects: int
    unnamed: int
    references: int
    pictures: int
    failures: int
    model: dict[str, Any] | None
    operating: dict[str, Any] | None
    search: dict[str, Any]
    compact: bool
    bytes: int
