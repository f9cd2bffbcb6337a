"""Comparison scores of one system, the only thing that accuracy figures are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError


@dataclass(frozen=True, slots=True)
class Scores:
    """Comparisons of a system: how alike, and whether truly the same person.

    Args:
        name: the system, such as an embedder's card.
        score: (n,) float64, higher = more alike; -inf where the comparison failed.
        mated: (n,) bool, both sides are the same person.
        failed: (n,) bool, failure to acquire: one side gave no template, so there is no score.
        fold: (n,) int64, parts that share no person; None = not divided.
        a, b: (n,) int64 rows of `samples`; None = not known.
        samples: ids of the pictures or templates compared.
        subjects: (len(samples),) int64 person numbers; None = not known.
        groups: by attribute, (n,) str: the group of a comparison; two different ones as ``f|m``, sorted.
        meta: model digests, environment, command: what a program wrote beside the scores, as plain JSON values.
    """

    name: str
    score: NDArray[np.float64]
    mated: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    fold: NDArray[np.int64] | None = None
    a: NDArray[np.int64] | None = None
    b: NDArray[np.int64] | None = None
    samples: tuple[str, ...] = ()
    subjects: NDArray[np.int64] | None = None
    groups: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.score)
        columns = {"mated": self.mated, "failed": self.failed, "fold": self.fold, "a": self.a, "b": self.b}
        for name, column in {**columns, **self.groups}.items():
            if column is not None and column.shape != (n,):
                raise ValueError(f"{name} must have shape ({n},), got {column.shape}")
        if (self.a is None) != (self.b is None):
            raise ValueError("a and b come together")
        if self.subjects is not None and len(self.subjects) != len(self.samples):
            raise ValueError(f"subjects must have {len(self.samples)} rows, one a sample, got {len(self.subjects)}")
        if not np.array_equal(np.isfinite(self.score), ~self.failed) or (self.score[self.failed] > 0).any():
            raise ValueError("score must be -inf where failed, and finite elsewhere")

    def __len__(self) -> int:
        return len(self.score)

    @property
    def pairs(self) -> dict[str, int]:
        """Counts: mated, nonmated, failed (of both kinds)."""
        mated = int(np.count_nonzero(self.mated))
        return {"mated": mated, "nonmated": len(self) - mated, "failed": int(np.count_nonzero(self.failed))}

    @property
    def people(self) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
        """(n,) person numbers of the two sides; None where they are not known."""
        if self.subjects is None or self.a is None or self.b is None:
            return None
        return self.subjects[self.a], self.subjects[self.b]


def require_both(scores: Scores, where: str) -> None:
    """UsageError unless there are mated and non-mated comparisons (``one-class``), and some non-mated have a score."""
    for kind, count in scores.pairs.items():
        if kind != "failed" and not count:
            other = "mated" if kind == "nonmated" else "non-mated"
            raise UsageError(
                f"{where}: all comparisons of {scores.name or 'the system'} are {other}; "
                "error rates need mated and non-mated ones",
                code="one-class",
                source=where,
            )
    if scores.failed[~scores.mated].all():
        raise UsageError(
            f"{where}: no non-mated comparison of {scores.name} has a score", code="one-class", source=where
        )


def read_scores(path: str | PathLike[str], *, both: bool = True) -> list[Scores]:
    """The systems in a score file, ``.parquet`` or ``.csv``, in the order they appear.

    Columns: ``score`` (higher = more alike) and ``mated`` (1 or 0); optional ``failed`` (1 = no score), ``fold``, ``a``
    and ``b`` (ids of what was compared), ``subject_a`` and ``subject_b`` (who they are), ``name`` (several systems in
    one file). Every other column is a group column.

    Args:
        path: the file.
        both: refuse a system whose comparisons are all mated or all non-mated.

    Raises:
        NotFoundError: no such file.
        UsageError: it is no score file; the line says where and why.
    """
    from mien.evaluate.score_files import read

    systems = read(Path(path))
    if both:
        for scores in systems:
            require_both(scores, str(path))
    return systems


def write_scores(scores: Sequence[Scores], path: str | PathLike[str]) -> None:
    """Write systems into a score file, ``.parquet`` or ``.csv``; a CSV file leaves `meta` out.

    All or nothing: the file appears when it is whole.

    Raises:
        UsageError: another suffix, systems with different columns or of one name, nothing to write.
        StoreError: the file cannot be written.
    """
    from mien.evaluate.score_files import write

    write(list(scores), Path(path))
