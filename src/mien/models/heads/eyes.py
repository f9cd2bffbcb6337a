"""Whether each eye is open, from a cut around it that the 68 landmarks place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.models.card import Card
from mien.models.heads import heads
from mien.models.network import answers, softmax
from mien.models.views import Cuts, Regions, cut_regions
from mien.types.arrays import FloatArray
from mien.types.faces import Column

if TYPE_CHECKING:
    from mien.runtime import Session

SIDE = 24
WIDTHS = 1.6
"""Side of the cut in widths of the eye."""
LANDMARKS = "landmarks68"
EYES = (36, 42)
"""First landmark of the eye left in the picture and of the right one: outer corner, two of the upper lid, inner corner,
two of the lower lid; the right eye begins with its inner corner."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """The network gives two classes an eye; the card's labels say which."""

    card: Card
    session: Session
    needs: tuple[str, ...] = (LANDMARKS,)

    def look(self, cuts: Cuts) -> Column:
        """(n, 2) probability that the eye left in the picture, and the right one, is open."""
        points = cuts.faces.columns[LANDMARKS].values * np.array(cuts.image.scale, np.float32)
        regions = np.concatenate([eye_regions(points, first) for first in EYES])
        (logits,) = answers(self.card, self.session, cut_regions(cuts.image.pixels, regions, SIDE))
        facts = self.card.head
        opened = softmax(logits)[:, facts.labels.index("open") if facts else 0]
        return Column(np.ascontiguousarray(opened.reshape(2, -1).T))

    def describe(self, column: Column, row: int) -> dict[str, float]:
        """Of the eye left in the picture, and of the right one."""
        left, right = (round(float(v), 4) for v in column.values[row])
        return {"left_open": left, "right_open": right}


def eye_regions(points: FloatArray, first: int) -> Regions:
    """(n, 4) squares about the middle of the lids, 1.6 widths of the eye wide.

    Args:
        points: (n, 68, 2) pixels of the decoded picture.
        first: number of the eye's first landmark.
    """
    middle = points[:, [first + 1, first + 2, first + 4, first + 5]].mean(axis=1)
    width = np.linalg.norm(points[:, first + 3] - points[:, first], axis=1)
    side = np.maximum(np.rint(WIDTHS * width), 2)[:, None]
    start = np.rint(middle - side / 2)
    regions: Regions = np.concatenate([start, start + side], axis=1).astype(np.int64)
    return regions


@heads.register("eyes")
def eyes(card: Card, session: Session) -> Eyes:
    """The head of a card."""
    return Eyes(card, session)
