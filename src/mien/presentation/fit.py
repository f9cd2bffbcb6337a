"""A logistic regression on the cues, fitted to made attacks and bona fide pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.models.heads.pad import BONA_FIDE, REACH, Linear
from mien.types.arrays import AnyArray, FloatArray

PENALTY: Final = 3e-2
"""Of the squared weights, in the mean loss; of 1e-4 to 1e-1 the one with the least loss on London people 35 to 51."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Cues of pictures whose species is known.

    Args:
        values: (n, c) as `mien.image.cues.cues` gives them.
        species: n names.
    """

    values: FloatArray
    species: tuple[str, ...]

    def without(self, name: str) -> Shown:
        """Those of other species."""
        kept = np.array([each != name for each in self.species], np.bool_)
        return Shown(self.values[kept], tuple(each for each in self.species if each != name))


def fit(shown: Shown, labels: Sequence[str] = ()) -> Linear:
    """The regression; every species counts the same, and bona fide as much as all attacks together.

    Args:
        shown: pictures, of bona fide and of one attack at least.
        labels: their order; those found, bona fide first, if left out.

    Raises:
        ValueError: a label has no picture.
    """
    from scipy.optimize import minimize

    found = dict.fromkeys(shown.species)
    labels = tuple(labels) or (BONA_FIDE, *sorted(found.keys() - {BONA_FIDE}))
    truth = np.array([labels.index(name) for name in shown.species])
    counts = np.bincount(truth, minlength=len(labels))
    if not counts.all():
        raise ValueError(f"pictures of every label are needed, got none of {labels[int(counts.argmin())]}")
    share = np.array([1.0] + [1 / (len(labels) - 1)] * (len(labels) - 1)) / 2
    weight = (share / counts)[truth]
    mean = shown.values.mean(axis=0)
    deviation = shown.values.std(axis=0) + 1e-6
    x = np.clip((shown.values - mean) / deviation, -REACH, REACH).astype(np.float64)
    shape = len(labels), x.shape[1] + 1
    result = minimize(
        _loss,
        np.zeros(shape).ravel(),
        args=(x, truth, weight, shape),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 2000},
    )
    solved = result.x.reshape(shape).astype(np.float32)
    return Linear(labels, mean.astype(np.float32), deviation.astype(np.float32), solved[:, :-1], solved[:, -1])


def _loss(
    flat: AnyArray, x: AnyArray, truth: NDArray[np.int64], weight: AnyArray, shape: tuple[int, int]
) -> tuple[float, AnyArray]:
    """Weighted cross-entropy with the penalty, and its gradient."""
    parameters = flat.reshape(shape)
    raw = x @ parameters[:, :-1].T + parameters[:, -1]
    raw -= raw.max(axis=1, keepdims=True)
    logs = raw - np.log(np.exp(raw).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    change = np.exp(logs)
    change[rows, truth] -= 1
    change *= weight[:, None]
    slope = np.concatenate([change.T @ x + 2 * PENALTY * parameters[:, :-1], change.sum(axis=0)[:, None]], axis=1)
    loss = -(weight * logs[rows, truth]).sum() + PENALTY * (parameters[:, :-1] ** 2).sum()
    return float(loss), slope.ravel()
