from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.metrics.presentation import bpcer_at, equal_error_threshold, errors_at
from mien.evaluate.rates import clopper_pearson

LIVE = np.array([0.9, 0.8, 0.7, 0.6, 0.2])
ATTACKS = {
    "print": np.array([0.1, 0.15, 0.3, 0.65]),
    "replay": np.array([0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.75]),
}


def test_rates_by_hand() -> None:
    errors = errors_at(0.5, LIVE, ATTACKS)
    assert (errors.apcer["print"].errors, errors.apcer["print"].trials) == (1, 4)
    assert (errors.apcer["replay"].errors, errors.apcer["replay"].trials) == (1, 10)
    assert (errors.bpcer.errors, errors.bpcer.trials) == (1, 5)
    assert errors.worst == "print"
    assert errors.acer == pytest.approx((0.25 + 0.2) / 2)
    assert (errors.bpcer.low, errors.bpcer.high) == clopper_pearson(1, 5)


def test_a_score_at_the_threshold_is_accepted() -> None:
    errors = errors_at(0.65, np.array([0.65]), {"print": np.array([0.65])})
    assert errors.bpcer.errors == 0
    assert errors.apcer["print"].errors == 1


def test_acer_is_undefined_without_attacks() -> None:
    assert errors_at(0.5, LIVE, {}).acer is None


def test_the_equal_error_threshold_lies_where_the_rates_meet() -> None:
    # Between 0.3 and 0.6 one of five is refused, one of four prints accepted: 0.05 apart, nearer than anywhere else.
    threshold = equal_error_threshold(LIVE, ATTACKS)
    assert 0.3 < threshold < 0.6
    assert errors_at(threshold, LIVE, ATTACKS).acer == pytest.approx(0.225)


def test_scores_that_part_make_no_error() -> None:
    threshold = equal_error_threshold(np.array([0.8, 0.9]), {"print": np.array([0.1, 0.2])})
    assert threshold == pytest.approx(0.5)


def test_bpcer_at_an_apcer_counts_the_worst_species() -> None:
    # At most 10 %: no print may pass, so the threshold lies above 0.65; of the replays one may.
    assert bpcer_at(0.1, LIVE, ATTACKS).errors == 2
    assert bpcer_at(0.1, LIVE, {"replay": ATTACKS["replay"]}).errors == 0
    # At most 25 %: one print may pass; above 0.3.
    assert bpcer_at(0.25, LIVE, ATTACKS).errors == 1
    # At most 1 %: nothing may pass; above 0.75.
    assert bpcer_at(0.01, LIVE, ATTACKS).errors == 3


def test_both_sides_are_needed() -> None:
    with pytest.raises(ValueError, match="both needed"):
        equal_error_threshold(LIVE, {"print": np.empty(0)})
