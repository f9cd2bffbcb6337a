"""Figures of groupings against scikit-learn, brute force and hand-worked ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import pair_confusion_matrix

from mien.evaluate.metrics.grouping import bcubed_interval, contingency, grouping_figures

sortings = st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 5)), min_size=2, max_size=40)


def columns(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    labels, people = np.array(rows).T
    return labels, people


def spelt_out(labels: np.ndarray) -> np.ndarray:
    """Faces alone in groups of their own."""
    return np.where(labels < 0, 100 + np.arange(len(labels)), labels)


@given(sortings)
@settings(max_examples=150, deadline=None)
def test_ari_and_nmi_are_those_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels, people = columns(rows)
    figures = grouping_figures(labels, people)
    assert figures.ari == pytest.approx(adjusted_rand_score(people, spelt_out(labels)), abs=1e-9)
    assert figures.nmi == pytest.approx(normalized_mutual_info_score(people, spelt_out(labels)), abs=1e-9)


@given(sortings)
@settings(max_examples=150, deadline=None)
def test_bcubed_is_what_a_double_loop_gives(rows: list[tuple[int, int]]) -> None:
    labels, people = columns(rows)
    groups = spelt_out(labels)
    precision = np.mean([np.mean(people[groups == g] == p) for g, p in zip(groups, people, strict=True)])
    recall = np.mean([np.mean(groups[people == p] == g) for g, p in zip(groups, people, strict=True)])
    found = grouping_figures(labels, people).bcubed
    assert found.precision == pytest.approx(precision)
    assert found.recall == pytest.approx(recall)
    assert found.f == pytest.approx(2 * precision * recall / (precision + recall))


@given(sortings)
@settings(max_examples=100, deadline=None)
def test_pairwise_is_the_pair_confusion_matrix(rows: list[tuple[int, int]]) -> None:
    labels, people = columns(rows)
    (_, false), (missed, both) = pair_confusion_matrix(people, spelt_out(labels))
    found = grouping_figures(labels, people).pairwise
    assert found.precision == (None if both + false == 0 else pytest.approx(both / (both + false)))
    assert found.recall == (None if both + missed == 0 else pytest.approx(both / (both + missed)))


@given(sortings)
@settings(max_examples=100, deadline=None)
def test_splits_then_merges_as_counted_lead_to_the_truth(rows: list[tuple[int, int]]) -> None:
    labels, people = columns(rows)
    groups = spelt_out(labels).copy()
    splits = moved = 0
    for group in np.unique(groups):
        inside, counts = np.unique(people[groups == group], return_counts=True)
        for person in np.delete(inside, counts.argmax()):
            chosen = (groups == group) & (people == person)
            groups[chosen] = groups.max() + 1
            splits, moved = splits + 1, moved + int(chosen.sum())
    merges = 0
    for person in np.unique(people):
        parts = np.unique(groups[people == person])
        merges += len(parts) - 1
        groups[np.isin(groups, parts)] = parts[0]
    assert adjusted_rand_score(people, groups) == pytest.approx(1)
    edits = grouping_figures(labels, people).edits
    assert (edits.splits, edits.merges, edits.moved) == (splits, merges, moved)


def test_a_hand_worked_album() -> None:
    #           ada in two groups, one of them with a stranger; ben together; two faces alone
    labels = [0, 0, 0, 1, 1, 1, 2, 2, -1, -1]
    people = ["ada", "ada", "ada", "ada", "ada", "eve", "ben", "ben", "ada", "kim"]
    figures = grouping_figures(labels, people)
    assert (figures.people, figures.groups) == (4, 5)
    assert (figures.people_seen_twice, figures.groups_of_several, figures.mixed, figures.largest) == (2, 3, 1, 3)
    assert figures.purity == pytest.approx(0.9)
    assert (figures.edits.splits, figures.edits.merges, figures.edits.moved) == (1, 2, 1)
    rows = {row.label: (row.groups, row.faces, row.mixed, row.purity) for row in figures.by_size}
    assert rows["1"] == (2, 2, 0, 1.0)
    assert rows["2"] == (1, 2, 0, 1.0)
    assert rows["3-5"] == (2, 6, 1, pytest.approx(5 / 6))
    assert rows["21+"] == (0, 0, 0, None)


def test_names_of_groups_and_people_do_not_matter() -> None:
    labels, people = np.array([0, 0, 1, 2, -1]), np.array([3, 3, 3, 1, 2])
    before, after = grouping_figures(labels, people), grouping_figures([7, 7, 2, 5, -1], list("xxxyz"))
    assert before.to_dict() == after.to_dict()


def test_nothing_grouped_has_no_figures_rather_than_good_ones() -> None:
    empty = grouping_figures([], [])
    assert empty.bcubed.f is empty.pairwise.f is empty.ari is empty.nmi is empty.purity is None


def test_intervals_hold_the_value_and_shrink_with_people() -> None:
    random = np.random.default_rng(0)
    widths = []
    for n in (20, 2000):
        people = np.repeat(np.arange(n), 3)
        labels = np.where(random.random(len(people)) < 0.1, -1, people)
        figure = grouping_figures(labels, people).bcubed.f
        low, high = (bcubed_interval(contingency(labels, people)) or {})["f"]
        assert low <= (figure or 0) <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        grouping_figures([0, 1], [0])
