"""Accuracy over folds, as LFW reports it (Huang et al. 2007, section 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """Share of right answers.

    Args:
        folds: names of the folds, ascending.
        accuracy: of each fold.
        thresholds: the one applied to each fold, chosen on all the others.
        right: (n,) bool, by comparison.
    """

    folds: tuple[int, ...]
    accuracy: tuple[float, ...]
    thresholds: tuple[float, ...]
    right: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """Mean over folds."""
        return float(np.mean(self.accuracy))

    @property
    def std(self) -> float:
        """Standard deviation over folds (divisor: number of folds, as the field prints it)."""
        return float(np.std(self.accuracy))

    @property
    def standard_error(self) -> float:
        """Of the mean: sample deviation over the root of the number of folds, as Huang et al. define it."""
        return float(np.std(self.accuracy, ddof=1) / math.sqrt(len(self.accuracy)))

    def to_dict(self) -> dict[str, Any]:
        """For JSON: mean, std, standard_error, and fold, accuracy and threshold of each fold."""
        rows = zip(self.folds, self.accuracy, self.thresholds, strict=True)
        folds = [{"fold": fold, "accuracy": value, "threshold": threshold} for fold, value, threshold in rows]
        return {"mean": self.mean, "std": self.std, "standard_error": self.standard_error, "folds": folds}


def fold_accuracy(
    score: NDArray[np.float64], mated: NDArray[np.bool_], failed: NDArray[np.bool_], fold: NDArray[np.int64]
) -> FoldAccuracy:
    """For each fold the threshold that is best on the others is applied to it.

    A failed comparison is a wrong answer whether mated or not: the system was asked and had none.

    Args:
        score: (n,) float64, -inf where failed.
        mated: (n,) bool.
        failed: (n,) bool.
        fold: (n,) int64, at least two different ones.

    Raises:
        ValueError: fewer than two folds, so there is nothing to choose a threshold on.
    """
    folds = np.unique(fold)
    if len(folds) < 2:
        raise ValueError("accuracy over folds needs at least two folds")
    right = np.zeros(len(score), np.bool_)
    accuracy, thresholds = [], []
    for held in folds:
        test = fold == held
        train = ~test & ~failed
        threshold = best_threshold(score[train & mated], score[train & ~mated])
        right[test] = ((score[test] >= threshold) == mated[test]) & ~failed[test]
        accuracy.append(float(np.mean(right[test])))
        thresholds.append(threshold)
    return FoldAccuracy(tuple(folds.tolist()), tuple(accuracy), tuple(thresholds), right)


def best_threshold(mated: NDArray[np.float64], nonmated: NDArray[np.float64]) -> float:
    """The threshold with the most right answers, half-way between two scores; of several, the one in their middle."""
    order = np.sort(np.concatenate([mated, nonmated]))
    if not len(order):
        return 0.0
    edges = [np.nextafter(order[0], -math.inf)], (order[1:] + order[:-1]) / 2, [np.nextafter(order[-1], math.inf)]
    candidates = np.concatenate(edges)
    hits = len(mated) - np.searchsorted(np.sort(mated), candidates)
    right = hits + np.searchsorted(np.sort(nonmated), candidates)
    best = candidates[np.flatnonzero(right == right.max())]
    return float(best[len(best) // 2])
