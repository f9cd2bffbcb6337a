"""CompreFace's similarity: 0.5 is the measured threshold, whatever that is."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.errors import UsageError
from mien.server.compat.compreface.likeness import half_up, similarity_of
from mien.types.score import OperatingPoint

POINT = OperatingPoint(0.4, 1e-4, 10, 100_000, 0.0, 2e-4, 5, 1000, "toys")
cosines = st.floats(-1, 1)
points = st.floats(0.05, 0.95).map(lambda threshold: replace(POINT, threshold=threshold))


@given(cosines, points)
def test_one_half_is_the_decision_also_after_rounding(score: float, point: OperatingPoint) -> None:
    found = similarity_of(score, point)
    assert (found >= 0.5) is (score >= point.threshold)
    assert 0 <= found <= 1
    assert found == round(found, 5)


@given(cosines, cosines, points)
def test_a_higher_score_is_never_less_similar(one: float, two: float, point: OperatingPoint) -> None:
    low, high = sorted((one, two))
    assert similarity_of(low, point) <= similarity_of(high, point)


@given(points)
def test_the_threshold_strangers_and_the_same_picture_have_fixed_places(point: OperatingPoint) -> None:
    assert similarity_of(point.threshold, point) == 0.5
    assert similarity_of(0.0, point) == 0.01
    assert similarity_of(np.nextafter(point.threshold, -1), point) == 0.49999


def test_it_is_compreface_map_with_measured_coefficients() -> None:
    c0 = math.sqrt(2 - 2 * 0.4)
    c1 = math.atanh(1 - 2 * 0.01) / (math.sqrt(2) - c0)
    for score in (-0.5, 0.1, 0.39, 0.41, 0.7, 0.95):
        expected = (math.tanh((c0 - math.sqrt(2 - 2 * score)) * c1) + 1) / 2
        assert similarity_of(score, POINT) == pytest.approx(expected, abs=5.1e-6)


def test_halves_are_rounded_up() -> None:
    assert half_up(0.000005) == 0.00001
    assert half_up(0.0000049) == 0.0
    assert half_up(0.99999) == 0.99999


def test_a_threshold_below_strangers_is_refused() -> None:
    with pytest.raises(UsageError, match="lower rate"):
        similarity_of(0.5, replace(POINT, threshold=-0.1))
