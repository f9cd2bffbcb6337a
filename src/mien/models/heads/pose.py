"""Yaw, pitch and roll as expectations over bins of three degrees (Hopenet; Ruiz et al., CVPR Workshops 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.models.card import Card
from mien.models.heads import heads
from mien.models.network import answers, softmax
from mien.models.views import Cuts, Shape, View
from mien.types.arrays import FloatArray
from mien.types.faces import Column

if TYPE_CHECKING:
    from mien.runtime import Session

VIEW = View(Shape.CLIPPED, 1.5, 224)
BIN = 3.0
FIRST = -99.0
ANGLES = ("yaw", "pitch", "roll")


@dataclass(frozen=True, slots=True)
class Pose:
    """The network gives 66 bins for each angle."""

    card: Card
    session: Session
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n, 3) degrees: yaw, pitch, roll."""
        bins = answers(self.card, self.session, cuts.cut(VIEW))
        return Column(np.stack([degrees(logits) for logits in bins], axis=1), "degrees")

    def describe(self, column: Column, row: int) -> dict[str, float]:
        """Each angle to a tenth of a degree."""
        return {name: round(float(value), 1) for name, value in zip(ANGLES, column.values[row], strict=True)}


def degrees(logits: FloatArray) -> FloatArray:
    """(n, 66) logits of bins to (n,) expected angles."""
    steps = np.arange(logits.shape[1], dtype=np.float32)
    angles: FloatArray = softmax(logits) @ steps * np.float32(BIN) + np.float32(FIRST)
    return angles


@heads.register("pose")
def pose(card: Card, session: Session) -> Pose:
    """The head of a card."""
    return Pose(card, session)
