"""Comparisons of two pictures, or of a picture and a person."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Face, Model, Out, Point


class Verification(Out):
    """A 1:1 comparison."""

    match: bool
    score: float = Field(description="Cosine; a match is score >= threshold.")
    threshold: float
    fmr: float = Field(description="False match rate asked for.")
    pairs: int = Field(description="Pairs of faces compared; the rate holds for all of them together.")
    operating_point: Point
    model: Model
    probe: Face
    reference: Face
    seconds: float
