"""Box, five points and a few numbers of the crop through a random forest: a gate that needs no network.

After "A Lightweight Face Quality Assessment Framework to Improve Face Verification Performance in Real-Time Screening
Applications", 2025: normalised landmarks into a random forest regressor, in front of ArcFace. Here the forest learns,
from examples, how alike a face is to the others of its person in the eyes of the embedder. scikit-learn grows it; what
scores is a table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.models import load_embedder
from mien.quality.utility import Examples, Ground, Sights, measures
from mien.quality.utility.features import features
from mien.quality.utility.vectors import templates
from mien.types.arrays import FloatArray

if TYPE_CHECKING:
    from mien.models.embedders import Embedder

TREES = 100
LEAF = 5
"""Examples in a leaf at least: with a few hundred people, smaller ones learn them by heart."""
FEWEST = 50
SEED = 99


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees in one table; node i goes to `left[i]` where its feature is at most `cut[i]`, else to `right[i]`.

    Args:
        roots: (t,) int32, first node of each tree.
        feature: (k,) int16, -1 for a leaf.
        cut: (k,) float64; scikit-learn compares a float32 feature with it.
        left, right: (k,) int32.
        value: (k,) float32 of a leaf.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    cut: NDArray[np.float64]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: FloatArray

    def predict(self, rows: FloatArray) -> FloatArray:
        """(n, f) float32 features to (n,) means over the trees."""
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        while (inner := self.feature[node] >= 0).any():
            face, tree = np.nonzero(inner)
            at = node[face, tree]
            low = rows[face, self.feature[at]] <= self.cut[at]
            node[face, tree] = np.where(low, self.left[at], self.right[at])
        means: FloatArray = self.value[node].mean(axis=1, dtype=np.float64).astype(np.float32)
        return means

    def score(self, sights: Sights) -> FloatArray:
        """(n,) expected cosine to the others of the person."""
        return self.predict(features(sights))


@measures.register("forest")
def forest(ground: Ground) -> Forest:
    """A forest grown on the examples, for an embedder.

    Raises:
        UsageError: no examples, too few, or no scikit-learn.
    """
    if ground.examples is None:
        raise UsageError("'forest' learns from faces of other people: name some with --fit")
    known, likeness = likenesses(ground.examples, load_embedder(ground.embedder, ground.settings))
    if len(likeness) < FEWEST:
        raise UsageError(f"'forest' needs {FEWEST} examples of people with several pictures, got {len(likeness)}")
    return grow(features(ground.examples.sights[known]), likeness)


def likenesses(examples: Examples, embedder: Embedder) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """What is to be told: mean cosine of a face to its person's other photographs, those that nobody harmed.

    Returns:
        ((k,) rows of the examples that have such others, (k,) cosines).
    """
    vectors = templates(embedder, examples.sights.raw)
    plain = np.flatnonzero(~examples.harmed)
    rows, means = [], []
    for row, person in enumerate(examples.people.tolist()):
        others = plain[(examples.people[plain] == person) & (examples.pictures[plain] != examples.pictures[row])]
        if len(others):
            rows.append(row)
            means.append(float((vectors[others] @ vectors[row]).mean()))
    return np.array(rows, np.int64), np.array(means, np.float64)


def grow(rows: FloatArray, values: NDArray[np.float64], *, trees: int = TREES) -> Forest:
    """A forest grown by scikit-learn, as a table.

    Raises:
        UsageError: scikit-learn is not there.
    """
    try:
        from sklearn.ensemble import RandomForestRegressor  # type: ignore[import-untyped]
    except ImportError as error:
        what = "growing a forest needs scikit-learn: pip install scikit-learn"
        raise UsageError(what, code="extra-missing") from error
    grown = RandomForestRegressor(trees, min_samples_leaf=LEAF, max_features=1 / 3, random_state=SEED)
    made = [tree.tree_ for tree in grown.fit(rows, values).estimators_]
    starts = np.cumsum([0, *(tree.node_count for tree in made)])

    def joined(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(tree, name) for tree in made])

    shift = np.repeat(starts[:-1], np.diff(starts))
    return Forest(
        roots=starts[:-1].astype(np.int32),
        feature=np.maximum(joined("feature"), -1).astype(np.int16),
        cut=joined("threshold"),
        left=(joined("children_left") + shift).astype(np.int32),
        right=(joined("children_right") + shift).astype(np.int32),
        value=joined("value").reshape(-1).astype(np.float32),
    )
