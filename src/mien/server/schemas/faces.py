"""Faces found in pictures."""

from __future__ import annotations

from pydantic import Field

from mien.server.schemas.parts import Failure, Out


class FoundFace(Out):
    """A face of a picture that is named outside."""

    box: list[float]
    det_score: float
    points: list[list[float]]


class DetectedPicture(Out):
    """The faces of one picture."""

    file: str
    width: int
    height: int
    faces: list[FoundFace]
    truncated: bool = Field(description="There were more faces than the limit.")


class Detections(Out):
    """The faces of pictures."""

    pictures: list[DetectedPicture]
    failures: list[Failure]
    detector: str = Field(examples=["yunet"])
    seconds: float
