"""All figures of one identification run, and what a report says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mien.compare import at_fpir
from mien.errors import UsageError
from mien.evaluate.metrics.identification import Curve, Searches, cmc, det, fnir, fpir, threshold_at_fpir
from mien.evaluate.open_set import OpenSetRow, PromiseRow, open_set_row, promise_row
from mien.evaluate.protocols.identification import (
    Classification,
    Samples,
    as_listed,
    classify,
    redraw,
    searches_of,
    verification_scores,
)
from mien.evaluate.rates import Rate
from mien.evaluate.scores import Scores
from mien.evaluate.verification import Measurement, measure
from mien.types.score import OperatingTable

CMC_RANKS = 20
CURVE_POINTS = 400


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be computed.

    Args:
        rank: R of the FNIR: below it a subject counts as not found.
        fpir: rates at which FNIR is given, and which the product's own threshold is asked for.
        repeats: redrawn galleries.
        seed: of their draws.
    """

    rank: int = 1
    fpir: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1)
    repeats: int = 0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class IdentificationFigures:
    """Everything about one embedder on one pair of lists.

    Args:
        name: the embedder.
        asked: what was asked for.
        searches: the probes, searched in the gallery as listed.
        enrolment: pictures of the gallery list, failures counted.
        classification, verification, ranks, open_set: the four protocols; verification None without
            mated and non-mated comparisons.
        promises: the product's own operating points; empty where the card has no table.
        curve: FNIR over FPIR, or None.
        spread: over redrawn galleries, mean, std, min, max and n of each figure.
        scores: every probe against every subject; what is kept in the score file.
    """

    name: str
    asked: Asked
    searches: Searches
    enrolment: Rate
    classification: Classification
    verification: Measurement | None
    ranks: tuple[Rate, ...]
    open_set: tuple[OpenSetRow, ...]
    promises: tuple[PromiseRow, ...]
    curve: Curve | None
    spread: dict[str, dict[str, float | int | None]]
    scores: Scores = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        searches = self.searches
        return {
            "name": self.name,
            "rank": self.asked.rank,
            "gallery": {
                "references": searches.references,
                "subjects": searches.subjects,
                "failed": self.enrolment.to_dict(),
            },
            "probes": searches.counts,
            "classification": {
                "correct": self.classification.correct.to_dict(),
                "mean_over_subjects": self.classification.mean_over_subjects,
            },
            "verification": self.verification.to_dict() if self.verification else None,
            "closed_set": {"rank1": self.ranks[0].to_dict(), "cmc": [rate.value for rate in self.ranks]},
            "open_set": [row.to_dict() for row in self.open_set],
            "operating_points": [row.to_dict() for row in self.promises],
            "det": _curve_dict(self.curve),
            "repeats": {"n": self.asked.repeats, "seed": self.asked.seed, "figures": self.spread},
        }


def identification_figures(
    name: str, samples: Samples, table: OperatingTable | None, asked: Asked
) -> IdentificationFigures:
    """All figures of one embedder.

    Args:
        name: of the embedder.
        samples: the pictures of both lists.
        table: the card's, whose promises are checked; None = it has none.
        asked: which figures.
    """
    draw = as_listed(samples)
    searches = searches_of(samples, draw)
    scores = verification_scores(samples, draw, name=name, seed=asked.seed)
    failed = int(samples.failed[draw.gallery].sum())
    return IdentificationFigures(
        name,
        asked,
        searches,
        Rate(failed, len(draw.gallery)),
        classify(samples, draw),
        _verified(scores),
        tuple(cmc(searches, min(CMC_RANKS, max(1, searches.subjects)))),
        tuple(open_set_row(searches, rate, asked.rank) for rate in asked.fpir),
        tuple(promise_row(searches, table, rate, asked.rank) for rate in asked.fpir) if table else (),
        det(searches, asked.rank),
        _spreads(samples, table, asked),
        scores,
    )


def _verified(scores: Scores) -> Measurement | None:
    pairs = scores.pairs
    return measure(scores) if pairs["mated"] and pairs["nonmated"] else None


def _spreads(samples: Samples, table: OperatingTable | None, asked: Asked) -> dict[str, dict[str, float | int | None]]:
    """Figures over redrawn galleries."""
    random = np.random.default_rng(asked.seed)
    values: dict[str, list[float | None]] = {}
    for _ in range(asked.repeats):
        for name, value in _drawn(searches_of(samples, redraw(samples, random)), table, asked):
            values.setdefault(name, []).append(value)
    return {name: spread(found) for name, found in values.items()}


def _drawn(searches: Searches, table: OperatingTable | None, asked: Asked) -> list[tuple[str, float | None]]:
    rows = [("rank1", cmc(searches, 1)[0].value)]
    for rate in asked.fpir:
        threshold = threshold_at_fpir(searches, rate)
        missed = None if threshold is None else fnir(searches, threshold, asked.rank).value
        rows.append((f"fnir_at_fpir_{rate:g}", missed))
    if table is not None:
        rows += [(f"fpir_when_asked_{rate:g}", _promised(searches, table, rate)) for rate in asked.fpir]
    return rows


def _promised(searches: Searches, table: OperatingTable, rate: float) -> float | None:
    try:
        return fpir(searches, at_fpir(table, rate, max(1, searches.references)).threshold).value
    except UsageError:  # the table supports no such rate; `promise_row` says so
        return None


def spread(values: Sequence[float | None]) -> dict[str, float | int | None]:
    """Mean, standard deviation (n - 1), least and most of the defined values; None where there are none."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return {"mean": None, "std": None, "min": None, "max": None, "n": 0}
    std = float(known.std(ddof=1)) if len(known) > 1 else None
    low, high = float(known.min()), float(known.max())
    return {"mean": float(known.mean()), "std": std, "min": low, "max": high, "n": len(known)}


def _curve_dict(curve: Curve | None) -> dict[str, list[float]] | None:
    """At most `CURVE_POINTS` points of a curve, evenly over the order of its thresholds but dense at low FPIR."""
    if curve is None:
        return None
    n = len(curve.threshold)
    kept = np.arange(n)
    if n > CURVE_POINTS:
        steps = np.geomspace(1, n, CURVE_POINTS).astype(np.int64)
        kept = np.unique(n - steps)
    columns = {"threshold": curve.threshold, "fpir": curve.fpir, "fnir": curve.fnir}
    return {name: column[kept].tolist() for name, column in columns.items()}
