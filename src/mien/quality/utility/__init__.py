"""Recognition utility: how well a face will be recognised by one embedder. One file a measure; higher is better.

A measure gives numbers on a scale of its own. They order the faces that one embedder sees and mean nothing beside
those of another, so no measure has a threshold; `mien evaluate quality` says what each is worth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.models import LoadSettings
from mien.registry import Registry
from mien.types.arrays import Boxes, Crops, FloatArray, Points


@dataclass(frozen=True, slots=True)
class Sights:
    """Faces as a measure may see them.

    Args:
        crops: (n, 112, 112, 3) uint8 RGB, aligned.
        boxes: (n, 4) float32, pixels of the full picture.
        points: (n, 5, 2) float32, pixels of the full picture.
        scores: (n,) float32, the detector's.
        raw: one (n, d) float32 for each network of the embedder: its vectors before they are brought to length 1.
    """

    crops: Crops
    boxes: Boxes
    points: Points
    scores: FloatArray
    raw: tuple[FloatArray, ...]

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, rows: NDArray[np.bool_] | NDArray[np.int64] | slice) -> Sights:
        raw = tuple(part[rows] for part in self.raw)
        return Sights(self.crops[rows], self.boxes[rows], self.points[rows], self.scores[rows], raw)


@dataclass(frozen=True, slots=True)
class Examples:
    """Faces of other people that a measure may learn from.

    Args:
        sights: the faces.
        people: (n,) int64 person numbers.
        pictures: (n,) int64 number of the photograph that each comes from.
        harmed: (n,) bool, made worse on purpose.
    """

    sights: Sights
    people: NDArray[np.int64]
    pictures: NDArray[np.int64]
    harmed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Ground:
    """What a measure is made for.

    Args:
        embedder: name of the card, or the path of one; what is useful is useful to it.
        settings: how its networks run.
        examples: None where none were given.
    """

    embedder: str
    settings: LoadSettings
    examples: Examples | None = None


class Measure(Protocol):
    """Says how useful faces are; safe to call from several threads."""

    def score(self, sights: Sights) -> FloatArray:
        """(n,) float32, higher for faces that will be recognised better."""
        ...


MeasureFactory: TypeAlias = Callable[[Ground], Measure]

measures: Registry[MeasureFactory] = Registry("measure of utility", __name__)
"""Factories by name."""
