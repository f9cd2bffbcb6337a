"""The parts of a face, cell by cell of its Tanh-polar square (Lin et al. 2021): from a box alone, hair and all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.geometry.tanh_polar import areas, warp_faces
from mien.models.blob import input_of
from mien.models.card import Card
from mien.models.heads import heads
from mien.models.network import answers
from mien.models.views import Cuts
from mien.types.arrays import FloatArray
from mien.types.faces import Column

if TYPE_CHECKING:
    from mien.runtime import Session

UNIT = "class of a cell"


@dataclass(frozen=True, slots=True)
class Parsing:
    """The network gives logits of each class for each cell; the card's labels name the classes, background first."""

    card: Card
    session: Session
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n, side, side) number of the likeliest class; `mien.geometry.tanh_polar.restore` maps it back."""
        return Column(logits_of(self.card, self.session, cuts).argmax(axis=1).astype(np.float32), UNIT)

    def describe(self, column: Column, row: int) -> dict[str, float]:
        """Of each class but the background, its share of all their area."""
        labels = self.card.head.labels if self.card.head else ()
        cells = column.values[row]
        area = finite_areas(len(cells))
        sizes = np.array([area[cells == number].sum() for number in range(1, len(labels))])
        shares = sizes / (sizes.sum() or 1.0)
        return {name: round(float(share), 4) for name, share in zip(labels[1:], shares, strict=True)}


def logits_of(card: Card, session: Session, cuts: Cuts) -> FloatArray:
    """(n, k, side, side) of the faces' squares, all in one go."""
    boxes = cuts.faces.scaled(*cuts.image.scale, cuts.image.size).boxes
    width, _ = input_of(card).size or (0, 0)
    (logits,) = answers(card, session, warp_faces(cuts.image.pixels, boxes, width))
    return logits


def finite_areas(side: int) -> FloatArray:
    """(side, side) area of the picture that a cell stands for; none for the last column, which is the rest of it."""
    area = areas(side).copy()
    area[:, -1] = 0
    return area


@heads.register("parsing")
def parsing(card: Card, session: Session) -> Parsing:
    """The head of a card."""
    return Parsing(card, session)
