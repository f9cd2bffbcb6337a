"""Error versus discard."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.metrics.edc import Edc, Order, discards, edc, pair_quality
from mien.evaluate.metrics.resampling import SubjectBootstrap, draw_people, people_of, weigh
from mien.evaluate.metrics.verification import Curve, threshold_at
from mien.evaluate.scores import Scores

MISSED = np.array([False, False, True, False, True])
"""Two of five mated comparisons miss."""


def rates(quality: list[float], shares: tuple[float, ...] = (0, 0.2, 0.4, 0.6)) -> list[float]:
    curve = Order(quality).curve(MISSED)
    return [round(curve.at(share), 6) for share in shares]


def test_the_poorest_go_first() -> None:
    assert rates([5, 4, 1, 3, 2]) == [0.4, 0.25, 0.0, 0.0]
    assert rates([1, 2, 5, 3, 4]) == [0.4, 0.5, round(2 / 3, 6), 1.0]


def test_between_two_levels_the_rate_of_the_last_one_holds() -> None:
    assert rates([5, 4, 1, 3, 2], (0.19, 0.2, 0.39)) == [0.4, 0.25, 0.25]


def test_comparisons_of_equal_quality_go_together() -> None:
    assert rates([9, 9, 1, 1, 9]) == [0.4, 0.4, round(1 / 3, 6), round(1 / 3, 6)]
    assert rates([1, 1, 1, 1, 1]) == [0.4, 0.4, 0.4, 0.4]


def test_no_quality_goes_first() -> None:
    assert rates([5, 4, np.nan, 3, 2], (0.2,)) == [0.25]
    assert rates([5, 4, -np.inf, 3, np.nan], (0.2, 0.4)) == [0.4, 0.0]


def test_a_count_of_what_is_left_stands_beside_the_rate() -> None:
    left = Order([9, 9, 1, 1, 9]).left(MISSED, 0.4)
    assert (left.errors, left.trials) == (1, 3)
    left = Order([9, 9, 1, 1, 9]).left(MISSED, 0.2)
    assert (left.errors, left.trials) == (2, 5)


def test_the_area_is_that_of_the_steps() -> None:
    curve = Edc(np.array([0.0, 0.2, 0.4]), np.array([0.4, 0.25, 0.0]))
    assert curve.area(0.3) == pytest.approx((0.2 * 0.4 + 0.1 * 0.25) / 0.3)
    assert curve.area(0.1) == pytest.approx(0.4)
    assert (curve.random, curve.area(0.8)) == (0.4, pytest.approx((0.08 + 0.05) / 0.8))


def brute(quality: NDArray[np.float64], missed: NDArray[np.bool_], times: NDArray[np.int64], share: float) -> float:
    """Every threshold on quality tried; comparisons written out as often as they count."""
    quality, missed = np.repeat(quality, times), np.repeat(missed, times)
    best = (-1.0, 0.0)
    for level in [-np.inf, *np.unique(quality)]:
        kept = quality >= level
        gone = 1 - kept.mean()
        if gone <= share + 1e-9 and kept.any():
            best = max(best, (gone, float(missed[kept].mean())))
    return best[1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30), st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.7]))
def test_weighted_curves_are_those_of_comparisons_written_out(seed: int, count: int, share: float) -> None:
    random = np.random.default_rng(seed)
    quality = random.integers(0, 6, count).astype(np.float64)
    missed, times = random.random(count) < 0.4, random.integers(0, 4, count)
    times[0] = 1
    curve = Order(quality).curve(missed, times.astype(np.float64))
    assert curve.at(share) == pytest.approx(brute(quality, missed, times, share))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_only_the_order_of_quality_counts(seed: int) -> None:
    random = np.random.default_rng(seed)
    quality, missed = random.normal(size=20), random.random(20) < 0.3
    plain, bent = Order(quality).curve(missed), Order(np.exp(3 * quality)).curve(missed)
    assert np.array_equal(plain.fnmr, bent.fnmr)


def toy() -> tuple[Scores, NDArray[np.float64]]:
    """Thirty people with four photographs each; one in seven photographs is poor and matches badly."""
    random = np.random.default_rng(5)
    people = np.repeat(np.arange(30), 4)
    poor = random.random(120) < 0.15
    a, b = np.triu_indices(120, 1)
    mated = people[a] == people[b]
    score = np.where(mated, 0.7, 0.0) - 0.5 * (mated & (poor[a] | poor[b])) + random.normal(0, 0.12, len(a))
    names = tuple(map(str, range(120)))
    scores = Scores("toy", score, mated, np.zeros(len(a), np.bool_), a=a, b=b, samples=names, subjects=people)
    return scores, np.where(poor, 0.0, 1.0) + random.normal(0, 0.01, 120)


def test_a_quality_that_knows_does_better_than_random_and_no_better_than_the_oracle() -> None:
    scores, quality = toy()
    lot = np.random.default_rng(0).random(120)
    found = discards(scores, {"known": quality, "lot": lot, "wrong": -quality}, fmr=1e-2)
    known, by_lot, wrong = (found.worths[name] for name in ("known", "lot", "wrong"))
    assert known.left[2].gain.low > 0 > wrong.left[2].gain.high
    assert by_lot.gain.low < 0 < by_lot.gain.high
    assert found.oracle_area <= known.area.value < found.misses.errors / found.misses.trials
    assert wrong.reached is not None
    assert known.reached is not None
    assert wrong.reached.value < 0 < known.reached.value < 1


def test_the_threshold_is_that_of_all_comparisons() -> None:
    scores, quality = toy()
    found = discards(scores, {"known": quality}, fmr=1e-2)
    assert found.threshold == threshold_at(Curve.of(scores), 1e-2)
    assert found.matches.errors == int((scores.score[~scores.mated] >= found.threshold).sum()) <= 0.01 * 6960
    mated = np.flatnonzero(scores.mated)
    assert scores.a is not None
    assert scores.b is not None
    lower = np.minimum(quality[scores.a], quality[scores.b])[mated]
    kept = lower >= np.sort(lower)[len(mated) // 10]
    row = found.worths["known"].left[2]
    assert (row.misses.trials, row.misses.errors) == (
        int(kept.sum()),
        int((scores.score[mated][kept] < found.threshold).sum()),
    )


def test_intervals_are_those_of_people_drawn_again_by_hand() -> None:
    scores, quality = toy()
    found = discards(scores, {"known": quality}, fmr=1e-2).worths["known"].left[2]
    first, second, people = people_of(scores)
    resamples = SubjectBootstrap(scores).resamples
    lower = pair_quality(scores, quality)
    values, gains = [], []
    for times in draw_people(people, resamples)[:]:
        weights = weigh(first, second, times).astype(int)
        rows = np.repeat(np.arange(len(scores)), weights)
        drawn = Scores("r", scores.score[rows], scores.mated[rows], scores.failed[rows])
        missed = scores.score < threshold_at(Curve.of(drawn), 1e-2)
        mated = scores.mated
        at = brute(lower[mated], missed[mated], weights[mated], 0.1)
        values.append(at)
        gains.append(float(np.average(missed[mated], weights=weights[mated])) - at)
        if len(values) == 60:
            break
    whole = found.fnmr, found.gain
    for interval, some in zip(whole, (values, gains), strict=True):
        inside = [interval.low <= value <= interval.high for value in some]
        assert 0.85 <= np.mean(inside) <= 1


def test_a_failure_has_nothing_to_rate_and_is_counted_apart() -> None:
    scores, _ = toy()
    failed = np.zeros(len(scores), np.bool_)
    failed[np.flatnonzero(scores.mated)[:9]] = True
    broken = Scores(
        "toy", np.where(failed, -np.inf, scores.score), scores.mated, failed, a=scores.a, b=scores.b,
        samples=scores.samples, subjects=scores.subjects,
    )  # fmt: skip
    found = discards(broken, {"constant": np.ones(120)}, fmr=1e-2)
    assert found.failures == 9
    assert found.misses.trials == 180 - 9
    row = found.worths["constant"].left[1]
    assert (row.discarded, row.misses) == (0, found.misses)


def test_where_nothing_misses_no_share_of_the_oracle_is_told() -> None:
    scores, quality = toy()
    easy = Scores(
        "easy", np.where(scores.mated, 1.0, 0.0), scores.mated, scores.failed, a=scores.a, b=scores.b,
        samples=scores.samples, subjects=scores.subjects,
    )  # fmt: skip
    worth = discards(easy, {"known": quality}, fmr=1e-2).worths["known"]
    assert worth.reached is None
    assert (worth.area.value, worth.gain.low, worth.gain.high) == (0, 0, 0)


def test_the_curve_of_one_quality_is_that_of_several() -> None:
    scores, quality = toy()
    one = edc(scores, pair_quality(scores, quality), fmr=1e-2)
    many = discards(scores, {"known": quality}, fmr=1e-2).worths["known"].curve
    assert np.array_equal(one.fnmr, many.fnmr)
    assert np.array_equal(one.shares, many.shares)


def test_what_cannot_be_measured_is_refused() -> None:
    scores, quality = toy()
    with pytest.raises(UsageError, match="need as many qualities"):
        edc(scores, quality, fmr=1e-2)
    with pytest.raises(ValueError, match="one quality for each of 120 samples"):
        pair_quality(scores, quality[:3])
    others = np.flatnonzero(~scores.mated)
    assert scores.a is not None
    assert scores.b is not None
    none = Scores(
        "none", scores.score[others], scores.mated[others], scores.failed[others], a=scores.a[others],
        b=scores.b[others], samples=scores.samples, subjects=scores.subjects,
    )  # fmt: skip
    with pytest.raises(UsageError, match="nothing to discard"):
        discards(none, {"known": quality}, fmr=1e-2)
