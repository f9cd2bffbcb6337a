"""How well maps of classes agree, from counts of cells: IoU and F1 (Dice) of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.geometry.face_parts import Labels
from mien.parsing.mask_folder import IGNORED

RESAMPLES = 1000
Counts: TypeAlias = NDArray[np.int64]
"""(..., k, k): cells by their class (rows) and the class that was said (columns)."""


def confusion(truth: Labels, said: Labels, classes: int) -> Counts:
    """(k, k) counts of cells; those whose truth is `IGNORED` are left out."""
    known = truth != IGNORED
    pairs = truth[known].astype(np.int64) * classes + said[known]
    counts: Counts = np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    return counts


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure with its 95 % interval by bootstrap over people; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        return (
            "– nowhere in the truth or the answers"
            if self.value is None
            else (f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})")
        )

    def to_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Agreement:
    """IoU and F1, cells of all people counted together.

    Args:
        counts: (n, k, k), one a person, or a picture where each shows another; n at least 1.
    """

    counts: Counts

    def iou(self, number: int) -> Spread:
        """Of one class: both / either."""
        return self._spread(lambda c: _ious(c)[..., number])

    def f1(self, number: int) -> Spread:
        """Of one class: 2 both / (truth + said)."""
        return self._spread(lambda c: _f1s(c)[..., number])

    def mean_iou(self) -> Spread:
        """Over all classes that occur, the background too."""
        return self._spread(lambda c: _mean(_ious(c)))

    def mean_f1(self) -> Spread:
        """Over the classes that occur but the first, the background, as CelebAMask-HQ is measured."""
        return self._spread(lambda c: _mean(_f1s(c)[..., 1:]))

    def to_dict(self, classes: tuple[str, ...]) -> dict[str, Any]:
        """For JSON."""
        rows = [
            {"class": name, "iou": self.iou(i).to_dict(), "f1": self.f1(i).to_dict()} for i, name in enumerate(classes)
        ]
        means = {"mean_iou": self.mean_iou().to_dict(), "mean_f1": self.mean_f1().to_dict()}
        return {"people": len(self.counts), **means, "classes": rows}

    def _spread(self, figure: Any) -> Spread:
        value = float(figure(self.counts.sum(axis=0)))
        if np.isnan(value):
            return Spread(None, None, None)
        n = len(self.counts)
        draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
        resampled = figure(np.einsum("rn,nij->rij", draws, self.counts))
        low, high = np.nanpercentile(resampled, [2.5, 97.5])
        return Spread(value, min(value, float(low)), max(value, float(high)))


def _ious(counts: Counts) -> NDArray[np.float64]:
    """(..., k); NaN for a class that is neither in the truth nor said."""
    both = np.diagonal(counts, axis1=-2, axis2=-1)
    either = counts.sum(axis=-1) + counts.sum(axis=-2) - both
    return _quotient(both, either)


def _f1s(counts: Counts) -> NDArray[np.float64]:
    both = np.diagonal(counts, axis1=-2, axis2=-1)
    total = counts.sum(axis=-1) + counts.sum(axis=-2)
    return _quotient(2 * both, total)


def _mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Over the last axis, without NaN; NaN where nothing is left."""
    there = ~np.isnan(values)
    count = there.sum(axis=-1)
    total = np.where(there, values, 0).sum(axis=-1)
    return _quotient(total, count)


def _quotient(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """NaN where there is nothing below."""
    found: NDArray[np.float64] = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=below > 0)
    return found
