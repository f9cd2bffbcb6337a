"""1:N: how often a search names somebody wrongly, and how often it misses the one it should have found.

A *mated* probe shows somebody who is enrolled, a *non-mated* probe nobody who is. With N references, rank R and
threshold T (ISO/IEC 19795-1:2021, clause 3; Grother et al., NIST IR 8271):

    FPIR(N, T)    = share of non-mated probes for which some subject scores >= T
    FNIR(N, R, T) = share of mated probes whose own subject scores < T or stands below rank R

A probe that gave no template is a miss if it is mated; if it is non-mated it is left out of the FPIR and counted apart,
since a machine that sees nothing must not look careful. The detection and identification rate of Phillips, Grother and
Micheals (Handbook of Face Recognition, 2011) is DIR(R, T) = 1 - FNIR(N, R, T), its false alarm rate is the FPIR.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.compare import similarity
from mien.evaluate.rates import Rate, supported
from mien.types.arrays import Embeddings

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Numbers = NDArray[np.float64]
SCORES_AT_ONCE = 16_000_000
"""Scores of one block of probes, 64 MB."""


@dataclass(frozen=True, slots=True)
class Searches:
    """Probes searched in one gallery, as far as the rates need it; a subject scores as its best reference does.

    Args:
        mated: (n,) the probe's subject belongs to the gallery, whether or not its enrolment went well.
        failed: (n,) the probe gave no template.
        own: (n,) score of the probe's own subject; -inf for a failed or non-mated probe, or a subject without template.
        rival: (n,) highest score of any other subject; -inf for a failed probe or where there is no other.
        rank: (n,) 1 + the number of other subjects that score at least as high as the own one; 0 where `own` is -inf.
        people: (n,) number of the probe's subject: probes of one person are not independent.
        references: N, how many templates are searched.
        subjects: how many people they are of.
    """

    mated: Bools
    failed: Bools
    own: Numbers
    rival: Numbers
    rank: Ints
    people: Ints
    references: int
    subjects: int

    def __len__(self) -> int:
        return len(self.mated)

    @property
    def counts(self) -> dict[str, int]:
        """Probes by kind: mated, nonmated, failed_mated, failed_nonmated."""
        return {
            "mated": int(self.mated.sum()),
            "nonmated": int((~self.mated).sum()),
            "failed_mated": int((self.mated & self.failed).sum()),
            "failed_nonmated": int((~self.mated & self.failed).sum()),
        }

    @property
    def strangers(self) -> Bools:
        """(n,) non-mated probes that gave a template: the trials of the FPIR."""
        return ~self.mated & ~self.failed

    def found(self, threshold: float, rank: int) -> Bools:
        """(n,) mated probes whose own subject scores >= threshold at that rank or better."""
        placed: Bools = (self.rank >= 1) & (self.rank <= rank) & (self.own >= threshold)
        return placed


def search(
    probes: Embeddings,
    people: Ints,
    failed: Bools,
    references: Embeddings,
    subjects: Ints,
    enrolled: Ints | None = None,
) -> Searches:
    """Compare every probe with every reference.

    Args:
        probes: (n, d) float32, unit rows; a failed probe's row is not looked at.
        people: (n,) subject number of each probe.
        failed: (n,) probes without template.
        references: (m, d) float32, unit rows.
        subjects: (m,) subject number of each reference.
        enrolled: subject numbers of the gallery, those without a template included; None = those of `subjects`.
    """
    wanted = np.unique(subjects) if enrolled is None else np.unique(enrolled)
    own = np.full(len(probes), -np.inf)
    rival = np.full(len(probes), -np.inf)
    rank = np.zeros(len(probes), np.int64)
    looked = np.flatnonzero(~failed)
    if len(references):
        block = max(1, SCORES_AT_ONCE // len(references))
        for at in range(0, len(looked), block):
            rows = looked[at : at + block]
            scores, columns = subject_scores(probes[rows], references, subjects)
            own[rows], rival[rows], rank[rows] = _reduced(scores, columns, people[rows])
    mated = np.isin(people, wanted)
    number = len(np.unique(subjects))
    return Searches(mated, failed.copy(), own, rival, rank, people.copy(), len(references), number)


def subject_scores(probes: Embeddings, references: Embeddings, subjects: Ints) -> tuple[Numbers, Ints]:
    """Best cosine of each probe over each subject's references.

    Args:
        probes: (n, d) float32, unit rows.
        references: (m, d) float32, unit rows.
        subjects: (m,) subject number of each reference.

    Returns:
        (n, s) scores, and the (s,) subject numbers of the columns, ascending.
    """
    order = np.argsort(subjects, kind="stable")
    columns, starts = np.unique(subjects[order], return_index=True)
    best = np.maximum.reduceat(similarity(probes, references[order]), starts, axis=1)
    return best.astype(np.float64), columns.astype(np.int64)


def _reduced(scores: Numbers, columns: Ints, people: Ints) -> tuple[Numbers, Numbers, Ints]:
    """(own, rival, rank) of probes from their subject scores; a tie counts against the own subject."""
    mine = columns[None, :] == people[:, None]
    own = np.where(mine, scores, -np.inf).max(axis=1)
    others = np.where(mine, -np.inf, scores)
    rank = 1 + np.count_nonzero(others >= own[:, None], axis=1)
    return own, others.max(axis=1), np.where(np.isfinite(own), rank, 0).astype(np.int64)


def fpir(searches: Searches, threshold: float) -> Rate:
    """False positive identification rate at a threshold."""
    strangers = searches.strangers
    return Rate(int((searches.rival[strangers] >= threshold).sum()), int(strangers.sum()))


def fnir(searches: Searches, threshold: float = -np.inf, rank: int = 1) -> Rate:
    """False negative identification rate at a threshold and rank; failures are misses."""
    mated = int(searches.mated.sum())
    return Rate(mated - int(searches.found(threshold, rank).sum()), mated)


def cmc(searches: Searches, most: int = 20) -> list[Rate]:
    """Cumulative match characteristic: share of mated probes found at rank 1, 2, … `most`, whatever their score."""
    mated = int(searches.mated.sum())
    return [Rate(int(searches.found(-np.inf, rank).sum()), mated) for rank in range(1, most + 1)]


def threshold_at_fpir(searches: Searches, rate: float) -> float | None:
    """The smallest threshold at which the FPIR of these searches is at most `rate`.

    None where the non-mated probes are too few for that rate (rule of three).
    """
    strangers = np.sort(searches.rival[searches.strangers])[::-1]
    if not supported(rate, len(strangers)):
        return None
    allowed = int(rate * len(strangers) * (1 + 1e-9))
    return float(np.nextafter(strangers[allowed], np.inf)) if allowed < len(strangers) else float("-inf")


@dataclass(frozen=True, slots=True)
class Curve:
    """FNIR over FPIR, thresholds ascending: all (k,) float64."""

    threshold: Numbers
    fpir: Numbers
    fnir: Numbers


def det(searches: Searches, rank: int = 1) -> Curve | None:
    """The detection error tradeoff of identification; None without mated or without non-mated probes.

    Its thresholds are the scores at which either rate changes.
    """
    rivals = np.sort(searches.rival[searches.strangers])
    mated = int(searches.mated.sum())
    if not len(rivals) or not mated:
        return None
    hits = np.sort(searches.own[searches.found(-np.inf, rank)])
    thresholds = np.unique(np.concatenate([rivals, hits]))
    thresholds = np.append(thresholds, np.nextafter(thresholds[-1], np.inf))
    false = (len(rivals) - np.searchsorted(rivals, thresholds)) / len(rivals)
    found = (len(hits) - np.searchsorted(hits, thresholds)) / mated
    return Curve(thresholds, false, 1 - found)


def subject_interval(
    wrong: Bools, people: Ints, *, resamples: int = 1000, seed: int = 19795
) -> tuple[float, float] | None:
    """95 % interval of a rate by a bootstrap over people, for probes of whom several show one person.

    Args:
        wrong: (n,) the trials that count as errors.
        people: (n,) person number of each.
        resamples: how often people are drawn with replacement.
        seed: of the draws.

    Returns:
        (low, high); None with fewer than two people, or where every person has one trial and nothing depends.
    """
    person = np.unique(people, return_inverse=True)[1]
    trials = np.bincount(person)
    if len(trials) < 2 or trials.max(initial=0) < 2:
        return None
    errors = np.bincount(person, weights=wrong)
    random = np.random.default_rng(seed)
    rates = np.empty(resamples)
    for i in range(resamples):
        drawn = random.integers(0, len(trials), len(trials))
        rates[i] = errors[drawn].sum() / trials[drawn].sum()
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)
