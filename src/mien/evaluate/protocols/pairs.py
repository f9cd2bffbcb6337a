"""Pair lists: which pictures to compare, and whether they show the same person."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.embed import Embedded
from mien.evaluate.scores import Scores
from mien.image import PhotoSource
from mien.types.arrays import FloatArray

REQUIRED = ("a", "b", "mated")
RESERVED = (*REQUIRED, "fold", "subject_a", "subject_b")
CHUNK = 65_536
"""Comparisons at once: two gathered blocks of 512 floats each stay below 300 MB."""


@dataclass(frozen=True, slots=True)
class PairList:
    """Comparisons to make.

    Args:
        name: of the data set, for reports.
        samples: ids of the pictures or templates, such as paths below a root.
        sources: what opens each of them.
        a, b: (n,) int64 rows of `samples`.
        mated: (n,) bool.
        fold: (n,) int64, or None.
        subjects: (len(samples),) int64 person numbers, or None.
        groups: by attribute, (n,) str.
        aligned: the pictures are aligned crops already.
    """

    name: str
    samples: tuple[str, ...]
    sources: Sequence[PhotoSource]
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    mated: NDArray[np.bool_]
    fold: NDArray[np.int64] | None = None
    subjects: NDArray[np.int64] | None = None
    groups: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    aligned: bool = False

    def __len__(self) -> int:
        return len(self.mated)


def read_pairs(path: Path, root: Path) -> PairList:
    """A CSV list with the header ``a,b,mated``, paths relative to `root`.

    Optional columns: ``fold`` (a number), ``subject_a`` and ``subject_b`` (who they are); every other column holds a
    group of the comparison.

    Raises:
        UsageError: not such a list; the line says where and why: wrong or misspelt columns, a missing picture, a pair
            that is there twice (in either order), a picture paired with itself, one class only.
    """
    header, rows = _read(path)
    samples: dict[str, int] = {}
    seen: dict[tuple[int, int], int] = {}
    sides = np.empty((len(rows), 2), np.int64)
    for row, (line, cells) in enumerate(rows):
        for side, column in enumerate("ab"):
            name = cells[column]
            if name not in samples:
                if not name or not (root / name).is_file():
                    raise _wrong(path, line, f"no picture '{name}' below {root}")
                samples[name] = len(samples)
            sides[row, side] = samples[name]
        _check_pair(path, line, cells, seen, tuple(sorted(sides[row].tolist())))
    mated = np.array([cells["mated"] in ("1", "true") for _, cells in rows])
    if mated.all() or not mated.any():
        kind = "mated" if mated.all() else "non-mated"
        raise UsageError(f"{path}: all pairs are {kind}; error rates need mated and non-mated ones", code="one-class")
    return PairList(
        name=path.stem,
        samples=tuple(samples),
        sources=[root / name for name in samples],
        a=sides[:, 0],
        b=sides[:, 1],
        mated=mated,
        fold=np.array([int(cells["fold"]) for _, cells in rows]) if "fold" in header else None,
        subjects=_subjects(path, rows, sides, len(samples)) if "subject_a" in header else None,
        groups={c: np.array([cells[c] for _, cells in rows]) for c in header if c not in RESERVED},
    )


Rows = list[tuple[int, dict[str, str]]]


def _wrong(path: Path, line: int, what: str) -> UsageError:
    return UsageError(f"{path}, line {line}: {what}", code="pair-list", source=str(path))


def _read(path: Path) -> tuple[list[str], Rows]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            header = [name.strip() for name in next(reader, [])]
            check_header(path, header, REQUIRED, RESERVED)
            rows = []
            for cells in filter(None, reader):
                if len(cells) != len(header):
                    raise _wrong(path, reader.line_num, f"{len(cells)} fields where the header has {len(header)}")
                rows.append((reader.line_num, dict(zip(header, map(str.strip, cells), strict=True))))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a CSV list", source=str(path)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: no CSV in UTF-8 ({error}); save it as such", source=str(path)) from error
    if not rows:
        raise UsageError(f"{path}: no pair in it; write a row a,b,mated for each", source=str(path))
    return header, rows


def check_header(path: Path, header: Sequence[str], required: Sequence[str], reserved: Sequence[str]) -> None:
    """UsageError unless the columns are there, once, and no group column looks like a misspelt one."""

    def refuse(what: str) -> UsageError:
        return UsageError(f"{path}: {what}", code="columns", source=str(path))

    if missing := [name for name in required if name not in header]:
        raise refuse(
            f"the header must name {','.join(required)}; {' and '.join(missing)} is missing in "
            f"'{','.join(header)[:80]}'"
        )
    if twice := sorted({name for name in header if not name or header.count(name) > 1}):
        raise refuse(f"the column '{twice[0]}' is there twice, or has no name")
    for name in header:
        near = difflib.get_close_matches(name.lower(), reserved, n=1, cutoff=0.8)
        if near and name not in reserved:
            raise refuse(f"unknown column '{name}'; did you mean '{near[0]}'? A column of groups needs another name")
    if ("subject_a" in header) != ("subject_b" in header):
        raise refuse("the columns subject_a and subject_b come together")


def _check_pair(
    path: Path, line: int, cells: dict[str, str], seen: dict[tuple[int, int], int], pair: tuple[int, ...]
) -> None:
    first, second = pair
    if first == second:
        raise _wrong(path, line, f"'{cells['a']}' is paired with itself; a comparison needs two pictures")
    if (before := seen.setdefault((first, second), line)) != line:
        raise _wrong(path, line, f"the pair '{cells['a']}' and '{cells['b']}' stands in line {before} already")
    if cells["mated"] not in ("1", "0", "true", "false"):
        raise _wrong(path, line, f"mated must be 1 or 0, got '{cells['mated']}'")
    fold = cells.get("fold", "0")
    if not fold.isdecimal():
        raise _wrong(path, line, f"fold must be a whole number, got '{fold}'")


def _subjects(path: Path, rows: Rows, sides: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    numbers: dict[str, int] = {}
    subjects = np.full(count, -1, np.int64)
    for (line, cells), pair in zip(rows, sides.tolist(), strict=True):
        for sample, column in zip(pair, ("subject_a", "subject_b"), strict=True):
            number = numbers.setdefault(cells[column], len(numbers))
            if subjects[sample] not in (-1, number):
                raise _wrong(path, line, f"'{cells[column[-1]]}' was of another subject in an earlier line")
            subjects[sample] = number
        if (cells["subject_a"] == cells["subject_b"]) != (cells["mated"] in ("1", "true")):
            raise _wrong(path, line, "mated contradicts subject_a and subject_b")
    return subjects


def compare(pairs: PairList, embedded: Embedded, *, name: str, meta: Mapping[str, Any] | None = None) -> Scores:
    """Scores of a pair list: cosine of the two vectors.

    Args:
        pairs: what is compared.
        embedded: one row a sample.
        name: the system.
        meta: what to keep beside the scores.
    """
    failed = embedded.failed[pairs.a] | embedded.failed[pairs.b]
    score = cosines(embedded.vectors, pairs.a, pairs.b)
    score[failed] = -np.inf
    reasons = {pairs.samples[i]: embedded.reasons[i] for i in np.flatnonzero(embedded.failed).tolist()}
    return Scores(
        name=name,
        score=score,
        mated=pairs.mated,
        failed=failed,
        fold=pairs.fold,
        a=pairs.a,
        b=pairs.b,
        samples=pairs.samples,
        subjects=pairs.subjects,
        groups=pairs.groups,
        meta={**(meta or {}), "data": pairs.name, "samples": len(pairs.samples), "failures": reasons},
    )


def cosines(vectors: FloatArray, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) float64 inner products of the rows ``a`` with the rows ``b``."""
    score = np.empty(len(a), np.float64)
    for start in range(0, len(a), CHUNK):
        part = slice(start, start + CHUNK)
        score[part] = np.einsum("nd,nd->n", vectors[a[part]], vectors[b[part]])
    return score
