"""Error rates of presentation attack detection (ISO/IEC 30107-3).

A score is higher for bona fide; a presentation is accepted where the score is at least the threshold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from mien.evaluate.rates import Rate
from mien.types.arrays import AnyArray

Attacks = Mapping[str, AnyArray]
"""Scores of attacks, (n,) each, by species."""
LIMITS: Final = (0.1, 0.05, 0.01)
"""APCER at which BPCER is reported: BPCER10, BPCER20 and BPCER100 of the standard."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Errors at one threshold.

    Args:
        threshold: a presentation of at least this score is accepted.
        apcer: by species, attacks that were accepted.
        bpcer: bona fide presentations that were refused.
    """

    threshold: float
    apcer: Mapping[str, Rate]
    bpcer: Rate

    @property
    def worst(self) -> str | None:
        """The species whose APCER is highest, the first of equals; None where none was presented."""
        known = {name: rate.value for name, rate in self.apcer.items() if rate.value is not None}
        return max(known, key=lambda name: known[name]) if known else None

    @property
    def acer(self) -> float | None:
        """Mean of the highest APCER and BPCER; None where one of them is undefined."""
        if self.worst is None or self.bpcer.value is None:
            return None
        return ((self.apcer[self.worst].value or 0.0) + self.bpcer.value) / 2

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "threshold": self.threshold,
            "apcer": {name: rate.to_dict() for name, rate in self.apcer.items()},
            "worst": self.worst,
            "bpcer": self.bpcer.to_dict(),
            "acer": self.acer,
        }


def errors_at(threshold: float, bona_fide: AnyArray, attacks: Attacks) -> Errors:
    """The errors that a threshold makes.

    Args:
        threshold: accepted from here on.
        bona_fide: (n,) scores.
        attacks: scores by species.
    """
    accepted = {name: Rate(len(scores) - _below(scores, threshold), len(scores)) for name, scores in attacks.items()}
    return Errors(threshold, accepted, Rate(_below(bona_fide, threshold), len(bona_fide)))


def equal_error_threshold(bona_fide: AnyArray, attacks: Attacks) -> float:
    """Where the highest APCER and BPCER are nearest to each other, and of such places where both together are lowest.

    Half way between the scores on both sides, so that it does not lean on a single presentation.

    Raises:
        ValueError: one side has no scores.
    """
    _require(bona_fide, attacks)
    levels = np.unique(np.concatenate([bona_fide, *attacks.values()]).astype(np.float64))
    between = np.concatenate([levels[:1], (levels[1:] + levels[:-1]) / 2, [np.nextafter(levels[-1], np.inf)]])
    refused = np.array([np.mean(bona_fide < t) for t in between])
    accepted = np.array([[np.mean(scores >= t) for t in between] for scores in attacks.values() if len(scores)])
    worst = accepted.max(axis=0)
    return float(between[np.lexsort((worst + refused, np.round(np.abs(worst - refused), 9)))[0]])


def bpcer_at(limit: float, bona_fide: AnyArray, attacks: Attacks) -> Rate:
    """BPCER at the lowest threshold that lets at most this share of every species through.

    Args:
        limit: APCER, 0 to 1.
        bona_fide: (n,) scores.
        attacks: scores by species.

    Raises:
        ValueError: one side has no scores.
    """
    _require(bona_fide, attacks)
    threshold = max(_lowest(limit, scores) for scores in attacks.values() if len(scores))
    return Rate(_below(bona_fide, threshold), len(bona_fide))


def _below(scores: AnyArray, threshold: float) -> int:
    # In float64: float32 scores would round a threshold just above one of them down to it.
    return int((scores.astype(np.float64) < threshold).sum())


def _lowest(limit: float, scores: AnyArray) -> float:
    """Just above the highest score that must not be accepted."""
    ordered = np.sort(scores.astype(np.float64))[::-1]
    allowed = int(np.floor(limit * len(ordered) + 1e-9))
    return -np.inf if allowed >= len(ordered) else float(np.nextafter(ordered[allowed], np.inf))


def _require(bona_fide: AnyArray, attacks: Attacks) -> None:
    if not len(bona_fide) or not any(len(scores) for scores in attacks.values()):
        raise ValueError("bona fide presentations and attacks are both needed")
