"""The 1 euro filter: steady at rest, prompt in motion.

G. Casiez, N. Roussel, D. Vogel: 1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive
Systems, CHI 2012. A first-order low-pass whose cut-off rises with the speed of the signal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OneEuro:
    """How a signal is smoothed.

    The defaults are for landmarks in widths of the face: of a grid of settings, the one that leaves the least jitter
    among those that lag at most 20 ms behind a turning head (`mien evaluate jitter`).

    Args:
        min_cutoff_hz: cut-off at rest; lower is steadier, and slower to start.
        beta: cut-off gained for each unit of the signal a second; higher lags less.
        speed_cutoff_hz: of the low-pass on the speed itself; the paper's 1 Hz.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 32.0
    speed_cutoff_hz: float = 1.0

    def __post_init__(self) -> None:
        if not (self.min_cutoff_hz > 0 and self.beta >= 0 and self.speed_cutoff_hz > 0):
            raise ValueError(f"cut-offs must be above 0 and beta at least 0, got {self}")


class OneEuroFilter:
    """One signal of any shape, each number filtered by itself; values come one by one."""

    def __init__(self, settings: OneEuro) -> None:
        self._settings = settings
        self._value: F8 | None = None
        self._speed: F8 = np.zeros(())
        self._time_s = 0.0

    def step(self, value: F8, time_s: float) -> F8:
        """The filtered value (the paper's algorithm 1).

        Args:
            value: of the same shape each time.
            time_s: later than the last one.

        Raises:
            ValueError: time stands still or goes back.
        """
        value = np.asarray(value, np.float64)
        if self._value is None:
            self._value, self._speed = value, np.zeros_like(value)
        else:
            period = time_s - self._time_s
            if not period > 0:
                raise ValueError(f"time must go on, got {time_s} after {self._time_s}")
            speed = (value - self._value) / period
            self._speed = self._speed + smoothing(self._settings.speed_cutoff_hz, period) * (speed - self._speed)
            cutoff = self._settings.min_cutoff_hz + self._settings.beta * np.abs(self._speed)
            self._value = self._value + smoothing(cutoff, period) * (value - self._value)
        self._time_s = time_s
        return self._value


def smoothing(cutoff_hz: F8 | float, period_s: float) -> F8 | float:
    """The weight of a new value, alpha = 1 / (1 + tau / T) with tau = 1 / (2 pi f) (the paper's equations 3 and 5)."""
    return 1 / (1 + 1 / (2 * math.pi * cutoff_hz * period_s))


def one_euro(values: F8, times_s: F8, settings: OneEuro) -> F8:
    """A whole signal filtered.

    Args:
        values: (t, ...).
        times_s: (t,) ascending.
        settings: how.

    Returns:
        (t, ...) float64.
    """
    steps = OneEuroFilter(settings)
    return np.array([steps.step(value, float(time)) for value, time in zip(values, times_s, strict=True)])


def jitter(values: F8) -> float:
    """Root mean square of second differences, over all times and numbers: 0 for rest and for even motion.

    Args:
        values: (t, ...) at even times, t at least 3.
    """
    return float(np.sqrt(np.mean(np.diff(values, n=2, axis=0) ** 2)))


def typical_jitter(values: F8) -> float:
    """The same from the median, 1.48 of which is the deviation of a normal distribution: a cut or a jump hardly counts.

    Args:
        values: as for `jitter`.
    """
    return 1.4826 * float(np.median(np.abs(np.diff(values, n=2, axis=0))))
