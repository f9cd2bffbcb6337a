"""How far a matcher takes a morph for each of its people (ISO/IEC 20059, ISO/IEC 30107-3).

A morph is compared with live captures of every person in it, in one or more attempts each. A comparison succeeds when
score >= threshold; one that failed to give a score never does.

    MMPMR           share of morphs of which every attempt of every person succeeds (Scherhag et al., BIOSIG 2017, where
                    each person makes one attempt)
    MinMax-MMPMR    … of which at least one attempt of every person succeeds (there too)
    ProdAvg-MMPMR   mean over morphs of the product over people of the share of attempts that succeed (there too)
    IAPAR           share of all single comparisons that succeed; a morph is an impostor's attack in each
    RIAPAR          1 + (IAPAR - (1 - FNMR)) = IAPAR + FNMR: what morphs gain and what people lose, together; a matcher
                    that lets both pass has 1, and so has one that refuses both
    RMMR            MMPMR + FNMR, likewise (Scherhag et al.)
    MAP[r, c]       share of morphs that in at least r attempts of every person succeed at c systems or more, each
                    system counted by itself (Ferrara et al., WIFS 2022; ISO/IEC 20059)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics.verification import Curve, eer
from mien.evaluate.rates import Rate

Attempts: TypeAlias = Sequence[Sequence[NDArray[np.float64]]]
"""For each morph, for each of its people, (k,) scores; k >= 1 may differ, NaN is a failure to acquire."""


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A matcher before some morphs.

    Args:
        every: morphs of which every attempt succeeds, MMPMR.
        any_each: morphs of which each person has an attempt that succeeds, MinMax-MMPMR.
        product: ProdAvg-MMPMR; None without morphs.
        accepted: of single comparisons, IAPAR.
        refused: mated bona fide comparisons that fail, FNMR.
    """

    every: Rate
    any_each: Rate
    product: float | None
    accepted: Rate
    refused: Rate

    @property
    def riapar(self) -> float | None:
        """IAPAR + FNMR; None where one of them is undefined."""
        return _sum(self.accepted, self.refused)

    @property
    def rmmr(self) -> float | None:
        """MMPMR + FNMR; None where one of them is undefined."""
        return _sum(self.every, self.refused)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "mmpmr": self.every.to_dict(),
            "minmax_mmpmr": self.any_each.to_dict(),
            "prodavg_mmpmr": self.product,
            "iapar": self.accepted.to_dict(),
            "fnmr": self.refused.to_dict(),
            "riapar": self.riapar,
            "rmmr": self.rmmr,
        }


def vulnerability(attempts: Attempts, threshold: float, refused: Rate) -> Vulnerability:
    """All the rates at one threshold.

    Args:
        attempts: at least one score for each person of each morph.
        threshold: a comparison succeeds at or above it.
        refused: FNMR of bona fide references at that threshold.

    Raises:
        ValueError: a person has no attempt.
    """
    passed = [[np.asarray(scores) >= threshold for scores in people] for people in attempts]
    if any(not len(own) for people in passed for own in people):
        raise ValueError("every person of a morph needs an attempt")
    products = [float(np.prod([own.mean() for own in people])) for people in passed]
    single = np.concatenate([own for people in passed for own in people]) if passed else np.empty(0, np.bool_)
    return Vulnerability(
        Rate(sum(all(own.all() for own in people) for people in passed), len(passed)),
        Rate(sum(all(own.any() for own in people) for people in passed), len(passed)),
        float(np.mean(products)) if products else None,
        Rate(int(single.sum()), len(single)),
        refused,
    )


def attack_potential(systems: Sequence[Attempts], thresholds: Sequence[float]) -> list[list[Rate]]:
    """MAP.

    Args:
        systems: for each matcher the attempts, the same morphs and attempts in the same order.
        thresholds: of each matcher.

    Returns:
        Rows r = 1.. up to the fewest attempts that any person has, columns c = 1..len(systems).
    """
    if not systems or not systems[0]:
        return []
    fewest = min(len(own) for people in systems[0] for own in people)
    hits = np.array(
        [
            [min(int((np.asarray(own) >= limit).sum()) for own in people) for people in attempts]
            for attempts, limit in zip(systems, thresholds, strict=True)
        ]
    )  # (systems, morphs): attempts that every person has passed
    total = hits.shape[1]
    return [
        [Rate(int(((hits >= r).sum(axis=0) >= c).sum()), total) for c in range(1, len(systems) + 1)]
        for r in range(1, fewest + 1)
    ]


@dataclass(frozen=True, slots=True)
class Detection:
    """A detector of attacks.

    Args:
        attacks: (n,) scores, higher is more like an attack.
        bona_fide: (m,) scores.
    """

    attacks: NDArray[np.float64]
    bona_fide: NDArray[np.float64]

    @property
    def curve(self) -> Curve:
        """Its "FNMR" is the share of attacks that are missed, MACER; its "FMR" that of bona fide called so, BSCER."""
        high, low = np.sort(self.attacks), np.sort(self.bona_fide)
        misses = np.arange(len(high) + 1, dtype=np.float64)
        return Curve(high, low, misses, np.arange(len(low), -1, -1, dtype=np.float64), len(high), len(low))

    def macer(self, threshold: float) -> Rate:
        """Attacks below the threshold."""
        return Rate(int((self.attacks < threshold).sum()), len(self.attacks))

    def bscer(self, threshold: float) -> Rate:
        """Bona fide pictures at or above it."""
        return Rate(int((self.bona_fide >= threshold).sum()), len(self.bona_fide))

    def equal_error(self) -> float | None:
        """D-EER; None without attacks or without bona fide pictures."""
        return eer(self.curve)[0] if len(self.attacks) and len(self.bona_fide) else None

    def bscer_at(self, macer: float) -> Rate:
        """BSCER at the highest threshold that misses at most this share of the attacks, found on these very scores."""
        if not len(self.attacks):
            return Rate(0, 0)
        allowed = int(macer * len(self.attacks) * (1 + 1e-9))
        return self.bscer(float(np.sort(self.attacks)[allowed]) if allowed < len(self.attacks) else np.inf)


def _sum(first: Rate, second: Rate) -> float | None:
    return None if first.value is None or second.value is None else first.value + second.value
