from __future__ import annotations

from math import exp, isnan, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.models import find_card
from mien.quality import assess, components

WEIGHTS = {"sharpness": 1.0, "head_pose_yaw": 0.5, "eyes_visible": 0.25}
GOOD = dict.fromkeys(WEIGHTS, 100.0)


def test_the_score_is_the_exponential_of_the_weighted_lacks() -> None:
    found = assess({"sharpness": 50, "head_pose_yaw": 80, "eyes_visible": 100}, WEIGHTS)
    assert found.score == round(100 * exp(-(0.5 + 0.1)))
    assert found.costs == pytest.approx({"sharpness": 45 * 5 / 6, "head_pose_yaw": 45 / 6, "eyes_visible": 0})


def test_a_faultless_face_has_100_and_no_advice() -> None:
    found = assess(GOOD, WEIGHTS)
    assert (found.score, found.advice) == (100, ())


def test_advice_names_what_costs_most_first() -> None:
    found = assess({"sharpness": 60, "head_pose_yaw": 0, "eyes_visible": 90}, WEIGHTS)
    assert found.advice == (components["head_pose_yaw"].advice, components["sharpness"].advice)


def test_a_small_face_is_to_come_closer_where_a_large_one_is_to_hold_still() -> None:
    small = assess({"sharpness": 10, "inter_eye_distance": 20}, WEIGHTS)
    large = assess({"sharpness": 10, "inter_eye_distance": 90}, WEIGHTS)
    assert small.advice == (components["inter_eye_distance"].advice,)
    assert large.advice == (components["sharpness"].advice,)
    assert small.score == large.score


def test_what_was_not_measured_is_left_out() -> None:
    assert assess({**GOOD, "sharpness": nan}, WEIGHTS).score == 100
    assert isnan(assess(dict.fromkeys(WEIGHTS, nan), WEIGHTS).score)
    assert isnan(assess({}, WEIGHTS).score)


@given(st.tuples(*[st.floats(0, 100)] * 3), st.sampled_from(sorted(WEIGHTS)), st.floats(0, 100))
def test_a_component_that_falls_never_raises_the_score(values: tuple[float, ...], name: str, loss: float) -> None:
    before = dict(zip(WEIGHTS, values, strict=True))
    after = {**before, name: max(0.0, before[name] - loss)}
    assert 0 <= assess(after, WEIGHTS).score <= assess(before, WEIGHTS).score <= 100


def test_the_card_weighs_known_components_and_none_by_what_a_person_looks_like() -> None:
    card = find_card("quality", "head")
    assert card.head is not None
    weights = card.head.parameters
    assert weights.keys() <= set(components)
    assert min(weights.values()) > 0
    # Mean luminance and colour of skin differ between people whose pictures are equally good.
    assert not weights.keys() & {"luminance_mean", "natural_colour"}
