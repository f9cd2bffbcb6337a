"""Photographs with all their faces."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Failure, Model, Out


class KnownPictures(Out):
    """Which pictures a gallery has."""

    known: list[str] = Field(description="SHA-256 of the files.")


class Indexed(Out):
    """Pictures added with all their faces."""

    files: int
    new: int = Field(description="Pictures read now.")
    skipped: int = Field(description="Pictures whose content the gallery had already.")
    faces: int = Field(description="Faces added.")
    failures: list[Failure]
    model: Model
    seconds: float
