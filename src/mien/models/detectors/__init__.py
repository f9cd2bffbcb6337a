"""Detectors, one file a family: a factory takes a card and a running session and gives a Detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from mien.registry import Registry

if TYPE_CHECKING:
    from mien.models.card import Card
    from mien.runtime import Session
    from mien.types.faces import Faces
    from mien.types.image import Image


class Detector(Protocol):
    """Finds faces in a picture; safe to call from several threads."""

    @property
    def name(self) -> str:
        """Name of the card."""
        ...

    @property
    def side(self) -> int:
        """Long side in pixels of the finest look at a picture; a larger decode gains nothing."""
        ...

    def with_side(self, side: int) -> Detector:
        """The same detector with another `side`: larger finds smaller faces, and costs its square."""
        ...

    @property
    def score(self) -> float:
        """Lowest score of a face that is reported."""
        ...

    def with_score(self, score: float, *, most: int = ...) -> Detector:
        """The same detector that reports faces from another score up, at most so many in a picture."""
        ...

    def detect(self, image: Image) -> Faces:
        """The faces, surest first, in pixels of the full upright picture."""
        ...

    def detect_many(self, images: Sequence[Image]) -> list[Faces]:
        """What `detect` gives for each picture, within rounding; small pictures of one size are looked at together."""
        ...


DetectorFactory: TypeAlias = "Callable[[Card, Session], Detector]"

detectors: Registry[DetectorFactory] = Registry("detector", __name__)
"""Factories by family; an outside package adds its own through the entry-point group ``mien.detector``.

The session may take bytes or numbers: `mien.models.blob.run` gives it what it takes.
"""
