"""Probabilities of classes made as sure as they are right, by one number (Guo et al., ICML 2017)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError

F8 = NDArray[np.float64]
Truth = NDArray[np.int64]
BINS = 10
FEWEST = 20
"""Faces on either half, below which nothing is fitted."""
RESAMPLES = 1000
SEED = 1706
LEAST = 1e-12
"""Probability below which a logarithm is not taken further."""


def tempered(shares: F8, temperature: float) -> F8:
    """(n, k) probabilities as their logits divided by a temperature give them: above 1 less sure, below 1 surer."""
    logits = np.log(np.maximum(shares, LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: F8 = powers / powers.sum(axis=1, keepdims=True)
    return found


def fit_temperature(shares: F8, truth: Truth) -> float:
    """The temperature with the least mean negative log-likelihood, between 0.05 and 20."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda t: log_loss(tempered(shares, float(np.exp(t))), truth), bounds=(-3, 3), method="bounded"
    )
    return float(np.exp(found.x))


def log_loss(shares: F8, truth: Truth) -> float:
    """Mean negative natural logarithm of the true class's probability."""
    return float(-np.log(np.maximum(shares[np.arange(len(truth)), truth], LEAST)).mean())


def brier(shares: F8, truth: Truth) -> float:
    """Mean squared distance from the certain answer, 0 to 2 (Brier 1950, all classes)."""
    return float(((shares - np.eye(shares.shape[1])[truth]) ** 2).sum(axis=1).mean())


def calibration_error(shares: F8, truth: Truth, bins: int = BINS) -> float:
    """Expected calibration error of the likeliest label (Guo et al., ICML 2017).

    Args:
        shares: (n, k) probabilities, n at least 1.
        truth: (n,) indices.
        bins: of equal width.
    """
    sure, right = shares.max(axis=1).astype(np.float64), shares.argmax(axis=1) == truth
    of = np.minimum((sure * bins).astype(np.int64), bins - 1)
    gaps = [abs(float(right[of == b].mean() - sure[of == b].mean())) * int((of == b).sum()) for b in np.unique(of)]
    return sum(gaps) / len(truth)


MEASURES: dict[str, Callable[[F8, Truth], float]] = {
    "calibration_error": calibration_error,
    "brier": brier,
    "log_loss": log_loss,
}
"""Lower is better."""


@dataclass(frozen=True, slots=True)
class Tempering:
    """A temperature fitted on one half of the faces, and what it does on the other.

    Args:
        temperature: fitted.
        fitted: faces of the half it was fitted on.
        shares: (n, k) probabilities of the other half, as the head gives them.
        truth: (n,) its labels.
    """

    temperature: float
    fitted: int
    shares: F8
    truth: Truth

    def to_dict(self) -> dict[str, Any]:
        """For JSON: each measure before and after, with 95 % bootstrap intervals over faces, both by the same draws."""
        after = tempered(self.shares, self.temperature)
        n = len(self.truth)
        draws = np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))
        rows = {
            name: {
                "before": _spread(measure, self.shares, self.truth, draws),
                "after": _spread(measure, after, self.truth, draws),
            }
            for name, measure in MEASURES.items()
        }
        return {"temperature": self.temperature, "fitted_on": self.fitted, "measured_on": n, **rows}


def temper(shares: F8, truth: Truth, seed: int = SEED) -> Tempering:
    """Fit on one half, drawn with as many of each class as can be, and keep the other to measure on.

    Raises:
        UsageError: too few faces.
    """
    first = half(truth, seed)
    if min(first.sum(), (~first).sum()) < FEWEST:
        raise UsageError(f"a temperature needs {2 * FEWEST} faces that were found, got {len(truth)}")
    shares = shares.astype(np.float64)
    fitted = fit_temperature(shares[first], truth[first])
    return Tempering(fitted, int(first.sum()), shares[~first], truth[~first])


def half(truth: Truth, seed: int) -> NDArray[np.bool_]:
    """(n,) every second face of each class, in an order drawn by the seed."""
    random, first = np.random.default_rng(seed), np.zeros(len(truth), np.bool_)
    for label in np.unique(truth):
        first[random.permutation(np.flatnonzero(truth == label))[::2]] = True
    return first


def _spread(
    measure: Callable[[F8, Truth], float], shares: F8, truth: Truth, draws: NDArray[np.int64]
) -> dict[str, float]:
    values = [measure(shares[rows], truth[rows]) for rows in draws]
    low, high = np.percentile(values, [2.5, 97.5])
    value = measure(shares, truth)
    return {"value": value, "low": min(value, float(low)), "high": max(value, float(high))}
