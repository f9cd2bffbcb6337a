"""The faces of a gallery, sorted."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Face, Failure, In, Model, Out


class Regroup(In):
    """How to sort."""

    full: bool = Field(False, description="Compare all faces again, whatever an earlier run settled.")


class Person(Out):
    """One group."""

    id: int
    size: int
    faces: list[Face]
    name: str | None = None


class Groups(Out):
    """The faces of a gallery, sorted into people."""

    groups: list[Person]
    ungrouped: list[Face]
    files: int
    faces: int
    failures: list[Failure]
    seconds: float
    cut: float
    basis: str
    model: Model
