"""A linear detector: Fisher's discriminant with shrinkage, fitted in closed form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import FloatArray

SHRINKAGES = (0.01, 0.03, 0.1, 0.3, 0.6, 0.9)
"""Shares of the unit matrix in the covariance that are tried."""
FOLDS = 5

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Linear:
    """``features @ weights + bias``: higher is more like an attack, 0 half-way between the two means.

    Args:
        weights: (d,) float64 for features as they come.
        bias: the constant.
    """

    weights: NDArray[np.float64]
    bias: float

    def score(self, features: FloatArray) -> NDArray[np.float64]:
        """(n, d) to (n,); one row (d,) to ()."""
        scores: NDArray[np.float64] = features.astype(np.float64) @ self.weights + self.bias
        return scores

    @classmethod
    def fit(cls, features: FloatArray, attacks: Flags, shrinkage: float) -> Linear:
        """The direction that parts the means best against the spread within the classes, each counting alike.

        Args:
            features: (n, d).
            attacks: (n,) which of them are.
            shrinkage: 0..1 of the unit matrix in the covariance of the standardised features.

        Raises:
            ValueError: a class is missing.
        """
        if attacks.all() or not attacks.any():
            raise ValueError("a detector learns from attacks and from bona fide pictures; one of them is missing")
        middle = features.mean(axis=0, dtype=np.float64)
        scale = np.maximum(features.std(axis=0, dtype=np.float64), 1e-6)
        values = (features - middle) / scale
        means = [values[side].mean(axis=0) for side in (~attacks, attacks)]
        within = sum(np.cov(values[side].T, bias=True) / 2 for side in (~attacks, attacks) if side.sum() > 1)
        matrix = (1 - shrinkage) * np.atleast_2d(within) + shrinkage * np.eye(values.shape[1])
        direction = np.linalg.solve(matrix, means[1] - means[0])
        weights = direction / scale
        return cls(weights, float(-direction @ (means[0] + means[1]) / 2 - middle @ weights))


@dataclass(frozen=True, slots=True)
class Fitted:
    """A detector, and what it said of each sample when fitted without the people in it.

    Args:
        linear: fitted on all.
        shrinkage: that parted held-out people best.
        held_out: (n,) scores.
    """

    linear: Linear
    shrinkage: float
    held_out: NDArray[np.float64]


def fit_held_out(features: FloatArray, attacks: Flags, people: Sequence[frozenset[str]]) -> Fitted:
    """The shrinkage with the largest area under the curve over held-out people, then a fit on all.

    Args:
        features: (n, d).
        attacks: (n,).
        people: who is in each sample; in a fold nobody is on both sides.
    """
    fold = {name: i % FOLDS for i, name in enumerate(sorted(frozenset().union(*people)))}
    folds = [np.array([any(fold[name] == f for name in who) for who in people]) for f in range(FOLDS)]
    best: tuple[float, float, NDArray[np.float64]] | None = None
    for shrinkage in SHRINKAGES:
        total, times = np.zeros(len(features)), np.zeros(len(features))
        for out in folds:
            if out.all() or attacks[~out].all() or not attacks[~out].any():
                continue
            total[out] += Linear.fit(features[~out], attacks[~out], shrinkage).score(features[out])
            times += out
        scores = total / np.maximum(times, 1)
        area = area_under(scores[attacks & (times > 0)], scores[~attacks & (times > 0)])
        if best is None or area > best[0]:
            best = area, shrinkage, scores
    if best is None:
        raise ValueError("nothing to choose from")
    return Fitted(Linear.fit(features, attacks, best[1]), best[1], best[2])


def area_under(attacks: NDArray[np.float64], bona_fide: NDArray[np.float64]) -> float:
    """How often an attack scores above a bona fide picture, ties half: 1 is perfect, 0.5 chance."""
    if not len(attacks) or not len(bona_fide):
        return 0.5
    ordered = np.sort(bona_fide)
    below, upto = np.searchsorted(ordered, attacks, "left"), np.searchsorted(ordered, attacks, "right")
    return float((below + upto).sum() / (2 * len(attacks) * len(ordered)))
