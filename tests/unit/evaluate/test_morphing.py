"""Rates of matchers and detectors before morphs, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.metrics.morphing import Detection, attack_potential, vulnerability
from mien.evaluate.rates import Rate

NO = float("nan")


def people(*scores: list[float]) -> list[np.ndarray]:
    return [np.array(own) for own in scores]


# Four morphs of two people, two attempts each, at a threshold of 0.5:
MORPHS = [
    people([0.6, 0.7], [0.5, 0.9]),  # all four succeed
    people([0.6, 0.4], [0.9, 0.1]),  # one each
    people([0.6, 0.7], [0.4, 0.1]),  # the second never
    people([NO, 0.7], [0.8, 0.9]),  # one failed to acquire
]


def test_mmpmr_counts_morphs_that_always_pass_for_both() -> None:
    assert vulnerability(MORPHS, 0.5, Rate(1, 10)).every == Rate(1, 4)


def test_minmax_mmpmr_counts_morphs_that_pass_once_for_both() -> None:
    assert vulnerability(MORPHS, 0.5, Rate(1, 10)).any_each == Rate(3, 4)


def test_prodavg_mmpmr_multiplies_the_shares_of_the_people() -> None:
    # 1*1, 1/2*1/2, 1*0, 1/2*1
    assert vulnerability(MORPHS, 0.5, Rate(1, 10)).product == pytest.approx((1 + 0.25 + 0 + 0.5) / 4)


def test_riapar_adds_the_share_of_people_refused() -> None:
    found = vulnerability(MORPHS, 0.5, Rate(1, 10))
    assert found.accepted == Rate(4 + 2 + 2 + 3, 16)
    assert found.riapar == pytest.approx(11 / 16 + 0.1)
    assert found.rmmr == pytest.approx(1 / 4 + 0.1)


def test_one_attempt_each_makes_all_three_mmpmr_the_same() -> None:
    morphs = [people([0.6], [0.7]), people([0.6], [0.2]), people([0.1], [0.2])]
    found = vulnerability(morphs, 0.5, Rate(0, 1))
    assert found.every == found.any_each == Rate(1, 3)
    assert found.product == pytest.approx(1 / 3)


def test_a_score_at_the_threshold_passes() -> None:
    assert vulnerability([people([0.5], [0.5])], 0.5, Rate(0, 1)).every == Rate(1, 1)


def test_a_person_without_an_attempt_is_refused() -> None:
    with pytest.raises(ValueError, match="needs an attempt"):
        vulnerability([people([0.6], [])], 0.5, Rate(0, 1))


def test_without_morphs_nothing_is_defined() -> None:
    found = vulnerability([], 0.5, Rate(0, 1))
    assert found.every.value is None
    assert found.product is None
    assert found.riapar is None


def test_attack_potential_counts_attempts_and_systems() -> None:
    other = [people([0.9, 0.1], [0.9, 0.1]), *[people([0.1, 0.1], [0.1, 0.1])] * 2, people([0.9, 0.9], [0.9, 0.9])]
    found = attack_potential([MORPHS, other], [0.5, 0.5])
    # attempts that both people passed: 2 1 0 1 in the first system, 1 0 0 2 in the second
    assert found == [[Rate(3, 4), Rate(2, 4)], [Rate(2, 4), Rate(0, 4)]]


def test_detector_rates_count_what_lies_on_the_wrong_side() -> None:
    detection = Detection(np.array([0.1, 0.6, 0.8, 0.9]), np.array([0.0, 0.2, 0.6, 0.7, 0.3]))
    assert detection.macer(0.6) == Rate(1, 4)
    assert detection.bscer(0.6) == Rate(2, 5)


def test_bscer_at_a_macer_uses_the_highest_threshold_that_misses_no_more() -> None:
    detection = Detection(np.array([0.1, 0.6, 0.8, 0.9]), np.array([0.0, 0.2, 0.65, 0.7, 0.3]))
    assert detection.bscer_at(0.25) == Rate(2, 5)  # threshold 0.6
    assert detection.bscer_at(0.0) == Rate(4, 5)  # threshold 0.1


def test_equal_error_of_parted_scores_is_nought_and_of_equal_ones_a_half() -> None:
    assert Detection(np.array([2.0, 3.0]), np.array([0.0, 1.0])).equal_error() == 0
    assert Detection(np.array([0.0, 1.0]), np.array([0.0, 1.0])).equal_error() == pytest.approx(0.5)
    assert Detection(np.empty(0), np.array([0.0])).equal_error() is None
