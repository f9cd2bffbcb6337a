"""People."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import In, Out


class Consent(Out):
    """On what basis somebody is kept."""

    basis: str | None = Field(examples=["consent"])
    scope: str = Field(description="For what.")
    given: str | None
    expires: str | None = Field(description="From then on the person is never matched; null: no end.")
    withdrawn: str | None
    in_force: bool = Field(description="Whether the person is matched.")


class Subject(Out):
    """A person of a gallery."""

    id: int = Field(description="Also reached as #id, whatever the name.", examples=[12])
    uid: str = Field(description="Opaque, never used again.", examples=["0b8f2c0f9a4d4d0c8e5a6f7b1c2d3e4f"])
    subject: str = Field(examples=["Ada"])
    named: bool
    references: int
    created: str
    attributes: dict[str, str | int | float]
    consent: Consent | None = Field(description="null: nothing was stated.")


class Subjects(Out):
    """One page of people."""

    subjects: list[Subject]
    next: str | None = Field(description="`cursor` of the next page; null on the last.")


class Change(In):
    """What to change about a subject; what is left out stays."""

    name: str | None = Field(None, description="The new name.", examples=["Ada Lovelace"])
    attributes: dict[str, str | int | float | None] | None = Field(
        None, description="Values by key; null takes one away.", examples=[{"site": "berlin", "age": 36}]
    )


class Merge(In):
    """Who else this subject is."""

    others: list[str] = Field(min_length=1, max_length=1000, examples=[["#12", "#31"]])


class Merged(Out):
    """What a merge did."""

    subject: str
    moved: int = Field(description="References that moved.")


class Separate(In):
    """Who this subject is not."""

    other: str = Field(examples=["#12"])


class Receipt(Out):
    """What was erased."""

    subject: str
    uid: str
    references: int
    pictures: int
    paths: int
    record: int
    utc: str
