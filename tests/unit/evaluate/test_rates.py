"""Rates carry their counts and an exact interval."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from mien.evaluate.rates import Rate, clopper_pearson, rule_of_three, supported


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 5000), st.data())
def test_the_interval_is_scipys_exact_one(trials: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, trials))
    expected = binomtest(errors, trials).proportion_ci(0.95, method="exact")
    assert clopper_pearson(errors, trials) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_rate_without_trials_is_undefined_and_not_zero() -> None:
    rate = Rate(0, 0)
    assert (rate.value, rate.low, rate.high) == (None, None, None)
    assert str(rate) == "undefined (no trials)"


def test_a_rate_prints_its_counts_and_interval() -> None:
    assert str(Rate(3, 2500)) == "0.0012 (3 of 2,500; 95 % 0.00025 to 0.0035)"


def test_more_errors_than_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="errors must lie in"):
        Rate(3, 2)


def test_none_in_n_bounds_the_rate_at_three_over_n() -> None:
    # the exact bound is 1 - 0.05 ** (1 / n), which 3 / n exceeds by less than 0.2 % at n = 3000
    assert rule_of_three(3000) == pytest.approx(1 - 0.05 ** (1 / 3000), rel=2e-3)
    assert supported(1e-3, 3000)
    assert not supported(1e-3, 2999)
