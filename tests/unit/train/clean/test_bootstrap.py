"""Semantic bootstrapping: by hand, and against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import UsageError  # noqa: E402
from mien.train.clean import BootstrapSettings, Cleaned, Reason, bootstrap, score_labels  # noqa: E402


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def drawn(people: int, pictures: int) -> np.ndarray:
    random = np.random.default_rng(1)
    centre = np.repeat(unit(random.normal(size=(people, 32))), pictures, axis=0)
    return unit(centre + 0.1 * random.normal(size=centre.shape)).astype(np.float32)


def brute(vectors: np.ndarray, labels: np.ndarray, scale: float, beta: float) -> np.ndarray:
    """The mixture, picture by picture."""
    people = labels.max() + 1
    out = np.zeros((len(labels), people))
    for row, vector in enumerate(vectors.astype(np.float64)):
        for person in range(people):
            others = [i for i in range(len(labels)) if labels[i] == person and i != row]
            mean = vectors[others].astype(np.float64).sum(0) if others else np.zeros(vectors.shape[1])
            out[row, person] = vector @ mean / max(np.linalg.norm(mean), 1e-12)
    out = np.exp(scale * out)
    out = (1 - beta) * out / out.sum(1, keepdims=True)
    known = labels >= 0
    out[np.flatnonzero(known), labels[known]] += beta
    return out


def test_labels_are_those_of_the_mixture() -> None:
    vectors, labels = drawn(6, 4), np.repeat(np.arange(6), 4)
    labels[[0, 9, 17]] = [3, 5, -1]
    cleaned = bootstrap(vectors, labels, BootstrapSettings(beta=0.2, confidence=0.6))
    mixture = brute(vectors, labels, cleaned.levels["scale"], 0.2)
    expected = np.where(mixture.max(1) < 0.6, -1, mixture.argmax(1))
    assert cleaned.labels.tolist() == expected.tolist()


def test_wrong_labels_are_put_right() -> None:
    true = np.repeat(np.arange(30), 6)
    noisy = true.copy()
    noisy[::5] = (noisy[::5] + 7) % 30
    cleaned = bootstrap(drawn(30, 6), noisy)
    assert score_labels(noisy, true).recall == 0.8
    after = score_labels(cleaned.labels, true)
    assert after.purity == after.recall == 1.0
    assert (cleaned.reasons[::5] == Reason.MOVED).all()


def test_a_label_that_weighs_half_is_never_changed() -> None:
    noisy = np.repeat(np.arange(10), 4)
    noisy[0] = 5
    cleaned = bootstrap(drawn(10, 4), noisy, BootstrapSettings(beta=0.5))
    assert (cleaned.labels == noisy).all()


def test_a_picture_has_no_vote_for_its_own_label() -> None:
    labels = np.repeat(np.arange(10), 4)
    labels[0] = 10  # nobody else: its own mean would be itself, and certain
    labels = np.append(labels, [11, 11])
    vectors = np.concatenate([drawn(10, 4), drawn(12, 2)[-2:]])
    assert bootstrap(vectors, labels).labels[0] == 0


def test_the_scale_falls_as_labels_get_worse() -> None:
    vectors, true = drawn(30, 6), np.repeat(np.arange(30), 6)
    noisy = true.copy()
    noisy[::3] = (noisy[::3] + 7) % 30
    assert bootstrap(vectors, noisy).levels["scale"] < bootstrap(vectors, true).levels["scale"]


def test_refusals() -> None:
    with pytest.raises(UsageError, match="beta must be 0 to 1, got 2"):
        BootstrapSettings(beta=2)
    with pytest.raises(UsageError, match="nothing can be predicted"):
        bootstrap(drawn(3, 1), np.arange(3))
    with pytest.raises(UsageError, match="nothing can be predicted"):
        bootstrap(drawn(3, 1), np.full(3, -1))
    with pytest.raises(ValueError, match="kept or moved"):
        Cleaned(np.array([-1]), np.array([Reason.KEPT], np.int8))


def test_labels_of_people_without_a_name_count_as_wrong_and_never_as_missing() -> None:
    score = score_labels(np.array([0, 1, -1, 1]), np.array([0, 1, 1, -1]))
    assert (score.labelled, score.right, score.pictures) == (3, 2, 3)
    assert (score.purity, score.recall) == (2 / 3, 2 / 3)
    assert str(score) == "purity 66.7% (2 of 3), recall 66.7% (of 3)"
    assert score_labels(np.array([-1]), np.array([-1])).purity is None
    with pytest.raises(ValueError, match="one length"):
        score_labels(np.array([0]), np.array([0, 1]))
