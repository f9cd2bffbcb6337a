from __future__ import annotations

import numpy as np
import pytest

from mien.geometry.poincare import added, clipped, distance, exponential, logits


def test_the_exponential_map_by_hand() -> None:
    assert exponential(np.array([[1.0, 0.0]]), 1.0)[0] == pytest.approx([np.tanh(1), 0])
    # c = 1/4: √c |v| = 1, so that the point is tanh(1) of the radius 2.
    assert exponential(np.array([[0.0, 2.0]]), 0.25)[0] == pytest.approx([0, 2 * np.tanh(1)])
    assert exponential(np.zeros((1, 3)), 0.1)[0].tolist() == [0, 0, 0]


def test_the_exponential_map_never_leaves_the_ball() -> None:
    far = exponential(np.array([[1e6, -1e6]]), 0.1)
    assert np.linalg.norm(far) < 1 / np.sqrt(0.1)
    assert np.isfinite(distance(far, -far, 0.1)).all()


def test_distances_by_hand() -> None:
    origin, half = np.zeros(2), np.array([0.5, 0.0])
    assert distance(origin, half, 1.0) == pytest.approx(np.log(3))  # 2 artanh(1/2)
    assert distance(-half, half, 1.0) == pytest.approx(2 * np.log(3))  # they add on a line through the origin
    assert distance(half, half, 1.0) == pytest.approx(0, abs=1e-9)


def test_the_distance_is_that_of_the_upper_formula_of_the_ball() -> None:
    x, y = np.array([0.3, -0.4]), np.array([-0.1, 0.6])
    gap = 2 * ((x - y) ** 2).sum() / ((1 - (x**2).sum()) * (1 - (y**2).sum()))
    assert distance(x, y, 1.0) == pytest.approx(np.arccosh(1 + gap))


def test_without_curvature_the_ball_is_flat() -> None:
    x, y = np.array([0.3, -0.4]), np.array([-0.1, 0.6])
    assert added(x, y, 1e-12) == pytest.approx(x + y)
    assert distance(x, y, 1e-10) == pytest.approx(2 * np.linalg.norm(x - y), rel=1e-6)
    assert exponential(x, 1e-10) == pytest.approx(x)


def test_the_length_of_an_exponential_is_its_distance_from_the_origin_halved() -> None:
    v = np.array([0.7, -1.1, 0.4])
    assert distance(np.zeros(3), exponential(v, 0.1), 0.1) == pytest.approx(2 * np.linalg.norm(v))


def test_logits_by_hand() -> None:
    places, normals = np.zeros((2, 2)), np.array([[1.0, 0.0], [0.0, 3.0]])
    given = logits(np.array([[0.5, 0.0]]), places, normals, 1.0)
    assert given[0] == pytest.approx([2 * np.log(3), 0])  # 2 arsinh(2 * 0.5 / 0.75) = 2 arsinh(4/3)


def test_a_logit_is_zero_on_its_gyroplane_and_changes_sign_across_it() -> None:
    place, normal = np.array([[0.2, 0.1]]), np.array([[1.0, -2.0]])
    along, across = np.array([[0.2, 0.1]]), np.array([[0.1, -0.2]])
    assert logits(added(place, along, 1.0), place, normal, 1.0) == pytest.approx(0)
    up, down = (logits(added(place, s * across, 1.0), place, normal, 1.0) for s in (1, -1))
    assert up > 0 > down
    assert up == pytest.approx(-down)


def test_clipping_shortens_what_is_longer_only() -> None:
    rows = clipped(np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]]), 2.0)
    assert rows == pytest.approx(np.array([[1.2, 1.6], [0.3, 0.4], [0, 0]]))
