"""Where accuracy is lost between a template and a name: the embedding, its storage, the search (Iceberg, 2025).

Each named reference with another of the same person is taken out in turn and searched among all the others. Recall@k
asks whether a method finds the neighbours that exact search finds; identity accuracy asks whether the nearest is the
same person. The first can fall without the second, and the second is what counts:

    embedding loss    = 1 - identity accuracy of exact float32 search
    quantisation loss = identity accuracy of exact search - that of all comparisons on stored codes
    index loss        = identity accuracy of exact search - that of an approximate search on float32
    metric misuse     = identity accuracy of the right comparison - that of a wrong one on the same numbers
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.metrics.identification import subject_interval
from mien.evaluate.metrics.nearest import (
    InvertedFile,
    Method,
    Reranked,
    Scored,
    exact,
    half,
    int8,
    int8_unscaled,
    signs,
)
from mien.evaluate.rates import Rate
from mien.types.arrays import Embeddings

Ints = NDArray[np.int64]
RECALLS = (1, 10, 100)
SAME = 1e-6
"""Neighbours whose cosine differs by less are equally near: copies of a template are no loss."""


@dataclass(frozen=True, slots=True)
class Row:
    """One method.

    Args:
        name: of the method.
        kind: ``embedding``, ``quantisation``, ``index`` or ``misuse``: what its loss is a loss of.
        accuracy: probes whose nearest other reference is of the same person.
        over_people: 95 % interval of it from a bootstrap over people.
        loss: of accuracy against exact search; for exact search itself what is missing to 1.
        recall: by k, share of the k nearest that it finds; None for k beyond the gallery.
        bytes: a stored template.
        milliseconds: a probe.
    """

    name: str
    kind: str
    accuracy: Rate
    over_people: tuple[float, float] | None
    loss: float
    recall: dict[int, float | None]
    bytes: float
    milliseconds: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "identity_accuracy": self.accuracy.to_dict(),
            "over_people": list(self.over_people) if self.over_people else None,
            "loss": self.loss,
            "recall": {str(k): value for k, value in self.recall.items()},
            "bytes": self.bytes,
            "milliseconds": self.milliseconds,
        }


@dataclass(frozen=True, slots=True)
class Distribution:
    """How the templates lie in their space.

    Args:
        dimension: numbers of a template.
        participation: (sum of eigenvalues)^2 / sum of squares, of the covariance: directions in effective use.
        mean_cosine: between references of different people; 0 in an isotropic space.
        same_cosine: between references of the same person.
        norms: least and largest length.
        hubness: skewness of how often a template is among the 10 nearest of others (Radovanovic et al., JMLR 11, 2010).
        most_popular: how often the most popular one is.
    """

    dimension: int
    participation: float
    mean_cosine: float | None
    same_cosine: float | None
    norms: tuple[float, float]
    hubness: float | None
    most_popular: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "dimension": self.dimension,
            "participation_ratio": self.participation,
            "mean_cosine_of_different_people": self.mean_cosine,
            "mean_cosine_of_one_person": self.same_cosine,
            "norms": list(self.norms),
            "hubness": self.hubness,
            "most_popular": self.most_popular,
        }


@dataclass(frozen=True, slots=True)
class Funnel:
    """All of it: counts, one row a method, the distribution."""

    references: int
    subjects: int
    probes: int
    eligible: int
    seed: int
    rows: tuple[Row, ...]
    distribution: Distribution

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        counts = {name: getattr(self, name) for name in ("references", "subjects", "probes", "eligible", "seed")}
        rows = [row.to_dict() for row in self.rows]
        return {**counts, "methods": rows, "distribution": self.distribution.to_dict()}


def measure_funnel(
    vectors: Embeddings, subjects: Ints, named: NDArray[np.bool_], *, where: str, most: int = 2000, seed: int = 0
) -> Funnel:
    """The funnel of a gallery.

    Args:
        vectors: (n, d) float32, unit rows.
        subjects: (n,) subject numbers.
        named: (n,) a person said who it is; only these are probes, the others are searched among.
        where: the gallery, for messages.
        most: probes; of more so many are drawn.
        seed: of that draw, and of the approximate search.

    Raises:
        UsageError: no named subject has two references.
    """
    sizes = np.bincount(subjects[named], minlength=int(subjects.max(initial=0)) + 1) if len(subjects) else np.zeros(1)
    eligible = np.flatnonzero(named & (sizes[subjects] > 1)) if len(subjects) else np.empty(0, np.int64)
    if not len(eligible):
        raise UsageError(
            f"{where}: no named subject has two references, so nothing shows who should be found; enrol a second "
            "picture of some of them",
            code="one-reference-each",
            source=where,
        )
    probes = eligible
    if len(eligible) > most:
        probes = np.sort(np.random.default_rng(seed).choice(eligible, most, replace=False))
    rows = tuple(_rows(vectors, subjects, probes, seed))
    people = len(np.unique(subjects))
    distribution = describe(vectors, subjects, probes)
    return Funnel(len(vectors), people, len(probes), len(eligible), seed, rows, distribution)


def _rows(vectors: Embeddings, subjects: Ints, probes: Ints, seed: int) -> Iterator[Row]:
    deepest = min(max(RECALLS), len(vectors) - 1)
    truth = _exact_scores(vectors, probes, exact(vectors).search(probes, deepest))
    best: float | None = None
    for kind, method in _methods(vectors, seed):
        start = time.perf_counter()
        found = method.search(probes, deepest)
        spent = (time.perf_counter() - start) * 1000 / len(probes)
        right = (found[:, 0] >= 0) & (subjects[found[:, 0]] == subjects[probes])
        accuracy = Rate(int(right.sum()), len(right))
        share = accuracy.errors / accuracy.trials
        loss = (1.0 if best is None else best) - share
        best = share if best is None else best
        recall = {k: _recall(truth, _exact_scores(vectors, probes, found), k) for k in RECALLS}
        over_people = subject_interval(right, subjects[probes])
        yield Row(method.name, kind, accuracy, over_people, loss, recall, method.bytes, spent)


def _methods(vectors: Embeddings, seed: int) -> Iterator[tuple[str, Method]]:
    """Exact search first: the others are held against it."""
    yield "embedding", exact(vectors)
    yield "quantisation", half(vectors)
    yield "quantisation", int8(vectors)
    yield "quantisation", signs(vectors)
    yield "quantisation", Reranked(signs(vectors), vectors)
    for probed in (1, 4, 16):
        yield "index", InvertedFile(vectors, probed, seed)
    yield "misuse", int8_unscaled(vectors)
    yield "misuse", _centred(vectors)


def _centred(vectors: Embeddings) -> Scored:
    """Euclidean distance to vectors moved by their mean but not brought back to length 1."""
    moved = vectors - vectors.mean(axis=0)
    return Scored("inner product after centring", 4.0 * vectors.shape[1], lambda r: moved[r] @ moved.T, len(vectors))


def _exact_scores(vectors: Embeddings, probes: Ints, found: Ints) -> NDArray[np.float32]:
    """(m, k) float32 cosines of what was found, -2 where nothing was."""
    scores = np.empty(found.shape, np.float32)
    for at in range(0, len(probes), 256):
        part = slice(at, at + 256)
        scores[part] = np.einsum("nd,nkd->nk", vectors[probes[part]], vectors[found[part]])
    return np.where(found >= 0, scores, np.float32(-2))


def _recall(truth: NDArray[np.float32], found: NDArray[np.float32], k: int) -> float | None:
    """Share of the first k found that are as near as the k-th of exact search; None where there are not k."""
    if truth.shape[1] < k:
        return None
    return float((found[:, :k] >= truth[:, k - 1 : k] - SAME).mean())


def describe(vectors: Embeddings, subjects: Ints, probes: Ints) -> Distribution:
    """How the templates lie; cosines and hubs as far as the probes see them."""
    spread = np.linalg.eigvalsh(np.cov(vectors.T.astype(np.float64), bias=True))
    norms = np.linalg.norm(vectors, axis=1)
    top = exact(vectors).search(probes, min(10, len(vectors) - 1))
    popular = np.bincount(top.ravel(), minlength=len(vectors)).astype(np.float64)
    deviation = popular.std()
    total = float(np.square(spread).sum())
    same, other = _mean_cosines(vectors, subjects, probes)
    return Distribution(
        dimension=vectors.shape[1],
        participation=float(spread.sum() ** 2 / total) if total else 0.0,
        mean_cosine=other,
        same_cosine=same,
        norms=(float(norms.min()), float(norms.max())),
        hubness=float(((popular - popular.mean()) ** 3).mean() / deviation**3) if deviation else None,
        most_popular=int(popular.max()),
    )


def _mean_cosines(vectors: Embeddings, subjects: Ints, probes: Ints) -> tuple[float | None, float | None]:
    """Mean cosine of the probes with the references of their own person, themselves left out, and of all others."""
    names, of = np.unique(subjects, return_inverse=True)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, of, vectors)
    counts = np.bincount(of)[of[probes]]
    own = np.einsum("nd,nd->n", vectors[probes], sums[of[probes]])
    itself = np.einsum("nd,nd->n", vectors[probes], vectors[probes])
    whole = vectors[probes] @ sums.sum(axis=0)
    pairs, others = int((counts - 1).sum()), int((len(vectors) - counts).sum())
    same = float((own - itself).sum() / pairs) if pairs else None
    return same, float((whole - own).sum() / others) if others else None
