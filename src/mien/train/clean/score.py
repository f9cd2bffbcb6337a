"""How right labels are, where the truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.train.data.base import Rows


@dataclass(frozen=True, slots=True)
class LabelScore:
    """Counts of pictures.

    Args:
        pictures: of people who have a name.
        labelled: of them that have a label.
        right: of these whose label is the person they show.
    """

    pictures: int
    labelled: int
    right: int

    @property
    def purity(self) -> float | None:
        """Right ones among those with a label; None without any."""
        return self.right / self.labelled if self.labelled else None

    @property
    def recall(self) -> float | None:
        """Rightly labelled ones among those of people who have a name; None without any."""
        return self.right / self.pictures if self.pictures else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        counts = {"pictures": self.pictures, "labelled": self.labelled, "right": self.right}
        return counts | {"purity": self.purity, "recall": self.recall}

    def __str__(self) -> str:
        purity = f"{self.purity:.1%}" if self.purity is not None else "-"
        recall = f"{self.recall:.1%}" if self.recall is not None else "-"
        return f"purity {purity} ({self.right:,} of {self.labelled:,}), recall {recall} (of {self.pictures:,})"


def score_labels(labels: Rows, truth: Rows) -> LabelScore:
    """Of labels that use the numbers of the truth.

    Args:
        labels: (n,) int64; -1 = left out.
        truth: (n,) int64; -1 = shows nobody who has a name, and no label is right.

    Raises:
        ValueError: columns of different length.
    """
    if labels.shape != truth.shape:
        raise ValueError(f"labels and truth must be columns of one length, got {labels.shape} and {truth.shape}")
    labelled = labels >= 0
    right = labelled & (labels == truth)
    return LabelScore(int((truth >= 0).sum()), int(labelled.sum()), int(right.sum()))
