"""Storage and search held against brute force, and losses held apart."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from mien.errors import UsageError
from mien.evaluate.funnel import measure_funnel
from mien.evaluate.metrics.nearest import InvertedFile, Reranked, exact, half, highest, int8, quantise, signs


def unit(random: np.random.Generator, n: int, d: int = 32) -> np.ndarray:
    rows = random.standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def people(random: np.random.Generator, n: int, per: int, noise: float, d: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """`n` people with `per` templates each, `noise` away from their centre."""
    rows = np.repeat(unit(random, n, d), per, axis=0) + noise * unit(random, n * per, d)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), np.repeat(np.arange(n), per)


def test_exact_search_finds_what_scikit_learn_finds() -> None:
    vectors = unit(np.random.default_rng(0), 300)
    rows = np.arange(0, 300, 7)
    oracle = NearestNeighbors(n_neighbors=6, algorithm="brute", metric="cosine").fit(vectors)
    expected = oracle.kneighbors(vectors[rows], return_distance=False)[:, 1:]
    np.testing.assert_array_equal(exact(vectors).search(rows, 5), expected)


def test_int8_rows_come_back_within_half_a_step() -> None:
    vectors = unit(np.random.default_rng(1), 50)
    numbers, scales = quantise(vectors)
    assert np.abs(numbers).max(axis=1).tolist() == [127] * 50
    assert (np.abs(numbers * scales - vectors) <= scales / 2 + 1e-7).all()


def test_sign_bits_order_by_hamming_distance() -> None:
    vectors = unit(np.random.default_rng(2), 40)
    found = signs(vectors).search(np.array([0]), 39)[0]
    hamming = ((vectors[0] >= 0) != (vectors >= 0)).sum(axis=1)
    assert (np.diff(hamming[found]) >= 0).all()


def test_an_inverted_file_that_looks_at_every_list_is_exact() -> None:
    vectors = unit(np.random.default_rng(3), 200)
    rows = np.arange(200)
    everything = InvertedFile(vectors, probed=1000)
    np.testing.assert_array_equal(everything.search(rows, 5), exact(vectors).search(rows, 5))


def test_a_rerank_of_everything_is_exact() -> None:
    vectors = unit(np.random.default_rng(4), 80)
    rows = np.arange(80)
    found = Reranked(signs(vectors), vectors, keep=79).search(rows, 5)
    np.testing.assert_array_equal(found, exact(vectors).search(rows, 5))


def test_highest_puts_equal_scores_in_order_of_their_columns() -> None:
    assert highest(np.array([[1, 3, 3, 2]], np.float32), 3).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("method", [half, int8])
def test_smaller_templates_lose_almost_no_neighbour(method) -> None:
    vectors, _ = people(np.random.default_rng(5), 100, 3, 0.5)
    rows = np.arange(300)
    found, truth = method(vectors).search(rows, 1), exact(vectors).search(rows, 1)
    assert (found == truth).mean() > 0.97


def test_people_far_apart_lose_nothing_and_people_at_random_lose_all_in_the_embedding() -> None:
    vectors, subjects = people(np.random.default_rng(6), 60, 3, 0.2)
    funnel = measure_funnel(vectors, subjects, np.ones(180, bool), where="here")
    assert funnel.rows[0].name == "exact f32"
    assert funnel.rows[0].loss == 0
    assert set(funnel.rows[0].recall.values()) == {1.0}
    shuffled = np.random.default_rng(7).permutation(subjects)
    hopeless = measure_funnel(vectors, shuffled, np.ones(180, bool), where="here").rows
    assert hopeless[0].loss > 0.9
    assert hopeless[0].recall[10] == 1.0  # recall sees nothing of it


def test_copies_of_a_template_are_no_loss_of_recall() -> None:
    vectors, subjects = people(np.random.default_rng(8), 30, 2, 0.3)
    doubled, both = np.repeat(vectors, 2, axis=0), np.repeat(subjects, 2)
    rows = {row.name: row for row in measure_funnel(doubled, both, np.ones(120, bool), where="here").rows}
    assert rows["int8, scale a row"].recall[1] == 1.0


def test_the_participation_ratio_counts_directions_in_use() -> None:
    flat = np.zeros((400, 16), np.float32)
    flat[:, :4] = unit(np.random.default_rng(9), 400, 4)
    funnel = measure_funnel(flat, np.repeat(np.arange(200), 2), np.ones(400, bool), where="here")
    assert funnel.distribution.participation == pytest.approx(4, rel=0.05)
    assert funnel.distribution.dimension == 16


def test_mean_cosines_are_those_of_the_score_matrix() -> None:
    vectors, subjects = people(np.random.default_rng(10), 20, 3, 0.4)
    scores = vectors.astype(np.float64) @ vectors.T
    same = subjects[:, None] == subjects
    found = measure_funnel(vectors, subjects, np.ones(60, bool), where="here").distribution
    assert found.mean_cosine == pytest.approx(scores[~same].mean(), abs=1e-6)
    assert found.same_cosine == pytest.approx(scores[same & ~np.eye(60, dtype=bool)].mean(), abs=1e-6)


def test_only_named_people_are_searched_for_but_all_are_searched_among() -> None:
    vectors, subjects = people(np.random.default_rng(11), 30, 2, 0.3)
    funnel = measure_funnel(vectors, subjects, subjects < 10, where="here", most=15)
    assert (funnel.references, funnel.probes, funnel.eligible) == (60, 15, 20)


@pytest.mark.parametrize("count", [0, 5])
def test_one_reference_each_is_refused_with_what_to_do(count: int) -> None:
    vectors = unit(np.random.default_rng(12), count) if count else np.empty((0, 32), np.float32)
    with pytest.raises(UsageError, match=r"family\.mien: no named subject has two references") as refused:
        measure_funnel(vectors, np.arange(count), np.ones(count, bool), where="family.mien")
    assert refused.value.code == "one-reference-each"
