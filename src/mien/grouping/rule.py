"""The measured settings of grouping: they belong to an embedder and stand in its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class GroupingRule:
    """The ``[grouping]`` table of an embedder's card.

    Args:
        cut: two groups are joined while their faces' average cosine is at least this.
        attach: a weak face joins a group when its average cosine with it is at least this.
        min_score: a face with a lower detector score is weak.
        data: what was measured, in words.
        date: ISO date of the measurement.
        command: what makes it again.
    """

    cut: float
    attach: float
    min_score: float
    data: str
    date: str
    command: str

    @classmethod
    def from_dict(cls, table: Mapping[str, Any]) -> GroupingRule:
        """From the card's table."""
        return cls(**table)

    @property
    def key(self) -> str:
        """What decides a grouping: two runs of one key on the same faces agree."""
        return f"cut {self.cut!r}, attach {self.attach!r}, weak below {self.min_score!r}"

    def weak(self, scores: FloatArray) -> NDArray[np.bool_]:
        """(n,) faces too poor to found a group: such faces resemble each other more than their people.

        Args:
            scores: (n,) detector scores.
        """
        return scores < self.min_score
