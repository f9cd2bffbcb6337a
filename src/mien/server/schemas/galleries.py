"""Galleries."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, Field

from mien.server.schemas.parts import In, Out


class GalleryName(Out):
    """A gallery that the key opens."""

    name: str = Field(examples=["family"])
    subjects: int
    references: int


class Galleries(Out):
    """All galleries that the key opens."""

    galleries: list[GalleryName]


class KeepCrops(In):
    """Whether a gallery keeps small pictures of faces."""

    keep: bool = Field(description="true: of each face that is sent from now on; false: none, and all are erased.")


class Crops(Out):
    """What a gallery keeps of what faces look like."""

    kept: bool = Field(description="Whether one is kept of each face that is sent.")
    stored: int = Field(description="How many there are.")


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
