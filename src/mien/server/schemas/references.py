"""Stored faces."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Face, Failure, In, Model, Out


class Enrolment(Out):
    """References added to a subject."""

    subject: str
    references: list[int]
    added: int = Field(description="How many of them are new.")
    failures: list[Failure]
    model: Model
    seconds: float


class Reference(Face):
    """A stored face."""

    id: int
    subject: str
    sha256: str = Field(description="Of the picture's file.")
    created: str
    picture: int | None = Field(description="The same for faces of one picture.")
    precision: str = Field(description="Arithmetic of the template.", examples=["f32"])
    pinned: bool = Field(description="A person said whose face it is.")


class References(Out):
    """One page of a subject's faces."""

    references: list[Reference]
    next: str | None


class Move(In):
    """Whose face it is; null: somebody new without a name."""

    subject: str | None = Field(examples=["Ada"])
