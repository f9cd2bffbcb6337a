"""Heads that lay a mean face on points: no network, no weights."""

from __future__ import annotations

import numpy as np
import pytest

from mien.geometry.mean_face import FIVE, SHAPE
from mien.geometry.pose import F8, rotations_of
from mien.image import draw_faces
from mien.models import load_head
from mien.models.views import Cuts
from mien.types.faces import Column, Faces
from mien.types.image import Image

ANGLES = np.array([[25, -10, 5], [0, 0, 0]], float)
SIZE = (300, 200)


def placed(shape: F8) -> F8:
    turned = np.einsum("nij,kj->nki", rotations_of(ANGLES), shape) * 40
    turned[..., :2] += [120, 80]
    return turned


def cuts() -> Cuts:
    f4 = np.float32
    boxes = np.tile(np.array([80, 40, 160, 160], f4), (2, 1))
    faces = Faces(boxes, np.ones(2, f4), placed(FIVE)[..., :2].astype(f4), SIZE)
    points = placed(SHAPE)[..., :2].astype(f4)
    image = Image(np.zeros((SIZE[1], SIZE[0], 3), np.uint8))
    return Cuts(image, faces.with_columns({"landmarks68": Column(points, "px")}))


@pytest.mark.parametrize(("name", "needs"), [("pose3d", ("landmarks68",)), ("pose5", ())])
def test_pose_of_points_that_are_the_mean_face(name: str, needs: tuple[str, ...]) -> None:
    head = load_head(name)
    column = head.look(cuts())
    assert head.needs == needs
    assert head.session is None
    assert column.unit == "degrees"
    assert column.values == pytest.approx(ANGLES, abs=0.05)
    assert head.describe(column, 0) == {"yaw": 25.0, "pitch": -10.0, "roll": 5.0}


def test_landmarks_get_the_depth_of_the_turned_face() -> None:
    column = load_head("landmarks68-3d").look(cuts())
    assert column.values == pytest.approx(placed(SHAPE), abs=0.05)
    assert load_head("landmarks68-3d").describe(column, 1)[30][2] < 0  # the nose stands out of the face


def test_points_in_space_follow_the_scale_of_the_picture_and_are_drawn() -> None:
    seen = cuts()
    faces = seen.faces.with_columns({"landmarks68-3d": load_head("landmarks68-3d").look(seen)})
    half = faces.scaled(0.5, 0.5, (150, 100)).columns["landmarks68-3d"].values
    assert half == pytest.approx(placed(SHAPE) / 2, abs=0.05)
    assert draw_faces(seen.image, faces).any()
