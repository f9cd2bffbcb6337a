"""Mixtures lie between their two faces, are the same every time, and belong to nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.train.data import FaceData, data_digest, open_data
from mien.train.data.mixtures import LEAST, Mixtures, mixture
from training_toys import draw_people


@pytest.fixture
def faces(tmp_path: Path) -> FaceData:
    return open_data(f"folder:{draw_people(tmp_path, range(3), 2)}")


def numbers(**given: float) -> np.ndarray:
    u = np.full(12, 0.9)
    for place, value in given.items():
        u[int(place[1:])] = value
    return u


def test_a_blend_is_the_weighted_mean() -> None:
    black, grey = np.zeros((112, 112, 3), np.uint8), np.full((112, 112, 3), 200, np.uint8)
    even = mixture(black, grey, numbers(u3=0.0, u4=0.5))
    least = mixture(black, grey, numbers(u3=0.0, u4=1.0))
    assert (even == 100).all()
    assert (abs(least - 200 * LEAST) <= 1).all()


def test_elsewhere_one_face_passes_into_the_other_along_a_line() -> None:
    black, white = np.zeros((112, 112, 3), np.uint8), np.full((112, 112, 3), 255, np.uint8)
    across = mixture(white, black, numbers(u5=0.0, u6=0.5))[:, :, 0]  # upright, in the middle
    assert (across == across[0]).all()
    assert (np.diff(across[0].astype(int)) >= 0).all()
    assert across[0, 0] == 0
    assert across[0, -1] == 255


def test_either_face_may_be_mirrored() -> None:
    left = np.zeros((112, 112, 3), np.uint8)
    left[:, :56] = 240
    blank = np.zeros_like(left)
    turned = mixture(left, blank, numbers(u1=0.0, u3=0.0, u4=0.5))
    assert np.array_equal(turned, mixture(left, blank, numbers(u3=0.0, u4=0.5))[:, ::-1])


def test_the_faces_come_first_as_they_are(faces: FaceData) -> None:
    both = Mixtures(faces, 3)
    assert len(both) == 4 * 6
    assert np.array_equal(both.crops(np.arange(6)), faces.crops(np.arange(6)))
    assert both.labels.tolist() == [*faces.labels.tolist(), *[-1] * 18]
    assert list(both.people) == list(faces.people)
    assert both.names[7] == faces.names[1]


def test_a_mixture_is_the_same_in_any_batch_and_differs_from_the_next(faces: FaceData) -> None:
    both = Mixtures(faces, 3)
    rows = np.array([20, 3, 8, 14])
    alone = np.stack([both.read(row) for row in rows.tolist()])
    assert np.array_equal(both.crops(rows), alone)
    assert not np.array_equal(alone[0], both.read(20 - 6))
    assert not np.array_equal(alone[0], Mixtures(faces, 3, seed=1).read(20))


def test_a_set_with_mixtures_is_another_set(faces: FaceData) -> None:
    assert len({data_digest(data) for data in (faces, Mixtures(faces, 1), Mixtures(faces, 1, seed=1))}) == 3
