"""Measures of recognition utility against hand-worked cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from mien.errors import NotFoundError, UsageError
from mien.models import LoadSettings
from mien.models.card import InputContract
from mien.models.embedders.arcface import ArcFace
from mien.models.fused import FusedEmbedder
from mien.quality.utility import Examples, Ground, Sights, measures
from mien.quality.utility.detector import Confidence
from mien.quality.utility.forest import FEWEST, Forest, forest, grow, likenesses
from mien.quality.utility.norm import Norm
from mien.quality.utility.recognisability import Recognisability, centre_of, recognisability, recognisability_index
from mien.quality.utility.ser_fiq import DROPPED, SerFiq, robustness
from mien.quality.utility.vectors import networks, raw_vectors, templates
from mien.runtime.tail import Split
from mien.types.arrays import FloatArray, unit_rows
from mien.types.template import Precision, TemplateContract

F4 = np.float32
RANDOM = np.random.default_rng(7)


@dataclass(frozen=True)
class Mean:
    """A network that answers with the mean colour of a crop, times a factor."""

    factor: float = 1.0
    batch: int = 4
    engine: str = "onnxruntime"
    precision: Precision = Precision.F32

    def run(self, pixels: FloatArray) -> tuple[FloatArray, ...]:
        return (np.float32(self.factor) * pixels.mean(axis=(2, 3)),)


def network(factor: float = 1.0) -> ArcFace:
    contract = InputContract((112, 112), 1, "RGB", (0.0, 0.0, 0.0), 1 / 255)
    return ArcFace(TemplateContract("toy", "0" * 64, 3, "toy"), Mean(factor), contract)  # type: ignore[arg-type]


def sights(raw: FloatArray, *more: FloatArray, crops: FloatArray | None = None) -> Sights:
    n = len(raw)
    pixels = np.zeros((n, 112, 112, 3), np.uint8) if crops is None else crops
    points = np.tile(np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], F4), (n, 1, 1))
    points += RANDOM.normal(0, 1, points.shape).astype(F4)
    boxes = np.tile(np.array([10, 10, 90, 110], F4), (n, 1))
    return Sights(pixels, boxes, points, np.linspace(0, 1, n, dtype=F4), (raw, *more))


def test_every_measure_has_a_name() -> None:
    assert list(measures) == ["detector", "forest", "norm", "recognisability", "ser-fiq"]
    with pytest.raises(NotFoundError, match="did you mean 'norm'"):
        measures["nrm"]


def test_the_norm_is_the_length_of_the_networks_own_vector() -> None:
    raw = np.array([[3, 4], [0.3, 0.4], [6, 8]], F4)
    assert np.exp(Norm((1.0,)).score(sights(raw))) == pytest.approx([5, 0.5, 10])


def test_of_two_networks_the_norm_is_the_geometric_mean_whatever_their_scales() -> None:
    one, two = np.array([[3, 4], [6, 8]], F4), np.array([[100, 0], [0, 50]], F4)
    score = Norm((0.25, 0.75)).score(sights(one, two))
    assert np.exp(score) == pytest.approx([5**0.25 * 100**0.75, 10**0.25 * 50**0.75])
    louder = Norm((0.25, 0.75)).score(sights(one, 9 * two))
    assert np.diff(louder) == pytest.approx(np.diff(score), abs=1e-5)


def test_the_raw_vectors_of_an_embedder_give_its_templates() -> None:
    crops = RANDOM.integers(0, 256, (5, 112, 112, 3)).astype(np.uint8)
    one, two = network(2.0), network(5.0)
    contract = TemplateContract("both", "1", 6, "x")
    both = FusedEmbedder(contract, Precision.F32, "x", 4, (one, two), (0.3, 0.7))
    for embedder in (one, both):
        raw = raw_vectors(embedder, crops)
        assert np.allclose(templates(embedder, raw), embedder.embed(crops), atol=1e-6)
    assert np.linalg.norm(raw[0][0]) == pytest.approx(2 * np.linalg.norm(crops[0].mean(axis=(0, 1)) / 255), rel=1e-4)


def test_an_embedder_that_hides_its_vectors_is_refused() -> None:
    class Closed:
        contract = TemplateContract("closed", "0", 3, "x")

    with pytest.raises(UsageError, match="'closed' does not give its vectors"):
        networks(Closed())  # type: ignore[arg-type]


def test_robustness_is_the_mean_distance_of_all_pairs_of_sub_networks() -> None:
    split = Split(b"", RANDOM.normal(size=(6, 3)).astype(F4), RANDOM.normal(size=3).astype(F4))
    features, masks = RANDOM.normal(size=6).astype(F4), RANDOM.random((8, 6)) >= DROPPED
    vectors = [(features * mask / (1 - DROPPED)) @ split.weight + split.bias for mask in masks]
    assert robustness(features, split, masks) == pytest.approx(pdist(unit_rows(np.array(vectors))).mean(), rel=1e-5)


def test_ser_fiq_is_two_sigmoids_of_minus_the_distance() -> None:
    class Fixed:
        def distances(self, crops: FloatArray) -> FloatArray:
            return np.array([0.0, np.log(3), 2.0])

    score = SerFiq((Fixed(),), (1.0,)).score(sights(np.ones((3, 2), F4)))  # type: ignore[arg-type]
    assert score == pytest.approx([1, 0.5, 2 / (1 + np.exp(2))])


def test_an_embedding_that_nothing_changes_has_the_best_quality() -> None:
    split = Split(b"", np.zeros((6, 3), F4), np.array([1, 2, 3], F4))
    assert robustness(np.ones(6, F4), split, RANDOM.random((5, 6)) >= 0.5) == pytest.approx(0, abs=1e-3)


def test_recognisability_is_the_distance_to_the_centre_of_the_unrecognisable() -> None:
    centre = np.array([1, 0], F4)
    angles = np.radians([0, 60, 90, 180])
    raw = 5 * np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(F4)
    assert Recognisability((centre,), (1.0,)).score(sights(raw)) == pytest.approx([0, 0.5, 1, 2], abs=1e-6)
    fused = Recognisability((centre, -centre), (0.75, 0.25)).score(sights(raw, raw))
    assert fused == pytest.approx([0.5, 0.75, 1, 1.5], abs=1e-6)


def test_the_centre_is_the_direction_of_the_mean() -> None:
    assert centre_of(np.array([[1, 0], [0, 1]], F4)) == pytest.approx([0.5**0.5, 0.5**0.5])


def test_the_index_of_known_people_by_hand() -> None:
    people, centres, lost = np.array([0, 1]), np.eye(3, dtype=F4)[:2], np.eye(3, dtype=F4)[2]
    vectors = np.array([[1, 0, 0], [0.6, 0, 0.8]], F4)
    near, far = recognisability_index(vectors, people, centres, lost)
    assert near == pytest.approx(1 * 1 / (0 + 1))
    assert far == pytest.approx((1 - 0.8) * (1 - 0.6) / (1 + (1 - 0.6)))


def test_detector_confidence_is_passed_on() -> None:
    assert Confidence().score(sights(np.ones((3, 2), F4))) == pytest.approx([0, 0.5, 1])


def test_a_forest_as_a_table_says_what_scikit_learns_says() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    rows, values = RANDOM.normal(size=(200, 4)).astype(F4), RANDOM.normal(size=200)
    theirs = ensemble.RandomForestRegressor(7, min_samples_leaf=5, max_features=1 / 3, random_state=99).fit(
        rows, values
    )
    probe = RANDOM.normal(size=(60, 4)).astype(F4)
    assert grow(rows, values, trees=7).predict(probe) == pytest.approx(theirs.predict(probe), abs=1e-5)


def test_a_tree_by_hand() -> None:
    i4, i2 = np.int32, np.int16
    tree = Forest(
        np.array([0], i4), np.array([1, -1, -1], i2), np.array([0.5, 0, 0]), np.array([1, 0, 0], i4),
        np.array([2, 0, 0], i4), np.array([0, -1, 4], F4),
    )  # fmt: skip
    assert tree.predict(np.array([[9, 0.5], [9, 0.6]], F4)).tolist() == [-1, 4]


def test_likeness_is_to_other_photographs_that_nobody_harmed() -> None:
    raw = np.array([[1, 0, 0], [0.6, 0.8, 0], [0, 1, 0], [0, 0, 1]], F4)
    examples = Examples(
        sights(raw), np.array([0, 0, 0, 1]), np.array([0, 1, 1, 2]), np.array([False, False, True, False])
    )
    rows, likeness = likenesses(examples, network())
    assert rows.tolist() == [0, 1, 2]
    assert likeness == pytest.approx([0.6, 0.6, 0])  # the third is the second photograph made worse


@pytest.mark.parametrize("measure", [forest, recognisability])
def test_what_learns_needs_examples(measure) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError, match="--fit"):
        measure(Ground("sface", LoadSettings()))


def test_a_forest_needs_people_with_several_photographs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.quality.utility.forest.load_embedder", lambda *_: network())
    few = Examples(sights(np.ones((4, 3), F4)), np.arange(4), np.arange(4), np.zeros(4, np.bool_))
    with pytest.raises(UsageError, match=f"needs {FEWEST} examples"):
        forest(Ground("toy", LoadSettings(), few))
