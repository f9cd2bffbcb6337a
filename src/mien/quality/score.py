"""One score of 0..100 from the components, what drives it down, and what would raise it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, isnan, nan
from typing import Final

from mien.quality.components import components

WORTH_SAYING: Final = 3.0
"""Points of the score that a component must cost to be worth advice."""
MOST_ADVICE: Final = 3
GOOD_ENOUGH: Final = 75.0
"""A component at least this good is never named as a fault."""
CAUSES: Final = {
    "sharpness": ("inter_eye_distance",),
    "dynamic_range": ("under_exposure_prevention", "over_exposure_prevention"),
}
"""What may be behind a fault, and then is what to change: a face of few pixels is soft, a dark one flat."""
BEHIND: Final = 50.0
"""A cause below this quality is taken for the reason."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A score with its reasons.

    Args:
        score: 0..100, whole; NaN when no component that counts could be measured.
        costs: points that each component takes off, those that take the most first; they sum to 100 - score.
        advice: short orders, the one that helps most first.
    """

    score: float
    costs: Mapping[str, float]
    advice: tuple[str, ...]


def assess(qualities: Mapping[str, float], weights: Mapping[str, float]) -> Verdict:
    """100 exp(-loss), the loss being the weighted sum of what each component lacks.

    A component never raises the score by falling, and one very bad component is enough to bring it down.

    Args:
        qualities: of the components, 0..100; those that are NaN or absent are left out, as if they were good.
        weights: loss at quality 0, by component; a component without one does not count.
    """
    lacks = {
        name: weight * (1 - qualities[name] / 100)
        for name, weight in weights.items()
        if not isnan(qualities.get(name, nan))
    }
    if not lacks:
        return Verdict(nan, {}, ())
    loss = sum(lacks.values())
    score = float(round(100 * exp(-loss)))
    share = (100 - score) / loss if loss else 0.0
    costs = {name: share * lack for name, lack in sorted(lacks.items(), key=lambda item: -item[1])}
    return Verdict(score, costs, _advice(costs, qualities))


def _advice(costs: Mapping[str, float], qualities: Mapping[str, float]) -> tuple[str, ...]:
    faults = (name for name, cost in costs.items() if cost >= WORTH_SAYING and qualities[name] < GOOD_ENOUGH)
    given = dict.fromkeys(components[_cause(name, qualities)].advice for name in faults)
    return tuple(advice for advice in given if advice)[:MOST_ADVICE]


def _cause(name: str, qualities: Mapping[str, float]) -> str:
    """What is behind a fault; the component itself where nothing is."""
    return next((cause for cause in CAUSES.get(name, ()) if qualities.get(cause, nan) < BEHIND), name)
