"""From native values to 0..100, in the forms that ISO/IEC 29794-5 and OFIQ use."""

from __future__ import annotations

from dataclasses import dataclass
from math import copysign, exp, floor, isnan, nan


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """height * (offset + slope / (1 + exp((centre - x) / width))), rounded and kept within 0..100.

    Args:
        centre, width: where it is steepest, and how steep, in the unit of the native value.
        height, offset, slope: as in the formula.
    """

    centre: float
    width: float
    height: float = 100.0
    offset: float = 0.0
    slope: float = 1.0

    def __call__(self, native: float) -> float:
        """The quality value of a native one; NaN stays NaN."""
        return bounded(self.height * (self.offset + self.slope * logistic((native - self.centre) / self.width)))


def falling(centre: float, width: float, height: float = 100.0) -> Sigmoid:
    """A sigmoid that is high where the native value is low."""
    return Sigmoid(centre, width, height, offset=1.0, slope=-1.0)


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    if x < 0:
        power = exp(max(x, -700.0))
        return power / (1 + power)
    return 1 / (1 + exp(-x)) if not isnan(x) else nan


def bounded(quality: float) -> float:
    """A quality rounded to a whole number, halves away from zero, and kept within 0..100; NaN stays NaN."""
    if isnan(quality):
        return nan
    return max(0.0, min(100.0, copysign(floor(abs(quality) + 0.5), quality)))
