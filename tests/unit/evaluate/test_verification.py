"""1:1 figures against brute force, scikit-learn and hand-worked cases."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_curve

from mien.errors import UsageError
from mien.evaluate.metrics.accuracy import best_threshold, fold_accuracy
from mien.evaluate.metrics.resampling import SubjectBootstrap, draw_people
from mien.evaluate.metrics.verification import Curve, det_points, eer, threshold_at
from mien.evaluate.scores import Scores
from mien.evaluate.verification import measure


def scores_of(mated: list[float], nonmated: list[float], *, failed: tuple[int, int] = (0, 0)) -> Scores:
    """Scores of the two kinds, and so many failures of each."""
    lost = np.repeat(-np.inf, sum(failed))
    score = np.concatenate([mated, nonmated, lost]).astype(np.float64)
    kind = np.repeat([True, False, True, False], [len(mated), len(nonmated), *failed])
    return Scores("toy", score, kind, ~np.isfinite(score))


def drawn(seed: int, mated: int = 300, nonmated: int = 700) -> Scores:
    random = np.random.default_rng(seed)
    return scores_of(random.normal(1.5, 1, mated).tolist(), random.normal(0, 1, nonmated).tolist())


few = st.lists(st.integers(-8, 8).map(float), min_size=1, max_size=12)
lost = st.tuples(st.integers(0, 3), st.integers(0, 3))


@settings(deadline=None, max_examples=50)
@given(few, few, lost)
def test_rates_are_counts_over_all_comparisons(
    mated: list[float], nonmated: list[float], failed: tuple[int, int]
) -> None:
    curve = Curve.of(scores_of(mated, nonmated, failed=failed))
    for threshold in (-9.0, -0.5, 0.0, 3.0, 9.0):
        misses = sum(score < threshold for score in mated) + failed[0]
        assert curve.fnmr(threshold) == pytest.approx(misses / (len(mated) + failed[0]))
        assert curve.fmr(threshold) == pytest.approx(sum(s >= threshold for s in nonmated) / len(nonmated))


@pytest.mark.parametrize("seed", range(5))
def test_eer_is_that_of_scikit_learns_roc(seed: int) -> None:
    scores = drawn(seed)
    fmr, tar, _ = roc_curve(scores.mated, scores.score, drop_intermediate=False)
    expected = brentq(lambda rate: 1 - rate - interp1d(fmr, tar)(rate), 0, 1)
    assert eer(Curve.of(scores))[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("mated", "nonmated", "expected"),
    [
        ([2, 3], [0, 1], 0.0),
        ([0, 1], [2, 3], 1.0),
        ([1, 1], [1, 1], 0.5),  # one point of the curve, joined to both corners
        ([3, 2, 0], [1, -1, -2], 1 / 3),
    ],
)
def test_eer_of_hand_worked_cases(mated: list[float], nonmated: list[float], expected: float) -> None:
    assert eer(Curve.of(scores_of(mated, nonmated)))[0] == pytest.approx(expected)


@settings(deadline=None, max_examples=50)
@given(few, few, lost, st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.99, 1.0]))
def test_no_threshold_has_more_matches_at_so_low_a_false_match_rate(
    mated: list[float], nonmated: list[float], failed: tuple[int, int], fmr: float
) -> None:
    curve = Curve.of(scores_of(mated, nonmated, failed=failed))
    found = threshold_at(curve, fmr)
    assert curve.fmr(found) <= fmr
    every = {*mated, *nonmated, max(*mated, *nonmated) + 1}
    assert curve.fnmr(found) == min(curve.fnmr(t) for t in every if curve.fmr(t) <= fmr)


@settings(deadline=None, max_examples=50)
@given(few, few, lost)
def test_a_monotone_transform_of_scores_changes_no_rank_figure(
    mated: list[float], nonmated: list[float], failed: tuple[int, int]
) -> None:
    plain = Curve.of(scores_of(mated, nonmated, failed=failed))
    bent = Curve.of(scores_of(np.exp(mated).tolist(), np.exp(nonmated).tolist(), failed=failed))
    assert eer(bent)[0] == pytest.approx(eer(plain)[0])
    for fmr in (0.01, 0.1, 0.5):
        assert bent.fnmr(threshold_at(bent, fmr)) == plain.fnmr(threshold_at(plain, fmr))
    assert np.array_equal(det_points(bent)[1:], det_points(plain)[1:])


@settings(deadline=None, max_examples=50)
@given(few, few, lost, lost)
def test_adding_failures_never_improves_a_rate(
    mated: list[float], nonmated: list[float], failed: tuple[int, int], more: tuple[int, int]
) -> None:
    before = Curve.of(scores_of(mated, nonmated, failed=failed))
    after = Curve.of(scores_of(mated, nonmated, failed=(failed[0] + more[0], failed[1] + more[1])))
    assert eer(after)[0] >= eer(before)[0] - 1e-12
    for fmr in (0.01, 0.1, 0.5):
        assert after.fnmr(threshold_at(after, fmr)) >= before.fnmr(threshold_at(before, fmr)) - 1e-12


def test_a_long_det_curve_is_thinned_to_points_that_lie_on_it() -> None:
    curve = Curve.of(drawn(1, 5000, 20_000))
    thresholds, fmr, fnmr = det_points(curve, 400)
    assert len(thresholds) < 500
    assert np.array_equal(fmr, curve.fmr(thresholds))
    assert np.array_equal(fnmr, curve.fnmr(thresholds))
    assert fmr[fmr > 0].min() == 1 / 20_000


def slow_fold_accuracy(score: NDArray[np.float64], mated: NDArray[np.bool_], fold: NDArray[np.int64]) -> list[float]:
    """Huang's protocol, every threshold tried on every fold."""
    accuracy = []
    for held in range(int(fold.max()) + 1):
        order = np.sort(score[fold != held])
        candidates = [order[0] - 1, *((order[1:] + order[:-1]) / 2), order[-1] + 1]
        right = [np.sum((score >= t) == mated, where=fold != held) for t in candidates]
        best = [t for t, hits in zip(candidates, right, strict=True) if hits == max(right)]
        accuracy.append(np.mean(((score >= best[len(best) // 2]) == mated)[fold == held]))
    return accuracy


def test_fold_accuracy_is_huangs_protocol() -> None:
    scores = drawn(3, 100, 100)
    fold = np.random.default_rng(0).permutation(np.arange(200) % 10)
    found = fold_accuracy(scores.score, scores.mated, scores.failed, fold)
    assert found.accuracy == pytest.approx(slow_fold_accuracy(scores.score, scores.mated, fold))
    assert found.mean == pytest.approx(np.mean(found.accuracy))
    assert found.std == pytest.approx(np.std(found.accuracy))
    assert [row["threshold"] for row in found.to_dict()["folds"]] == list(found.thresholds)


def test_a_failed_comparison_is_a_wrong_answer_of_either_kind() -> None:
    scores = scores_of([9, 9, 9], [0, 0, 0], failed=(1, 1))
    fold = np.array([0, 1, 1, 0, 1, 1, 0, 0])
    assert fold_accuracy(scores.score, scores.mated, scores.failed, fold).accuracy == (0.5, 1.0)


def test_accuracy_needs_two_folds() -> None:
    with pytest.raises(ValueError, match="two folds"):
        fold_accuracy(np.zeros(2), np.array([True, False]), np.zeros(2, bool), np.zeros(2, np.int64))


def test_of_equally_good_thresholds_the_middle_one_is_taken() -> None:
    assert best_threshold(np.array([4.0]), np.array([0.0])) == 2.0


def with_people(seed: int, people: int = 40) -> Scores:
    """All pairs of three pictures a person, people of different difficulty."""
    random = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people), 3)
    a, b = np.triu_indices(len(subjects), 1)
    mated = subjects[a] == subjects[b]
    hard = random.normal(0, 0.5, people)
    score = random.normal(0, 0.5, len(a)) + hard[subjects[a]] + hard[subjects[b]] + 2.5 * mated
    names = tuple(f"{i}.jpg" for i in range(len(subjects)))
    return Scores("toy", score, mated, np.zeros(len(a), bool), a=a, b=b, samples=names, subjects=subjects)


def test_resampled_curves_are_those_of_the_repeated_comparisons() -> None:
    scores = with_people(0, 12)
    bootstrap = SubjectBootstrap(scores, tail=1.0)
    curve = next(bootstrap.curves())
    times = draw_people(12, bootstrap.resamples)[0].astype(int)
    assert scores.people is not None
    first, second = scores.people
    repeats = np.where(first == second, times[first], times[first] * times[second])
    rows = np.repeat(np.arange(len(scores)), repeats)
    plain = Curve.of(Scores("", scores.score[rows], scores.mated[rows], scores.failed[rows]))
    assert eer(curve)[0] == pytest.approx(eer(plain)[0])
    assert curve.fnmr(threshold_at(curve, 0.01)) == pytest.approx(plain.fnmr(threshold_at(plain, 0.01)))


def test_keeping_only_the_highest_nonmated_scores_changes_no_interval() -> None:
    scores = with_people(1)
    rates = [[eer(curve)[0] for curve in SubjectBootstrap(scores, tail).curves()] for tail in (0.3, 1.0)]
    assert rates[0] == pytest.approx(rates[1])


def test_intervals_over_people_are_wider_than_those_that_take_pairs_for_independent() -> None:
    known = with_people(2)
    unknown = Scores(known.name, known.score, known.mated, known.failed)
    clustered, naive = measure(known), measure(unknown)
    assert "bootstrap over 40 people" in clustered.interval
    assert "Clopper-Pearson" in naive.interval
    assert clustered.eer.value == naive.eer.value
    assert clustered.eer.high - clustered.eer.low > 0
    wide, narrow = (m.tar[0].tar for m in (clustered, naive))
    assert wide is not None
    assert narrow is not None
    assert wide.low < narrow.low


def test_a_perfect_result_still_has_an_interval() -> None:
    scores = with_people(3)
    perfect = Scores(
        "toy",
        scores.score + 50 * scores.mated,
        scores.mated,
        scores.failed,
        None,
        scores.a,
        scores.b,
        scores.samples,
        scores.subjects,
    )
    found = measure(perfect)
    assert found.eer.value == 0
    assert found.eer.high > 0
    assert found.tar[0].tar is not None
    assert found.tar[0].tar.low < 1 == found.tar[0].tar.value


def test_rates_that_the_data_do_not_support_are_none_with_a_reason() -> None:
    facts = measure(drawn(0)).to_dict()
    supported = {row["fmr"]: row["value"] is not None for row in facts["tar"]}
    assert supported == {0.1: True, 0.01: True, 1e-3: False, 1e-4: False, 1e-5: False, 1e-6: False}
    assert "700 non-mated comparisons support no FMR below 0.004" in facts["tar"][2]["reason"]
    assert facts["accuracy"]["mean"] is None
    json.dumps(facts, allow_nan=False)


def test_scores_of_one_class_are_refused() -> None:
    with pytest.raises(UsageError, match="all comparisons of toy are mated"):
        measure(scores_of([1.0, 2.0], []))


def test_nonmated_comparisons_that_all_failed_are_refused() -> None:
    with pytest.raises(UsageError, match="no non-mated comparison of toy has a score"):
        measure(scores_of([1.0, 2.0], [], failed=(0, 2)))


def test_distances_given_as_scores_are_noticed() -> None:
    assert "minus sign" in measure(scores_of([0.1, 0.2], [0.8, 0.9])).warnings[0]


@settings(deadline=None, max_examples=25)
@given(few, few, lost)
def test_every_figure_is_json_whatever_the_scores(
    mated: list[float], nonmated: list[float], failed: tuple[int, int]
) -> None:
    json.dumps(measure(scores_of(mated, nonmated, failed=failed)).to_dict(), allow_nan=False)
