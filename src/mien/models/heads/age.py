"""Apparent age as the expectation over 81 classes of a year each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.models.card import Card
from mien.models.heads import heads
from mien.models.heads.classes import PORTRAIT
from mien.models.network import answers
from mien.models.views import Cuts
from mien.types.arrays import FloatArray
from mien.types.faces import Column

if TYPE_CHECKING:
    from mien.runtime import Session

CLASSES = 81
INFANT = 0.25
"""Years that the first class, below one year, stands for; the others stand for their number."""


@dataclass(frozen=True, slots=True)
class Age:
    """The network gives a probability for each class."""

    card: Card
    session: Session
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n,) years."""
        (shares,) = answers(self.card, self.session, cuts.cut(PORTRAIT))
        return Column(expected(shares), "years")

    def describe(self, column: Column, row: int) -> float:
        """Years, to a tenth."""
        return round(float(column.values[row]), 1)


def expected(shares: FloatArray) -> FloatArray:
    """(n, 81) probabilities to (n,) years."""
    years = np.arange(CLASSES, dtype=np.float32)
    years[0] = INFANT
    ages: FloatArray = (shares @ years).astype(np.float32)
    return ages


@heads.register("age")
def age(card: Card, session: Session) -> Age:
    """The head of a card."""
    return Age(card, session)
