from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from mien.errors import UsageError
from mien.grouping import GroupingRule, group
from mien.grouping.apart import Apart
from mien.grouping.linkage import average_linkage


def people(n: int, per: int, *, spread: float = 0.5, seed: int = 0, d: int = 32) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vectors = np.repeat(rng.standard_normal((n, d)), per, axis=0) + spread * rng.standard_normal((n * per, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(((a[:, None] == a) == (b[:, None] == b)).all())


def unlimited(n: int) -> Apart:
    return Apart(np.arange(n), np.full(n, -1), np.empty((0, 2), np.int64))


def greedy(vectors: np.ndarray, cut: float, forbidden: Callable[[list[int], list[int]], bool]) -> np.ndarray:
    """Constrained average linkage as the textbook has it: all pairs of clusters, the best one, again."""
    scores = vectors.astype(float) @ vectors.T.astype(float)
    clusters = [[i] for i in range(len(vectors))]
    while True:
        best, join = cut, None
        for i, a in enumerate(clusters):
            for j in range(i):
                b = clusters[j]
                average = scores[np.ix_(a, b)].mean()
                if average >= best and not forbidden(a, b):
                    best, join = average, (j, i)
        if join is None:
            labels = np.empty(len(vectors), int)
            for number, cluster in enumerate(clusters):
                labels[cluster] = number
            return labels
        clusters[join[0]] += clusters.pop(join[1])


@pytest.mark.parametrize("limit", [2, 40, 10**6])
@pytest.mark.parametrize("cut", [0.2, 0.4, 0.6])
def test_it_is_the_average_linkage_of_scipy_whatever_the_limit_of_pairs(cut, limit):
    vectors = people(20, 8, spread=1.0)
    cosine = np.clip(1 - vectors.astype(float) @ vectors.T.astype(float), 0, None)
    np.fill_diagonal(cosine, 0)
    expected = fcluster(linkage(squareform(cosine, checks=False), "average"), 1 - cut, "distance")
    labels = average_linkage(vectors, np.arange(160), cut, unlimited(160), limit=limit)
    assert same_partition(labels, expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.7), st.sampled_from([4, 10**6]))
def test_with_photographs_it_is_what_the_textbook_joins(seed, cut, limit):
    vectors = people(6, 5, spread=1.2, seed=seed, d=16)
    pictures = np.random.default_rng(seed).integers(0, 12, 30)
    apart = Apart(pictures, np.full(30, -1), np.empty((0, 2), np.int64))
    labels = average_linkage(vectors, np.arange(30), cut, apart, limit=limit)
    assert same_partition(labels, greedy(vectors, cut, lambda a, b: bool(set(pictures[a]) & set(pictures[b]))))


def test_people_are_found_and_numbered_by_size():
    vectors = people(3, 4)[[0, 4, 5, 8, 9, 10]]
    result = group(vectors, range(6), cut=0.5)
    assert result.labels.tolist() == [-1, 1, 1, 0, 0, 0]
    assert result.names == (None, None)
    assert result.members(0).tolist() == [3, 4, 5]


def test_the_order_of_the_faces_does_not_matter():
    vectors = people(20, 6, spread=0.9)
    order = np.random.default_rng(1).permutation(120)
    assert same_partition(
        group(vectors[order], order, cut=0.4).labels, group(vectors, range(120), cut=0.4).labels[order]
    )


def test_two_faces_of_one_photograph_are_two_people_even_when_alike():
    vectors = np.repeat(people(1, 1), 4, axis=0)
    labels = group(vectors, ["a.jpg", "a.jpg", "b.jpg", "b.jpg"], cut=0.5).labels
    assert labels[0] != labels[1]
    assert labels[2] != labels[3]
    assert sorted(labels.tolist()) == [0, 0, 1, 1]


def test_a_photograph_keeps_whole_groups_apart():
    rng = np.random.default_rng(0)
    vectors = people(1, 40, spread=0.3)
    pictures = rng.integers(0, 15, 40)
    labels = group(vectors, pictures, cut=0.2).labels
    for number in range(labels.max() + 1):
        assert len(set(pictures[labels == number])) == (labels == number).sum()


def test_a_stranger_stays_alone():
    vectors = np.concatenate([people(1, 3), people(1, 1, seed=9)])
    assert group(vectors, range(4), cut=0.5).labels.tolist() == [0, 0, 0, -1]


def test_one_name_is_one_person_and_two_names_are_two():
    vectors = people(2, 3)
    names = ["ada", None, "bob", "ada", None, None]
    result = group(vectors, range(6), cut=0.9999, names=names)
    assert result.labels[0] == result.labels[3] != result.labels[2]
    assert set(result.names) == {"ada", "bob"}
    together = group(np.repeat(people(1, 1), 3, axis=0), range(3), cut=0.5, names=["ada", "bob", None])
    assert together.labels[0] != together.labels[1]
    assert together.labels[2] in together.labels[:2]


def test_names_survive_when_faces_are_added():
    vectors = people(4, 6, spread=0.7)
    first = group(vectors[:12], range(12), cut=0.4)
    named = [f"person {label}" if label >= 0 else None for label in first.labels]
    second = group(vectors, range(24), cut=0.4, names=named + [None] * 12)
    for row, name in enumerate(named):
        assert name is None or second.names[second.labels[row]] == name


def test_earlier_groups_may_grow_together_but_never_fall_apart():
    vectors = np.concatenate([people(1, 4), people(1, 2, seed=5)])
    labels = group(vectors, range(6), cut=0.5, earlier=[0, 0, 1, 1, 7, -1]).labels
    assert len(set(labels[:4])) == 1
    held = group(people(3, 1), range(3), cut=0.9, earlier=[4, 4, -1]).labels
    assert held.tolist() == [0, 0, -1]


def test_a_correction_keeps_two_faces_apart():
    vectors = np.repeat(people(1, 1), 3, axis=0)
    labels = group(vectors, range(3), cut=0.5, apart=[(0, 2)]).labels
    assert labels[0] != labels[2]


def test_weak_faces_join_groups_and_found_none():
    vectors = np.concatenate([people(1, 4, spread=0.2), people(1, 3, spread=0.2, seed=3)])
    weak = np.array([False, False, False, True, True, True, True])
    assert group(vectors, range(7), cut=0.5, weak=weak).labels.tolist() == [0, 0, 0, 0, -1, -1, -1]


def test_of_two_weak_faces_in_one_photograph_the_more_alike_joins():
    person = people(1, 1)
    near, far = person + 0.05, person + 0.12 * np.sign(np.arange(32) % 2 - 0.5).astype(np.float32)
    vectors = np.concatenate([person, person, far, near])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert vectors[0] @ vectors[3] > vectors[0] @ vectors[2] > 0.5
    labels = group(vectors, [0, 1, 2, 2], cut=0.5, weak=np.array([0, 0, 1, 1], bool)).labels
    assert labels.tolist() == [0, 0, -1, 0]


def test_a_chain_does_not_merge_everyone():
    angles = np.linspace(0, np.pi, 60)
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    labels = group(vectors, range(60), cut=0.8).labels
    for number in range(labels.max() + 1):
        members = vectors[labels == number]
        assert (members @ members.T).mean() > 0.8
    assert labels.max() >= 2


def test_a_thousand_equal_faces_are_one_person():
    vectors = np.repeat(people(1, 1), 1000, axis=0)
    assert set(average_linkage(vectors, np.arange(1000), 0.5, unlimited(1000), limit=5000)) == {0}


def test_nobody_gives_no_groups():
    result = group(np.empty((0, 8), np.float32), [], cut=0.5)
    assert len(result) == 0
    assert result.labels.shape == (0,)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"pictures": [0, 1]}, "3 vectors need as many pictures"),
        ({"names": ["ada"]}, "3 vectors need as many"),
        ({"apart": [(0, 3)]}, r"outside 0\.\.2"),
        ({"earlier": [0, 0, -1], "names": ["ada", "bob", None]}, "holds faces of two names"),
    ],
)
def test_columns_that_do_not_fit_are_refused(wrong, message):
    with pytest.raises(UsageError, match=message):
        group(people(3, 1), **{"pictures": range(3), "cut": 0.5, **wrong})


def test_vectors_of_another_length_are_refused():
    with pytest.raises(ValueError, match="length 1"):
        group(2 * people(3, 1), range(3), cut=0.5)


def test_a_rule_calls_unsure_faces_weak():
    rule = GroupingRule.from_dict(
        {"cut": 0.4, "attach": 0.5, "min_score": 0.8, "data": "d", "date": "2026-01-01", "command": "c"}
    )
    assert rule.weak(np.float32([0.9, 0.8, 0.7])).tolist() == [False, False, True]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 0.7), st.sampled_from([1, 30, 10**6]))
def test_with_photographs_names_and_corrections_it_is_what_the_textbook_joins(seed, cut, limit):
    rng = np.random.default_rng(seed)
    vectors = people(6, 5, spread=1.2, seed=seed, d=16)
    apart = Apart(
        rng.integers(0, 12, 30), np.where(rng.random(30) < 0.2, np.arange(30), -1), rng.integers(0, 30, (4, 2))
    )
    apart = Apart(apart.pictures, apart.names, apart.pairs[apart.pairs[:, 0] != apart.pairs[:, 1]])
    names = np.where(apart.names >= 0, apart.names, -1 - np.arange(30))
    foes = {frozenset(pair) for pair in apart.pairs.tolist()}

    def forbidden(a: list[int], b: list[int]) -> bool:
        told = {names[i] for i in a + b if names[i] >= 0}
        shared = set(apart.pictures[a]) & set(apart.pictures[b])
        return bool(shared) or len(told) > 1 or any(frozenset((i, j)) in foes for i in a for j in b)

    labels = average_linkage(vectors, np.arange(30), cut, apart, limit=limit)
    assert same_partition(labels, greedy(vectors, cut, forbidden))


@pytest.mark.parametrize("limit", [1, 500, 10**6])
def test_one_face_that_everybody_is_most_like_changes_nothing(limit):
    rng = np.random.default_rng(0)
    share = np.linspace(0.3, 0.95, 60)[:, None]
    vectors = np.sqrt(share) * people(1, 1) + np.sqrt(1 - share) * people(60, 1, seed=1)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    pictures = rng.integers(0, 200, 60)
    apart = Apart(pictures, np.full(60, -1), np.empty((0, 2), np.int64))
    labels = average_linkage(vectors, np.arange(60), 0.45, apart, limit=limit)
    assert same_partition(labels, greedy(vectors, 0.45, lambda a, b: bool(set(pictures[a]) & set(pictures[b]))))


def test_faces_added_to_settled_groups_join_them_or_each_other():
    vectors = people(3, 4, spread=0.3)
    earlier = np.array([0, 0, 0, -1, 1, 1, -1, -1, -1, -1, -1, -1])
    labels = group(vectors, range(12), cut=0.5, earlier=earlier, fresh=earlier < 0).labels
    assert same_partition(labels, np.repeat(range(3), 4))


def test_a_face_that_stayed_alone_is_found_by_a_new_one():
    labels = group(people(1, 2, spread=0.2), range(2), cut=0.5, earlier=[7, -1], fresh=np.array([False, True])).labels
    assert labels.tolist() == [0, 0]


def test_settled_groups_join_only_when_something_new_came_to_one_of_them():
    vectors = people(1, 6, spread=0.3)
    earlier = np.array([0, 0, 0, 1, 1, -1])
    old = earlier >= 0
    assert set(group(vectors[:5], range(5), cut=0.5, earlier=earlier[:5], fresh=~old[:5]).labels) == {0, 1}
    assert set(group(vectors, range(6), cut=0.5, earlier=earlier, fresh=~old).labels) == {0}


def test_nothing_is_compared_when_nothing_is_new():
    vectors = people(5, 4)
    earlier = np.arange(20)
    assert set(group(vectors, range(20), cut=0.2, earlier=earlier, fresh=np.zeros(20, bool)).labels) == {-1}


def test_all_fresh_is_the_full_run():
    vectors = people(20, 6, spread=0.9)
    full = group(vectors, range(120), cut=0.4).labels
    assert group(vectors, range(120), cut=0.4, fresh=np.ones(120, bool)).labels.tolist() == full.tolist()


def test_a_weak_face_of_an_earlier_group_chooses_anew():
    vectors = np.concatenate([people(1, 3, spread=0.2), people(1, 3, spread=0.2, seed=3)])
    weak = np.array([0, 0, 0, 0, 0, 1], bool)
    labels = group(vectors, range(6), cut=0.5, weak=weak, earlier=[0, 0, 0, 1, 1, 0], fresh=np.zeros(6, bool)).labels
    assert labels[5] == labels[4] != labels[0]


def test_work_that_is_no_longer_wanted_ends_with_what_it_is_told() -> None:
    class EnoughError(Exception):
        pass

    def going() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise EnoughError

    asked: list[int] = []
    vectors = people(300, 2, seed=3)
    group(vectors, np.arange(600), cut=0.5, going=lambda: asked.append(1))
    assert asked
    asked.clear()
    asked.append(1)
    with pytest.raises(EnoughError):
        group(vectors, np.arange(600), cut=0.5, going=going)
