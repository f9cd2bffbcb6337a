"""What cleaning makes of labels: who each picture shows now, or why it is left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mien.train.data.base import UNLABELLED, Rows


class Reason(IntEnum):
    """What became of a picture."""

    KEPT = 0
    """The label stays; its person may have been joined with another."""
    MOVED = 1
    """It is like another person, and has that label now."""
    NO_CLUSTER = 2
    """No picture of its person is linked with enough of the others."""
    OUTLIER = 3
    """It is outside its person's largest cluster."""
    TWIN = 4
    """Its person is too like another with more pictures to be told apart, and not enough to be the same."""
    UNSURE = 5
    """The network's prediction and the label together are not sure enough."""
    UNLABELLED = 6
    """There was no label."""

    @property
    def word(self) -> str:
        """As in lists: ``no-cluster``."""
        return self.name.lower().replace("_", "-")


KEEPING = (Reason.KEPT, Reason.MOVED)


@dataclass(frozen=True, slots=True)
class Merge:
    """Two names of one person.

    Args:
        person, into: rows of the people; the pictures of `person` are `into`'s now.
        cosine: of the two centres.
    """

    person: int
    into: int
    cosine: float


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Labels after cleaning.

    Args:
        labels: (n,) int64 rows of the people; -1 = left out.
        reasons: (n,) int8 of `Reason`.
        merges: people that became others.
        levels: cosines that decided, by what they decided.
    """

    labels: Rows
    reasons: NDArray[np.int8]
    merges: tuple[Merge, ...] = ()
    levels: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (np.isin(self.reasons, KEEPING) != (self.labels != UNLABELLED)).any():
            raise ValueError("a picture has a label where it is kept or moved, and nowhere else")

    @property
    def rows(self) -> Rows:
        """Pictures that have a label."""
        return np.flatnonzero(self.labels != UNLABELLED)

    def counts(self) -> dict[str, int]:
        """Pictures by what became of them."""
        return {reason.word: n for reason in Reason if (n := int((self.reasons == reason).sum()))}
