"""Features of box, points and crop, and photographs made worse."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.geometry.align import ARCFACE
from mien.quality.utility import Sights
from mien.quality.utility.degradations import LOST_SIDES, degradations, unrecognisable
from mien.quality.utility.features import NAMES, features

F4 = np.float32


def faces(points: np.ndarray, crops: np.ndarray | None = None) -> Sights:
    n = len(points)
    pixels = np.full((n, 112, 112, 3), 90, np.uint8) if crops is None else crops
    boxes = np.tile(np.array([0, 0, 100, 120], F4), (n, 1))
    return Sights(pixels, boxes, points.astype(F4), np.full(n, 0.9, F4), ())


def column(sights: Sights, name: str) -> list[float]:
    return [round(float(value), 4) for value in features(sights)[:, NAMES.index(name)]]


def test_there_is_a_name_for_every_feature() -> None:
    assert features(faces(ARCFACE[None])).shape == (1, len(NAMES))


def test_points_are_told_in_shares_of_the_box() -> None:
    assert column(faces(ARCFACE[None]), "nose x") == pytest.approx([56.0252 / 100], abs=1e-4)
    assert column(faces(ARCFACE[None]), "nose y") == pytest.approx([71.7366 / 120], abs=1e-4)


def test_a_face_turned_in_the_picture_plane_differs_in_roll_alone() -> None:
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    both = faces(np.stack([ARCFACE, ARCFACE @ turn.T]))
    upright, turned = column(both, "roll")
    assert turned - upright == pytest.approx(20, abs=0.7)  # the template's eyes are 0.3 degrees off level
    for name in ("yaw", "pitch", "eyes px", "misfit"):
        one, other = column(both, name)
        assert one == pytest.approx(other, abs=1e-3)


def test_a_nose_to_one_side_is_yaw_and_fits_the_template_less() -> None:
    aside = ARCFACE.copy()
    aside[2, 0] += 10
    both = faces(np.stack([ARCFACE, aside]))
    eyes_px = float(np.linalg.norm(ARCFACE[1] - ARCFACE[0]))
    straight, turned = column(both, "yaw")
    assert turned - straight == pytest.approx(10 / eyes_px, abs=0.01)
    assert column(both, "misfit")[1] > column(both, "misfit")[0]


def test_light_does_not_pass_for_detail() -> None:
    random = np.random.default_rng(0)
    sharp = cv2.GaussianBlur(random.integers(0, 200, (112, 112, 3)).astype(np.uint8), (0, 0), 2)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 4)
    dim = (sharp // 2).astype(np.uint8)
    seen = faces(np.stack([ARCFACE] * 3), np.stack([sharp, blurred, dim]))
    detail, bright = column(seen, "sharpness"), column(seen, "brightness")
    assert detail[1] < detail[0] - 0.5
    assert detail[2] == pytest.approx(detail[0], abs=0.1)
    assert bright[2] == pytest.approx(bright[0] / 2, abs=1)


def portrait() -> np.ndarray:
    random = np.random.default_rng(3)
    return cv2.resize(random.integers(0, 256, (30, 30, 3)).astype(np.uint8), (160, 140), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("kind", degradations)
def test_a_seed_decides_how_a_photograph_is_made_worse(kind: str) -> None:
    pixels = portrait()
    before = pixels.copy()
    one, again, other = (degradations[kind](pixels, 40.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == pixels.shape
    assert one.dtype == np.uint8
    assert one.flags["C_CONTIGUOUS"]
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one, pixels)
    assert np.array_equal(pixels, before)


def detail(pixels: np.ndarray) -> float:
    return float(cv2.Laplacian(pixels, cv2.CV_32F).std())


@pytest.mark.parametrize("kind", ["blur", "lowres"])
def test_strength_goes_with_the_size_of_the_face(kind: str) -> None:
    small, large = (detail(degradations[kind](portrait(), px, np.random.default_rng(1))) for px in (20.0, 60.0))
    assert large < small < detail(portrait())


def test_nothing_is_left_of_an_unrecognisable_face() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (6, 112, 112, 3)).astype(np.uint8)
    lost = unrecognisable(crops, seed=1)
    assert lost.shape == crops.shape
    assert np.array_equal(lost, unrecognisable(crops, seed=1))
    for face in lost:
        side = LOST_SIDES[1]
        small = cv2.resize(face, (4 * side, 4 * side), interpolation=cv2.INTER_AREA)
        again = cv2.resize(small, (112, 112))
        assert np.abs(again.astype(int) - face).mean() < 3  # it has no detail that so few pixels cannot hold
