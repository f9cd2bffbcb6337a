from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.presentation.clip_cues import closings, depth, eyes, picture, surroundings
from mien.presentation.clip_look import motion


def solid(yaws: np.ndarray, flat: bool) -> np.ndarray:
    """(t, 68, 2) points of a face that turns: on a plane, or on a bowl."""
    draw = np.random.default_rng(0)
    shape = draw.uniform(-1, 1, (68, 3))
    shape[:, 2] = 0 if flat else 1 - shape[:, 0] ** 2 - shape[:, 1] ** 2
    shape[36:42, :2] = (-0.5, -0.3) + 0.05 * draw.normal(size=(6, 2))
    shape[42:48, :2] = (0.5, -0.3) + 0.05 * draw.normal(size=(6, 2))
    x = shape[:, 0] * np.cos(yaws)[:, None] + shape[:, 2] * np.sin(yaws)[:, None]
    return np.stack([x, np.broadcast_to(shape[:, 1], x.shape)], axis=2) * 100


def test_a_turning_plane_has_no_third_dimension_and_a_turning_bowl_has() -> None:
    yaws = np.radians(np.linspace(-15, 15, 20))
    plane, bowl = depth(solid(yaws, flat=True)), depth(solid(yaws, flat=False))
    assert plane["third rank"] == pytest.approx(np.log(1e-4))
    assert bowl["third rank"] > np.log(0.05)
    assert bowl["nose sideways"] > plane["nose sideways"] + 2


def test_surroundings_that_move_with_the_face_follow_wholly() -> None:
    face = np.random.default_rng(0).normal(size=(10, 2))
    flow = np.stack([face, face, np.zeros_like(face)], axis=1)
    given = surroundings(flow)
    assert given["ring follows"] == pytest.approx(1.0)
    assert given["ring apart"] == pytest.approx(np.log(1e-4))
    assert given["far follows"] == 0
    assert given["far apart"] == pytest.approx(0.0)


def test_what_could_not_be_seen_is_unknown() -> None:
    given = surroundings(np.full((10, 3, 2), np.nan))
    assert all(np.isnan(value) for value in given.values())


def test_blinks_are_counted_where_eyes_close() -> None:
    opened = np.array([1, 1, 0.1, 0.2, 0.9, 1, 0.0, 1])
    assert closings(opened) == 2
    given = eyes(opened, np.arange(8.0))
    assert given["blinks a minute"] == pytest.approx(60 * 2 / 7)
    assert given["closed share"] == 3 / 8


def test_probabilities_are_told_as_log_odds() -> None:
    given = picture({"h": np.full(5, 0.5)})
    assert given == {"h mean": 0.0, "h spread": 0.0, "h low": 0.0}
    assert picture({"h": np.full(5, 0.9)})["h mean"] == pytest.approx(np.log(9))


def test_a_face_that_moves_before_a_room_at_rest_is_seen_as_that() -> None:
    draw = np.random.default_rng(0)
    grain = cv2.GaussianBlur(draw.uniform(0, 255, (160, 160)).astype(np.float32), (0, 0), 2)
    grain = cv2.normalize(grain, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    after = grain.copy()
    after[50:112, 52:112] = grain[50:112, 50:110]  # two pixels to the right
    given = motion(grain, after, np.array([55.0, 55.0, 105.0, 105.0]))
    np.testing.assert_allclose(given[0], (2 / 50, 0), atol=0.01)
    np.testing.assert_allclose(given[2], 0, atol=0.005)
