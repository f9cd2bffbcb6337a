"""Error versus discard."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import UsageError
from mien.evaluate.metrics.discard import discard_curve
from mien.evaluate.scores import Scores

MATED = [0.9, 0.8, 0.1, 0.7, 0.2]
"""Two of five miss beside non-mated scores of at most 0.5."""


def scores(failed: int | None = None) -> Scores:
    score = np.array([*MATED, 0.5, 0.3, 0.0, 0.1])
    lost = np.zeros(9, np.bool_)
    if failed is not None:
        lost[failed], score[failed] = True, -np.inf
    return Scores(name="x", score=score, mated=np.arange(9) < 5, failed=lost)


def rates(quality: list[float], failed: int | None = None) -> list[float]:
    curve = discard_curve(scores(failed), quality + [0.0] * 4, shares=[0, 0.2, 0.4, 0.6])
    return [round(float(value), 6) for value in curve.fnmr]


def test_the_poorest_go_first() -> None:
    assert rates([5, 4, 1, 3, 2]) == [0.4, 0.25, 0.0, 0.0]
    assert rates([1, 2, 5, 3, 4]) == [0.4, 0.5, round(2 / 3, 6), 1.0]


def test_quality_that_says_nothing_leaves_the_error_as_it_is() -> None:
    assert rates([1, 1, 1, 1, 1]) == [0.4, 0.4, 0.4, 0.4]


def test_a_failure_is_a_miss_until_it_is_left_out() -> None:
    assert rates([0, 4, 1, 3, 2], failed=0) == [0.6, 0.5, round(1 / 3, 6), 0.0]


def test_half_a_comparison_goes_in_part() -> None:
    curve = discard_curve(scores(), [5, 4, 1, 3, 2] + [0.0] * 4, shares=[0, 0.1])
    assert curve.fnmr[1] == pytest.approx((2 - 0.5) / 4.5)
    assert (curve.random, curve.area) == (0.4, pytest.approx((0.4 + 1.5 / 4.5) / 2))


def test_every_comparison_has_a_quality() -> None:
    with pytest.raises(UsageError, match="need as many qualities"):
        discard_curve(scores(), [1.0])
