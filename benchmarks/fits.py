"""How cost grows with work: the exponent of a power law, and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True)
class Fit:
    """cost = factor * work ** exponent.

    Args:
        exponent: slope of log cost over log work; 1 = proportional.
        low, high: its 95 % interval (Student's t, residuals of the logarithms taken as normal); None for two points.
        factor: cost at work 1.
        points: how many measurements it rests on.
        start: least work among them.
    """

    exponent: float
    low: float | None
    high: float | None
    factor: float
    points: int
    start: float

    def __str__(self) -> str:
        interval = "" if self.low is None else f" ({self.low:.2f} to {self.high:.2f})"
        return f"{self.exponent:.2f}{interval}"


def power_law(work: Sequence[float], cost: Sequence[float], start: float = 0.0) -> Fit | None:
    """Least squares in logarithms.

    Args:
        work: (n,) positive.
        cost: (n,) positive.
        start: leave out less work, where a fixed cost hides how it grows.

    Returns:
        None with fewer than two points.
    """
    x, y = np.log(np.asarray(work, float)), np.log(np.asarray(cost, float))
    kept = np.asarray(work, float) >= start
    x, y = x[kept], y[kept]
    if len(np.unique(x)) < 2:
        return None
    line = stats.linregress(x, y)
    room = stats.t.ppf(0.975, len(x) - 2) * line.stderr if len(x) > 2 else None
    low, high = (None, None) if room is None else (line.slope - room, line.slope + room)
    first = float(np.exp(x.min()))
    return Fit(float(line.slope), low, high, float(np.exp(line.intercept)), len(x), first)
