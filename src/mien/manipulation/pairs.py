"""Who is morphed with whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.types.arrays import Embeddings


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with two photographs or more.

    Args:
        name: file name of the photographs up to its last underscore: ``001_03.jpg`` and ``001_08.jpg`` are of ``001``.
        reference: the first photograph by path; it is morphed.
        live: the others; they stand for trusted live captures.
    """

    name: str
    reference: Path
    live: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people, rows of some list, and the cosine of their references."""

    first: int
    second: int
    cosine: float


def people_of(paths: Sequence[Path]) -> list[Person]:
    """People with at least two photographs, by name."""
    files: dict[str, list[Path]] = {}
    for path in sorted(paths):
        files.setdefault(path.stem.rpartition("_")[0] or path.stem, []).append(path)
    return [Person(name, own[0], tuple(own[1:])) for name, own in sorted(files.items()) if len(own) > 1]


def halves(people: Sequence[Person], seed: int) -> tuple[list[int], list[int]]:
    """Rows for training and rows for testing, drawn by lot; nobody is in both."""
    drawn = np.random.default_rng(seed).permutation(len(people))
    return sorted(drawn[: len(people) // 2].tolist()), sorted(drawn[len(people) // 2 :].tolist())


def look_alikes(vectors: Embeddings, rows: Sequence[int], nearest: int) -> list[Pair]:
    """Each of these people with the few they resemble most; a pair once, the lower row first.

    Nothing but the likeness of the faces is looked at.

    Args:
        vectors: (n, d) unit rows.
        rows: who may be paired.
        nearest: partners of each, at most.
    """
    chosen = np.array(rows, np.int64)
    cosines = vectors[chosen] @ vectors[chosen].T
    np.fill_diagonal(cosines, -np.inf)
    found: dict[tuple[int, int], float] = {}
    for own, row in enumerate(cosines):
        for other in np.argsort(-row, kind="stable")[: min(nearest, len(rows) - 1)]:
            low, high = sorted((int(chosen[own]), int(chosen[other])))
            found[low, high] = float(row[other])
    return [Pair(low, high, cosine) for (low, high), cosine in sorted(found.items())]
