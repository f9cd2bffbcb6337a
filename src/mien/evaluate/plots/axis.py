"""Ticks of rate axes, as people of this field write them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

if TYPE_CHECKING:
    from matplotlib.axis import Axis

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def rate_text(value: float) -> str:
    """A rate on an axis: 1, 0.2, 0.0001, 10⁻⁵, 2·10⁻⁵."""
    if value > 0.99e-4 or value <= 0:
        return f"{value:.3g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    digit = f"{value / 10**exponent:.3g}"
    power = f"10{str(exponent).translate(_RAISED)}"
    return power if digit == "1" else f"{digit}·{power}"


def log_rates(axis: Axis, low: float, high: float) -> None:
    """Ticks of a logarithmic axis over [low, high]: decades, and 2 and 5 between them where there is room."""
    decades = range(math.floor(math.log10(low) - 1e-9), math.ceil(math.log10(high) + 1e-9) + 1)
    steps = (1, 2, 5) if math.log10(high / low) <= 2.1 else (1,)
    ticks = [step * 10.0**d for d in decades for step in steps]
    axis.set_major_locator(FixedLocator([t for t in ticks if low * 0.999 <= t <= high * 1.001]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: rate_text(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
