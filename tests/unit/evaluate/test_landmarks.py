"""Normalised errors of points, by hand and by brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.evaluate.landmarks import nearest
from mien.evaluate.metrics.landmarks import Normalised, area, failure, lengths, normalised_errors
from mien.types.faces import Faces

# eyes 40 apart, box of the points 40 x 90
TRUTH = np.array([[[10, 10], [50, 10], [30, 40], [15, 100], [45, 100]]], float)


def test_lengths_by_hand() -> None:
    assert lengths(TRUTH, "interocular").tolist() == [40]
    assert lengths(TRUTH, "box") == pytest.approx([60])


def test_an_unknown_length_is_refused() -> None:
    with pytest.raises(ValueError, match="interocular, box, not 'pupils'"):
        lengths(TRUTH, "pupils")


def test_one_point_off_by_ten_of_five_is_two_pixels_in_the_mean() -> None:
    found = TRUTH.copy()
    found[0, 2] += [6, 8]
    assert normalised_errors(found, TRUTH, "interocular") == pytest.approx([2 / 40])
    assert normalised_errors(found, TRUTH, "box") == pytest.approx([2 / 60])


def test_a_missed_face_and_a_face_without_length_are_infinitely_wrong() -> None:
    flat = TRUTH.copy()
    flat[0, 1] = flat[0, 0]
    truth = np.concatenate([TRUTH, flat])
    found = np.concatenate([np.full((1, 5, 2), np.nan), flat])
    assert normalised_errors(found, truth, "interocular").tolist() == [np.inf, np.inf]


def test_failures_count_missed_faces_and_not_the_limit_itself() -> None:
    rate = failure(np.array([0.01, 0.1, 0.11, np.inf]), 0.1)
    assert (rate.errors, rate.trials) == (2, 4)


def test_area_by_hand() -> None:
    # errors 0 and 0.05 of three faces, one missed: (1 + 0.5 + 0) / 3
    assert area(np.array([0, 0.05, np.inf]), 0.1) == pytest.approx(0.5)
    assert area(np.array([]), 0.1) is None


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=30))
def test_area_is_the_integral_of_the_cumulative_curve(errors: list[float]) -> None:
    grid = (np.arange(20_000) + 0.5) / 20_000 * 0.1
    curve = (np.array(errors)[None] <= grid[:, None]).mean(axis=1)
    assert area(np.array(errors), 0.1) == pytest.approx(curve.mean(), abs=1e-4)


def test_means_are_of_the_faces_found_and_rates_of_all() -> None:
    answer = Normalised("box", np.array([0.02, 0.04, np.inf])).to_dict()
    assert answer["mean"]["value"] == pytest.approx(0.03)
    assert answer["median"] == pytest.approx(0.03)
    assert [(rate["errors"], rate["trials"]) for rate in answer["failure"]] == [(1, 3), (1, 3)]


def test_nothing_found_leaves_means_undefined() -> None:
    answer = Normalised("box", np.array([np.inf])).to_dict()
    assert answer["mean"] == {"value": None, "low": None, "high": None}
    assert answer["median"] is None
    assert answer["auc"][0]["value"] == 0


def faces(*boxes: list[float]) -> Faces:
    table = np.array(boxes, np.float32).reshape(-1, 4)
    points = np.repeat(table[:, None, :2], 5, axis=1)
    return Faces(table, np.ones(len(table), np.float32), points, (100, 100))


def test_the_find_around_the_marked_points_is_meant() -> None:
    found = faces([60, 0, 99, 40], [0, 0, 99, 99], [5, 5, 55, 100])
    # the centre of the marks is (30, 52): boxes 2 and 3 hold it, the centre of box 3 is nearer
    assert nearest(found, TRUTH[0]).tolist() == [[5, 5]] * 5


def test_a_find_elsewhere_is_a_miss() -> None:
    assert np.isnan(nearest(faces([60, 0, 99, 40]), TRUTH[0])).all()
    assert np.isnan(nearest(faces(), TRUTH[0])).all()
