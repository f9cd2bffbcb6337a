"""Log-likelihood ratios, against scikit-learn, closed forms and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from mien.errors import UsageError
from mien.evaluate.metrics.calibration import Isotonic, Platt, cllr, cross_validate, min_cllr, parts_of

RANDOM = np.random.default_rng(3)
MATED, NONMATED = RANDOM.normal(0.6, 0.15, 400), RANDOM.normal(0.1, 0.1, 6000)
SCORES = arrays(np.float64, st.integers(10, 40), elements=st.floats(-1, 1, width=16))


def test_knowing_nothing_costs_one_bit():
    assert cllr(np.zeros(5), np.zeros(9)) == pytest.approx(1.0)


def test_the_cost_of_two_ratios_by_hand():
    # LR 3 for the mated, 1/7 for the non-mated: (log2(4/3) + log2(8/7)) / 2
    expected = (np.log2(4 / 3) + np.log2(8 / 7)) / 2
    assert cllr(np.log([3.0]), np.log([1 / 7])) == pytest.approx(expected)


def test_platt_is_scikit_learns_logistic_regression_with_platts_targets_and_balanced_weights():
    m, n = len(MATED), len(NONMATED)
    x = np.concatenate([MATED, NONMATED])
    target = np.concatenate([np.full(m, (m + 1) / (m + 2)), np.full(n, 1 / (n + 2))])
    weight = np.concatenate([np.full(m, 0.5 / m), np.full(n, 0.5 / n)]) * (m + n)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        np.concatenate([x, x])[:, None],
        np.repeat([1, 0], m + n),
        sample_weight=np.concatenate([weight * target, weight * (1 - target)]),
    )
    found = Platt.fit(MATED, NONMATED)
    assert (found.slope, found.offset) == pytest.approx((oracle.coef_[0, 0], oracle.intercept_[0]), rel=1e-3)


def test_platt_of_separable_scores_is_finite():
    found = Platt.fit(np.linspace(0.6, 0.9, 20), np.linspace(0.0, 0.3, 50))
    assert np.isfinite([found.slope, found.offset]).all()
    assert found.slope > 0


def test_isotonic_is_scikit_learns_pool_adjacent_violators():
    m, n = len(MATED), len(NONMATED)
    x = np.concatenate([MATED, NONMATED, [-9, -9, 9, 9]])
    y = np.concatenate([np.ones(m), np.zeros(n), [1, 0, 1, 0]])
    oracle = IsotonicRegression().fit(x, y, sample_weight=np.where(y == 1, 1 / (m + 2), 1 / (n + 2)))
    probes = np.concatenate([MATED[:50], NONMATED[:50]])
    share = oracle.predict(probes)
    assert Isotonic.fit(MATED, NONMATED)(probes) == pytest.approx(np.log(share / (1 - share)), abs=1e-6)


@given(SCORES, SCORES)
@settings(max_examples=60, deadline=None)
def test_no_monotone_map_beats_the_least_cost(mated, nonmated):
    least = min_cllr(mated, nonmated)
    assert 0 <= least <= 1 + 1e-12
    for slope in (0.0, 0.3, 1.0, 5.0):
        for offset in (-1.0, 0.0, 1.0):
            assert least <= cllr(slope * mated + offset, slope * nonmated + offset) + 1e-9


@given(SCORES, SCORES)
@settings(max_examples=60, deadline=None)
def test_the_least_cost_depends_on_the_order_alone(mated, nonmated):
    assert min_cllr(np.exp(3 * mated), np.exp(3 * nonmated)) == pytest.approx(min_cllr(mated, nonmated), abs=1e-9)


def test_calibrating_brings_the_cost_near_the_least():
    people = np.repeat(np.arange(60), 2)
    centres = RANDOM.normal(size=(60, 16))
    rows = centres[people] + 0.5 * RANDOM.normal(size=(120, 16))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    i, j = np.triu_indices(120, 1)
    part = parts_of(people)
    found = cross_validate((rows @ rows.T)[i, j], people[i] == people[j], part[i], part[j])
    assert found.least <= found.platt < found.before
    assert found.mated == 60


def test_parts_keep_people_whole():
    people = RANDOM.integers(0, 30, 200)
    part = parts_of(people)
    assert all(len(np.unique(part[people == person])) == 1 for person in np.unique(people))
    assert set(part) == set(range(5))


def test_too_few_comparisons_are_refused():
    with pytest.raises(UsageError, match="needs 10 mated and 10 non-mated comparisons, got 9 and 6000"):
        Platt.fit(MATED[:9], NONMATED)
    with pytest.raises(UsageError, match="mated and non-mated"):
        cllr(MATED, NONMATED[:0])
