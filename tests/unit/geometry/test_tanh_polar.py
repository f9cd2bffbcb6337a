from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.geometry.tanh_polar import FACE_SHARE, areas, cells, from_polar, restore, to_polar, warp_faces

BOX = np.array([120, 80, 240, 240], np.float32)


def smooth(width: int, height: int) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(x / 25), 127 + 100 * np.cos(y / 30), (x + y) / 4]
    return np.stack(planes, axis=-1).astype(np.uint8)


def test_the_middle_of_the_box_is_column_0_and_its_ellipse_column_tanh_1() -> None:
    half_width = 120 / np.sqrt(np.pi)
    right = to_polar(np.array([[180.0, 160.0], [180 + half_width, 160.0]]), BOX)
    assert right[0, 0] == 0
    assert right[1].tolist() == pytest.approx([np.tanh(1), 0])
    below = to_polar(np.array([[180.0, 160 + 160 / np.sqrt(np.pi)]]), BOX)
    assert below[0].tolist() == pytest.approx([FACE_SHARE, 0.25])


def test_the_ellipse_has_the_area_of_the_box() -> None:
    turns = np.linspace(0, 1, 4001)[:-1]
    x, y = from_polar(np.stack([np.full(4000, FACE_SHARE), turns], axis=1), BOX).T
    shoelace = 0.5 * abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    assert shoelace == pytest.approx(120 * 160, rel=1e-5)


@given(x=st.floats(-300, 600), y=st.floats(-300, 600), side=st.floats(50, 300), high=st.floats(0.5, 2))
def test_going_there_and_back_ends_where_it_began(x: float, y: float, side: float, high: float) -> None:
    box = np.array([100, 50, 100 + side, 50 + high * side], np.float32)
    there = to_polar(np.array([[x, y]]), box)
    if there[0, 0] < 1 - 1e-6:  # beyond, tanh has no digits left
        assert from_polar(there, box)[0].tolist() == pytest.approx([x, y], abs=1e-2)


def test_a_picture_comes_back_within_the_error_of_interpolation() -> None:
    picture = smooth(400, 300)
    back = restore(warp_faces(picture, BOX[None], 256)[0], BOX, (400, 300))
    error = np.abs(back.astype(int) - picture)[80:240, 120:240]
    assert error.max() <= 2
    assert error.mean() < 0.2


def test_labels_come_back_as_labels_but_for_the_borders_between_them() -> None:
    labels = np.zeros((300, 400), np.uint8)
    labels[100:220, 140:220] = 3
    labels[130:160, 160:200] = 7
    back = restore(warp_faces(labels, BOX[None], 256, labels=True)[0], BOX, (400, 300), labels=True)
    assert set(np.unique(back)) <= {0, 3, 7}
    assert (back == labels)[80:240, 120:240].mean() > 0.98


def test_bands_of_rows_are_rows_of_the_whole() -> None:
    square = warp_faces(smooth(400, 300), BOX[None], 64)[0]
    whole = restore(square, BOX, (400, 300))
    assert (restore(square, BOX, (400, 50), top=120) == whole[120:170]).all()


def test_the_face_takes_the_same_share_whatever_its_size() -> None:
    """A disc that fills the ellipse of its box fills the same cells, in a small face and in a large one."""
    for half in (20, 60, 140):
        y, x = np.mgrid[0:400, 0:400] + 0.5
        disc = (np.hypot(x - 200, y - 200) <= 2 * half / np.sqrt(np.pi)).astype(np.uint8)
        box = np.array([200 - half, 200 - half, 200 + half, 200 + half], np.float32)
        share = warp_faces(disc, box[None], 128, labels=True)[0].mean()
        assert share == pytest.approx(FACE_SHARE, abs=0.02)


def test_more_of_the_picture_is_kept_than_a_crop_of_the_same_size_keeps() -> None:
    """Every pixel of a picture four boxes wide and high has its place in the square; a crop of the box has a 16th."""
    y, x = np.mgrid[0:400, 0:400] + 0.5
    box = np.array([150, 150, 250, 250], np.float32)
    columns = to_polar(np.stack([x, y], axis=-1), box)[..., 0]
    assert (columns < 1).all()
    assert columns.max() > 0.99
    assert (100 * 100) / (400 * 400) == 1 / 16


def test_turning_the_picture_moves_the_rows_round() -> None:
    picture = smooth(301, 301)
    box = np.array([90.5, 90.5, 210.5, 210.5], np.float32)
    straight = warp_faces(picture, box[None], 128)[0]
    turned = warp_faces(np.ascontiguousarray(np.rot90(picture, -1)), box[None], 128)[0]  # a quarter turn clockwise
    inside = slice(0, int(128 * FACE_SHARE))
    assert np.abs(np.roll(straight, 32, axis=0).astype(int) - turned)[:, inside].max() <= 1


def test_the_cells_of_the_ellipse_have_its_area_in_sum() -> None:
    area = areas(1000)
    assert np.isinf(area[:, -1]).all()
    assert area[:, :761].sum() == pytest.approx(np.arctanh(0.761) ** 2, rel=1e-4)
    assert cells(4)[1, 2].tolist() == [0.625, 0.375]


def test_a_large_face_is_averaged_not_picked_from() -> None:
    checks = np.indices((2000, 2000)).sum(axis=0) % 2 * 255
    picture = np.repeat(checks.astype(np.uint8)[..., None], 3, axis=2)
    box = np.array([100, 100, 1900, 1900], np.float32)
    middle = warp_faces(picture, box[None], 64)[0][:, :40]
    assert np.abs(middle.astype(int) - 127).max() <= 2


def test_a_box_without_area_is_refused() -> None:
    with pytest.raises(ValueError, match="area"):
        warp_faces(smooth(20, 20), np.array([[5, 5, 5, 9]], np.float32), 16)
