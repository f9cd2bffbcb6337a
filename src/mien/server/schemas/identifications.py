"""Searches."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Face, Failure, Model, Out, Point


class Candidate(Out):
    """One subject of a candidate list."""

    subject: str = Field(examples=["Ada"])
    score: float
    rank: int
    reference: int
    match: bool


class Probe(Face):
    """A face and who it may be."""

    candidates: list[Candidate]
    decision: str | None = Field(description="The subject it was identified as; null: nobody.")


class Identification(Out):
    """A 1:N search, open set."""

    probes: list[Probe]
    failures: list[Failure]
    threshold: float
    fpir: float = Field(description="False positive identification rate asked for.")
    gallery_size: int
    searched: int
    where: str | None
    recall: float | None
    operating_point: Point
    model: Model
    seconds: float
