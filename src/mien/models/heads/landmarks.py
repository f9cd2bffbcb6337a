"""68 points of a face in the order of iBUG 300-W (Sagonas et al., ICCV Workshops 2013)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.models.card import Card
from mien.models.heads import heads
from mien.models.network import answers
from mien.models.views import Cuts, Shape, View
from mien.types.arrays import FloatArray, Points
from mien.types.faces import PIXELS, Column

if TYPE_CHECKING:
    from mien.runtime import Session

COUNT = 68
VIEW = View(Shape.SQUARE, 1.0, 64)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The network gives x and y of each point in turn, 0..1 of the cut."""

    card: Card
    session: Session
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n, 68, 2) pixels of the full picture."""
        (shares,) = answers(self.card, self.session, cuts.cut(VIEW))
        regions = cuts.regions(VIEW)[:, None]
        points = regions[..., :2] + shares.reshape(-1, COUNT, 2) * (regions[..., 2:] - regions[..., :2])
        return Column(points.astype(np.float32), PIXELS)

    def describe(self, column: Column, row: int) -> list[list[float]]:
        """68 pairs, to a tenth of a pixel."""
        return [[round(float(x), 1), round(float(y), 1)] for x, y in column.values[row]]


def five_points(points: FloatArray) -> Points:
    """The detector's five of the 68: middles of the eyes' outlines, tip of the nose, corners of the mouth.

    Args:
        points: (n, 68, 2).

    Returns:
        (n, 5, 2) float32.
    """
    left, right = points[:, 36:42].mean(axis=1), points[:, 42:48].mean(axis=1)
    five: Points = np.stack([left, right, points[:, 30], points[:, 48], points[:, 54]], axis=1).astype(np.float32)
    return five


@heads.register("landmarks68")
def landmarks68(card: Card, session: Session) -> Landmarks:
    """The head of a card."""
    return Landmarks(card, session)
