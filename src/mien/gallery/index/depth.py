"""How deep a compressed search must look so that its list is the exact one, measured on the gallery itself.

Probes are made, not taken: half are a stored template moved as far as another photograph of the same person would be,
half are drawn from the gallery's own mean and covariance and belong to nobody. A first set chooses the depth, a second
one measures what it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.gallery.index import Ids
from mien.gallery.index.scan import best_rows
from mien.types.arrays import AnyArray, Embeddings, FloatArray, unit_rows

LIST = 10
"""Length of the lists that must agree."""
PROMISE = 0.99
"""Share of the lists, of mated and of non-mated probes, that must be the exact ones."""
PROBES = 512
"""Of each kind, in each of the two sets."""
PROBES_AT_ONCE = 64
"""Searched together; the deepest lists of so many take 4 MB."""
MATED_SCORE = 0.6
"""Cosine of a made mated probe with its reference; two photographs of a person give 0.66 on LFW with SFace."""
AGREEMENT = 0.996
"""Share of the choosing probes whose list is complete; more than is promised, for it is an estimate."""
MARGIN = 1.1
"""Depth above what the choosing probes needed, which are few."""
SAMPLE = 20_000
MISSED = np.iinfo(np.int64).max
Search = Callable[[Embeddings, int], tuple[FloatArray, Ids]]
"""(m, d) probes and a depth to (m, about depth) approximate scores and row numbers."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured.

    Args:
        depth: rows looked at again for a list of ten.
        effort: how thorough the search is, in the backend's own measure; 0: it has none.
        probes: how many probes measured the recall, half of them mated.
        mated, non_mated: shares of them whose ten best rows were all among those.
    """

    depth: int
    effort: int = 0
    probes: int = 0
    mated: float = 0.0
    non_mated: float = 0.0

    @classmethod
    def from_array(cls, array: AnyArray) -> Measured:
        """From `to_array`."""
        if array.shape != (5,):
            raise UsageError("an index of another version cannot be opened; build it again")
        depth, effort, probes, mated, non_mated = array.tolist()
        return cls(int(depth), int(effort), int(probes), mated, non_mated)

    def to_array(self) -> NDArray[np.float64]:
        """(5,) for a file."""
        return np.array(astuple(self), np.float64)

    def describe(self) -> dict[str, Any]:
        """For `Index.describe`."""
        both = {"mated": round(self.mated, 4), "non_mated": round(self.non_mated, 4)}
        return {"top10": round((self.mated + self.non_mated) / 2, 4), **both, "probes": self.probes}


class Examination:
    """Made probes of a gallery with their exact lists, by which searches are judged.

    Args:
        vectors: (n, d) the gallery, at least `LIST` rows.
    """

    def __init__(self, vectors: Embeddings) -> None:
        rng = np.random.default_rng(0)
        self._choosing = [(p, exact_lists(vectors, p)) for p in made_probes(vectors, PROBES, rng)]
        self._measuring = [(p, exact_lists(vectors, p)) for p in made_probes(vectors, PROBES, rng)]

    def measured(self, search: Search, deepest: int, effort: int = 0) -> Measured:
        """The least depth that keeps the promise, and what it gives; `deepest` if none does.

        Args:
            search: what is judged.
            deepest: no depth beyond.
            effort: noted in the answer.
        """
        choosing = [needed_depths(search, p, best, deepest) for p, best in self._choosing]
        most = max(float(np.quantile(needed, AGREEMENT, method="higher")) for needed in choosing)
        depth = deepest if most > deepest else min(deepest, int(MARGIN * most) + LIST)
        # The search may give somewhat more than the depth that it is asked for, so that all of its answer counts.
        mated, non_mated = (
            float(np.mean(needed_depths(search, p, best, depth) < MISSED)) for p, best in self._measuring
        )
        return Measured(depth, effort, 2 * PROBES, mated, non_mated)


def made_probes(vectors: Embeddings, count: int, rng: np.random.Generator) -> tuple[Embeddings, Embeddings]:
    """(count, d) mated and (count, d) non-mated probes."""
    sample = vectors[np.sort(rng.choice(len(vectors), min(SAMPLE, len(vectors)), replace=False))].astype(np.float64)
    mean = sample.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(sample.T))
    spread = np.sqrt(np.maximum(values, 1e-9))  # a gallery of few people does not fill the space

    def drawn() -> NDArray[np.float64]:
        noise: NDArray[np.float64] = (rng.standard_normal((count, len(spread))) * spread) @ axes.T
        return noise

    rows = vectors[rng.choice(len(vectors), count)].astype(np.float64)
    noise = drawn()
    noise -= (noise * rows).sum(axis=1, keepdims=True) * rows
    noise *= np.sqrt(1 - MATED_SCORE**2) / np.linalg.norm(noise, axis=1, keepdims=True)
    mated = unit_rows((MATED_SCORE * rows + noise).astype(np.float32))
    return mated, unit_rows((mean + drawn()).astype(np.float32))


def exact_lists(vectors: Embeddings, probes: Embeddings) -> Ids:
    """(m, LIST) numbers of the best rows of each probe."""
    best = np.empty((len(probes), LIST), np.int64)
    for start in range(0, len(probes), PROBES_AT_ONCE):
        some = probes[start : start + PROBES_AT_ONCE]
        found = best_rows(vectors, some, LIST)
        for i, probe in enumerate(some):
            rows = found.rows[found.probes == i]
            best[start + i] = rows[np.argsort(-(vectors[rows] @ probe), kind="stable")[:LIST]]
    return best


def needed_depths(search: Search, probes: Embeddings, best: Ids, deepest: int) -> Ids:
    """(m,) how deep the last of the (m, LIST) best lies for each probe; MISSED when it is not found."""
    needed = np.empty(len(probes), np.int64)
    for start in range(0, len(probes), PROBES_AT_ONCE):
        scores, rows = search(probes[start : start + PROBES_AT_ONCE], deepest)
        for i in range(len(rows)):
            places = np.flatnonzero(np.isin(rows[i], best[start + i]))
            last = scores[i, places].min() if len(places) == LIST else np.inf
            needed[start + i] = np.count_nonzero(scores[i] >= last) if len(places) == LIST else MISSED
    return needed
