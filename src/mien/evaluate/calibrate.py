"""Operating points from a gallery's own people: no labels are needed but who is who."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.hygiene import SAME_FACE, SAME_PICTURE
from mien.evaluate.metrics.calibration import Calibration, cross_validate, parts_of
from mien.evaluate.metrics.tables import FpirCheck, check_fpir, compare_all, operating_table
from mien.evaluate.rates import rule_of_three, supported
from mien.gallery import Gallery
from mien.types.arrays import FloatArray
from mien.types.score import OperatingTable

MOST_REFERENCES = 5000
"""Of a larger gallery so many are drawn, whole people: 12 million comparisons, in some 700 MB."""
SEED = 19795


@dataclass(frozen=True, slots=True)
class GalleryCalibration:
    """What a gallery says about its own error rates.

    Args:
        table: to be stored in the gallery.
        digest: of the contract whose templates were compared.
        references: compared.
        doubtful: pairs of names whose pictures are so alike that they are one person or one picture; left out.
        copies: comparisons of one person's picture with a copy of it; left out.
        ratios: log-likelihood ratios, or why there are none.
        fpir: searches checked against the table's promise.
    """

    table: OperatingTable
    digest: str
    references: int
    doubtful: tuple[tuple[str, str, float], ...]
    copies: int
    ratios: Calibration | str
    fpir: tuple[FpirCheck, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        table = self.table
        return {
            "model_digest": self.digest,
            "data": table.data,
            "date": table.date,
            "subjects": table.subjects,
            "references": self.references,
            "mated": table.mated,
            "nonmated": table.nonmated,
            "smallest_fmr": rule_of_three(table.nonmated),
            "extremal": table.extremal,
            "tail": None if table.tail is None else list(table.tail),
            "points": points(table),
            "doubtful": [{"subjects": [a, b], "score": score} for a, b, score in self.doubtful],
            "copies": self.copies,
            "likelihood_ratios": self.ratios if isinstance(self.ratios, str) else self.ratios.to_dict(),
            "fpir": [check.to_dict() for check in self.fpir],
        }


def points(table: OperatingTable) -> list[dict[str, Any]]:
    """The rows of a table for JSON; FNMR is None without mated comparisons."""
    return [
        {
            "threshold": p.threshold,
            "fmr": {
                "value": p.errors / table.nonmated,
                "low": p.low,
                "high": p.high,
                "errors": p.errors,
                "trials": table.nonmated,
            },
            "fnmr": {
                "value": p.misses / table.mated if table.mated else None,
                "errors": p.misses,
                "trials": table.mated,
            },
        }
        for p in table.points
    ]


def calibrate(gallery: Gallery, *, fmr: float, date: str, command: str) -> GalleryCalibration:
    """Compare all references of the named subjects with one another.

    Who has no name is left out: whether two of those are one person is not known.

    Args:
        gallery: nothing is stored in it.
        fmr: the rate that the comparisons must support.
        date: ISO date of the measurement.
        command: what makes it again.

    Raises:
        UsageError: they do not support it; the line says how many more people would (``too-few-people``).
    """
    contract = gallery.contract
    stored = gallery.grouped()
    rows = _drawn(stored.subjects, stored.named)
    vectors, pictures = stored.vectors[rows], stored.pictures[rows]
    subjects, people = np.unique(stored.subjects[rows], return_inverse=True)
    people = people.ravel().astype(np.int64)
    if contract is None or len(subjects) < 2:
        raise _too_few(gallery, len(subjects), len(rows), 0, fmr)
    skip, copies, doubtful = _unfit(vectors, people, pictures)
    measured = compare_all(vectors, people, skip)
    if not supported(fmr, measured.nonmated):
        raise _too_few(gallery, len(subjects), len(rows), measured.nonmated, fmr)
    names = {subject.id: subject.label for subject in gallery.subjects(unnamed=False)}
    drawn = "" if len(rows) == stored.named.sum() else f", drawn from {int(stored.named.sum()):,}"
    data = f"this gallery: all pairs of {len(rows):,} references of {len(subjects):,} named people{drawn}"
    table = operating_table(measured, data=data, date=date, command=command)
    return GalleryCalibration(
        table=table,
        digest=contract.digest,
        references=len(rows),
        doubtful=tuple((names[int(subjects[a])], names[int(subjects[b])], score) for a, b, score in doubtful),
        copies=copies,
        ratios=_ratios(vectors, people, skip),
        fpir=tuple(check_fpir(vectors, people, table)),
    )


def _drawn(subjects: NDArray[np.int64], named: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rows of named people, whole people, at most MOST_REFERENCES."""
    rows = np.flatnonzero(named)
    if len(rows) <= MOST_REFERENCES:
        return rows
    owners, which, size = np.unique(subjects[rows], return_inverse=True, return_counts=True)
    order = np.random.default_rng(SEED).permutation(len(owners))
    kept = np.zeros(len(owners), bool)
    kept[order[np.cumsum(size[order]) <= MOST_REFERENCES]] = True
    return rows[kept[which.ravel()]]


def _unfit(
    vectors: FloatArray, people: NDArray[np.int64], pictures: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], int, list[tuple[int, int, float]]]:
    """Comparisons that measure nothing: (n, n) bool, how many of copies, and pairs of people that may be one."""
    scores = vectors @ vectors.T
    same = people[:, None] == people[None, :]
    one_picture = (pictures[:, None] == pictures[None, :]) & (pictures[:, None] > 0)
    copies = same & (one_picture | (scores >= SAME_PICTURE))
    doubts = ~same & (scores >= SAME_FACE)
    pairs: dict[tuple[int, int], float] = {}
    for i, j in zip(*np.nonzero(np.triu(doubts, 1)), strict=True):
        pair = (min(int(people[i]), int(people[j])), max(int(people[i]), int(people[j])))
        pairs[pair] = max(pairs.get(pair, -1.0), float(scores[i, j]))
    return copies | doubts, int(np.triu(copies, 1).sum()), [(a, b, s) for (a, b), s in sorted(pairs.items())]


def _ratios(vectors: FloatArray, people: NDArray[np.int64], skip: NDArray[np.bool_]) -> Calibration | str:
    i, j = np.nonzero(np.triu(~skip, 1))
    part = parts_of(people)
    scores = (vectors @ vectors.T)[i, j].astype(np.float64)
    try:
        return cross_validate(scores, people[i] == people[j], part[i], part[j])
    except UsageError as error:
        return error.message


def _too_few(gallery: Gallery, people: int, references: int, nonmated: int, fmr: float) -> UsageError:
    each = references / people if people else 1.0
    needed = math.ceil(0.5 + math.sqrt(0.25 + 6 / fmr) / each)
    least = "no rate" if nonmated < 1 else f"no FMR below {rule_of_three(nonmated):.2g}"
    return UsageError(
        f"{gallery.path}: {nonmated:,} non-mated comparisons of {people:,} named people support {least}; {fmr:g} needs "
        f"{math.ceil(3 / fmr):,}: about {max(1, needed - people):,} more people, or ask for a larger rate with --fmr",
        code="too-few-people",
        source=str(gallery.path),
    )
