from __future__ import annotations

from math import exp, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.quality.components import components
from mien.quality.conversion import Sigmoid, bounded, falling

FIGURES = [
    ("inter_eye_distance", 70.0, 50),
    ("inter_eye_distance", 90.0, 73),  # 100 / (1 + exp(-1))
    ("inter_eye_distance", 30.0, 12),  # 100 / (1 + exp(2))
    ("head_size", 0.45, 100),
    ("head_size", 0.50, 54),  # 200 (1 - 1 / (1 + exp(-1)))
    ("head_size", 0.40, 54),
    ("leftward_crop", 0.9, 50),
    ("rightward_crop", 1.1, 88),
    ("margin_above", 1.4, 50),
    ("margin_below", 1.6, 12),
    ("eyes_open", 0.02, 50),
    ("eyes_open", 0.04, 88),
    ("mouth_closed", 0.2, 50),
    ("mouth_closed", 0.08, 88),
    ("natural_colour", 0.0, 100),
    ("natural_colour", 10.0, 54),
    ("under_exposure_prevention", 0.92, 40),  # 120 (0.832 - 0.5) = 39.84
    ("under_exposure_prevention", 0.0, 100),  # 99.84
    ("under_exposure_prevention", 1.0, 0),
    ("over_exposure_prevention", 0.0, 100),
    ("over_exposure_prevention", 0.04, 20),
    ("dynamic_range", 8.0, 100),
    ("dynamic_range", 6.52, 82),  # 81.5, away from zero
    ("luminance_mean", 0.2, 50),
    ("luminance_mean", 0.5, 100),
    ("luminance_variance", 1 / 60, 100),
    ("luminance_variance", 0.05, 71),  # sin(3/4 pi)
    ("illumination_uniformity", 1.0, 100),
    ("illumination_uniformity", 0.1, 50),
    ("illumination_uniformity", 0.0, 0),
    ("single_face_present", 0.25, 75),
]
"""Component, native value, and what the published formula gives for it, by hand."""


@pytest.mark.parametrize(("name", "native", "quality"), FIGURES)
def test_quality_values_are_those_of_the_published_formulas(name: str, native: float, quality: float) -> None:
    assert components[name].convert(native) == quality


def test_a_sigmoid_is_its_formula() -> None:
    assert Sigmoid(4.0, 0.7)(4.7) == round(100 / (1 + exp(-1)))
    assert falling(4.0, 0.7)(4.7) == round(100 - 100 / (1 + exp(-1)))


@given(st.floats(allow_nan=False))
def test_a_quality_is_whole_and_within_bounds_for_any_native_value(native: float) -> None:
    value = Sigmoid(1.0, 0.1)(native)
    assert 0 <= value <= 100
    assert value == int(value)


def test_halves_are_rounded_away_from_zero_and_what_is_not_known_stays_so() -> None:
    assert [bounded(v) for v in (0.5, 1.5, 2.5, -3.0, 101.0)] == [1, 2, 3, 0, 100]
    assert isnan(bounded(nan))
    assert isnan(Sigmoid(0.0, 1.0)(nan))
