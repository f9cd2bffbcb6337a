"""Rates of 1:N searches against counting one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.evaluate.metrics.identification import (
    Searches,
    cmc,
    det,
    fnir,
    fpir,
    search,
    subject_interval,
    threshold_at_fpir,
)
from mien.evaluate.open_set import promise_row
from mien.types.score import MeasuredPoint, OperatingTable


def directions(random: np.random.Generator, n: int, d: int = 8) -> np.ndarray:
    rows = random.standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def drawn(seed: int, probes: int = 40, references: int = 25) -> Searches:
    random = np.random.default_rng(seed)
    people, subjects = random.integers(0, 20, probes), random.integers(0, 12, references)
    failed = random.random(probes) < 0.1
    return search(directions(random, probes), people, failed, directions(random, references), subjects)


def test_a_hand_worked_gallery_gives_hand_worked_rates() -> None:
    # scores with the own subject, with the best other; two mated found, one below its rival, one failed
    searches = Searches(
        mated=np.array([True, True, True, True, False, False, False]),
        failed=np.array([False, False, False, True, False, False, True]),
        own=np.array([0.9, 0.6, 0.3, -np.inf, -np.inf, -np.inf, -np.inf]),
        rival=np.array([0.2, 0.1, 0.4, -np.inf, 0.5, 0.3, -np.inf]),
        rank=np.array([1, 1, 2, 0, 0, 0, 0]),
        people=np.arange(7),
        references=4,
        subjects=4,
    )
    assert (fpir(searches, 0.4).errors, fpir(searches, 0.4).trials) == (1, 2)  # the failed stranger is no trial
    assert (fnir(searches, 0.5).errors, fnir(searches, 0.5).trials) == (2, 4)  # the failed mated probe is a miss
    assert (fnir(searches, 0.7).errors, fnir(searches, 0.25, rank=2).errors) == (3, 1)
    assert [rate.errors for rate in cmc(searches, 3)] == [2, 3, 3]
    assert searches.counts == {"mated": 4, "nonmated": 3, "failed_mated": 1, "failed_nonmated": 1}


@pytest.mark.parametrize("seed", range(5))
def test_searches_equal_a_loop_over_probes_and_references(seed: int) -> None:
    random = np.random.default_rng(seed)
    probes, references = directions(random, 30), directions(random, 20)
    people, subjects = random.integers(0, 10, 30), random.integers(0, 7, 20)
    found = search(probes, people, np.zeros(30, bool), references, subjects)
    for i in range(30):
        best = {s: max(float(probes[i] @ references[j]) for j in range(20) if subjects[j] == s) for s in set(subjects)}
        own = best.pop(people[i], None)
        assert found.mated[i] == (own is not None)
        assert found.rival[i] == pytest.approx(max(best.values()), abs=1e-6)
        if own is not None:
            assert found.own[i] == pytest.approx(own, abs=1e-6)
            assert found.rank[i] == 1 + sum(score >= own for score in best.values())


def test_a_tie_counts_against_the_right_subject() -> None:
    same = np.array([[1, 0]], np.float32)
    found = search(same, np.array([5]), np.array([False]), np.repeat(same, 2, axis=0), np.array([3, 5]))
    assert found.rank.tolist() == [2]


def test_a_subject_whose_enrolment_failed_is_missed_not_forgotten() -> None:
    probe = np.array([[1, 0]], np.float32)
    found = search(probe, np.array([9]), np.array([False]), probe, np.array([1]), enrolled=np.array([1, 9]))
    assert found.mated.tolist() == [True]
    assert fnir(found).errors == 1


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_the_threshold_of_a_rate_keeps_it_and_is_the_smallest_that_does(seed: int) -> None:
    searches = drawn(seed, probes=200)
    threshold = threshold_at_fpir(searches, 0.1)
    assert threshold is not None
    assert (fpir(searches, threshold).value or 0) <= 0.1
    assert (fpir(searches, np.nextafter(threshold, -np.inf)).value or 0) > 0.1


def test_a_rate_beyond_the_rule_of_three_has_no_threshold() -> None:
    searches = drawn(0)
    trials = int(searches.strangers.sum())
    assert threshold_at_fpir(searches, 2.9 / trials) is None
    assert threshold_at_fpir(searches, 3.1 / trials) is not None


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_every_point_of_the_det_is_what_counting_gives(seed: int) -> None:
    searches = drawn(seed)
    curve = det(searches)
    assert curve is not None
    for threshold, false, missed in zip(curve.threshold, curve.fpir, curve.fnir, strict=True):
        assert false == pytest.approx(fpir(searches, threshold).value)
        assert missed == pytest.approx(fnir(searches, threshold).value)
    assert curve.fpir[-1] == 0


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_a_monotone_change_of_the_scores_changes_no_rank_and_no_curve(seed: int) -> None:
    before = drawn(seed)
    bent = [np.where(np.isfinite(s), np.exp(3 * np.where(np.isfinite(s), s, 0)), s) for s in (before.own, before.rival)]
    after = Searches(before.mated, before.failed, *bent, before.rank, before.people, before.references, before.subjects)
    first, second = det(before), det(after)
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first.fpir, second.fpir)
    np.testing.assert_array_equal(first.fnir, second.fnir)


@given(st.integers(0, 10_000), st.integers(0, 39))
@settings(max_examples=40, deadline=None)
def test_one_more_failure_improves_no_rate(seed: int, which: int) -> None:
    random = np.random.default_rng(seed)
    probes, references = directions(random, 40), directions(random, 25)
    people, subjects = random.integers(0, 20, 40), random.integers(0, 12, 25)
    failed = random.random(40) < 0.1
    more = failed.copy()
    more[which] = True
    before, after = (search(probes, people, f, references, subjects) for f in (failed, more))
    for threshold in (-np.inf, 0.2, 0.5):
        assert (fnir(after, threshold).value or 0) >= (fnir(before, threshold).value or 0)
        # a stranger who matched and then failed is no trial any more; one who did not match makes the rate no better
        if not (before.rival[which] >= threshold):
            assert (fpir(after, threshold).value or 0) >= (fpir(before, threshold).value or 0)


def test_probes_of_one_person_widen_the_interval_and_single_ones_have_none() -> None:
    wrong = np.repeat([True, False, False, False], 25)
    people = np.repeat(np.arange(4), 25)
    low, high = subject_interval(wrong, people) or (1, 0)
    assert high - low > 0.5  # four people, not a hundred probes
    assert subject_interval(wrong, np.arange(100)) is None


def test_the_products_threshold_is_judged_by_what_it_does() -> None:
    # 1,000 strangers whose best score is spread evenly over 0..1, a card that promises FPIR 0.1 at threshold 0.5
    n = 1000
    scores = np.linspace(0, 1, n)
    searches = Searches(
        np.zeros(n, bool),
        np.zeros(n, bool),
        np.full(n, -np.inf),
        scores,
        np.zeros(n, np.int64),
        np.arange(n),
        references=1,
        subjects=1,
    )
    points = (MeasuredPoint(0.5, 1000, 0.09, 0.11, 0),)
    table = OperatingTable("made up", "2026-01-01", "none", mated=10, nonmated=10_000, subjects=100, points=points)
    row = promise_row(searches, table, 0.1, 1)
    assert row.verdict == "above"  # half of them match
    assert row.fpir is not None
    assert row.fpir.rate.errors == 500
    assert promise_row(searches, table, 1e-6, 1).point is None
