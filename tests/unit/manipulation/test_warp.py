"""Pictures moved triangle by triangle, and morphs."""

from __future__ import annotations

import numpy as np
import pytest

from mien.manipulation.morph import Parent, face_mask, morph
from mien.manipulation.warp import border, piecewise_map, triangulate, warp


def picture(seed: int, size: int = 96) -> np.ndarray:
    """Smooth noise: neighbouring pixels differ by little."""
    import cv2

    noise = np.random.default_rng(seed).uniform(0, 255, (size, size, 3)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 4).astype(np.uint8)


def points(seed: int) -> np.ndarray:
    """68 points on ellipses of the proportions of a face."""
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    radius = 28 - 12 * (np.arange(68) % 3)
    rough = np.random.default_rng(seed).normal(0, 0.7, (68, 2))
    return np.column_stack([48 + radius * 0.8 * np.cos(angle), 48 + radius * np.sin(angle)]) + rough


def test_a_grid_moved_by_one_affine_map_is_read_by_that_map_everywhere() -> None:
    x, y = np.meshgrid(np.linspace(0, 63, 5), np.linspace(0, 47, 4))
    marks = np.column_stack([x.ravel(), y.ravel()])
    matrix = np.array([[1.1, -0.2, 3.0], [0.15, 0.9, -2.0]])
    places = piecewise_map(marks, marks @ matrix[:, :2].T + matrix[:, 2], triangulate(marks), (64, 48))
    rows, columns = np.mgrid[:48, :64]
    expected = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ matrix.T
    np.testing.assert_allclose(places, expected, atol=1e-3)


def test_each_triangle_has_its_own_map_and_they_agree_along_edges() -> None:
    marks = np.array([[0.0, 0], [20, 0], [20, 20], [0, 20], [10, 10]])
    source = marks.copy()
    source[4] = [14, 10]  # the middle is pulled to the right
    places = piecewise_map(marks, source, triangulate(marks), (21, 21))
    assert places[10, 10].tolist() == pytest.approx([14, 10], abs=1e-4)
    assert places[10, 5].tolist() == pytest.approx([7, 10], abs=1e-4)  # half-way from the left side to the middle
    assert places[10, 15].tolist() == pytest.approx([17, 10], abs=1e-4)
    assert places[0, 10].tolist() == pytest.approx([10, 0], abs=1e-4)


def test_whole_pixel_shifts_are_read_exactly_and_the_border_is_repeated() -> None:
    pixels = picture(0)
    rows, columns = np.mgrid[:96, :96].astype(np.float32)
    moved = warp(pixels, np.stack([columns + 5, rows - 3], axis=-1))
    np.testing.assert_array_equal(moved[3:, :-5], pixels[:-3, 5:])
    np.testing.assert_array_equal(moved[3:, -5:], np.repeat(pixels[:-3, -1:], 5, axis=1))


def test_marks_on_one_line_are_refused() -> None:
    with pytest.raises(ValueError, match="not on one line"):
        triangulate(np.array([[0.0, 0], [1, 1], [2, 2]]))


@pytest.mark.parametrize("splice", ["whole", "feather"])
def test_alpha_0_gives_the_first_picture(splice: str) -> None:
    first, second = Parent(picture(1), points(1)), Parent(picture(2), points(2))
    np.testing.assert_array_equal(morph(first, second, alpha=0, splice=splice), first.pixels)


def test_alpha_1_gives_the_second_picture_in_the_frame_of_the_first() -> None:
    shift = np.array([6, -4])  # the second face is the first's shape elsewhere: its frame is a shift away
    first, second = Parent(picture(1), points(1)), Parent(picture(2), points(1) + shift)
    found = morph(first, second, alpha=1).astype(int)
    inside = found[10:-10, 10:-10]
    expected = second.pixels[10 - 4 : -10 - 4, 10 + 6 : -10 + 6].astype(int)
    assert np.abs(inside - expected).max() <= 1


def test_a_morph_of_one_picture_with_itself_is_that_picture() -> None:
    first = Parent(picture(1), points(1))
    found = morph(first, Parent(first.pixels, first.points), alpha=0.5).astype(int)
    assert np.abs(found - first.pixels.astype(int)).max() <= 1


def test_half_and_half_of_one_shape_is_the_mean_of_the_pixels() -> None:
    first, second = Parent(picture(1), points(1)), Parent(picture(2), points(1))
    found = morph(first, second, alpha=0.5).astype(int)
    expected = (first.pixels.astype(int) + second.pixels) / 2
    assert np.abs(found - expected).max() <= 1.5


@pytest.mark.parametrize("splice", ["feather", "poisson"])
def test_splicing_leaves_what_is_far_from_the_face_to_the_first_picture(splice: str) -> None:
    first, second = Parent(picture(1), points(1)), Parent(picture(2), points(1))
    found = morph(first, second, alpha=0.5, splice=splice)
    outside = face_mask(first.points, (96, 96)) == 0
    assert np.abs(found[outside].astype(int) - first.pixels[outside]).max() <= 3  # the solver rounds
    assert np.abs(found[48, 48].astype(int) - first.pixels[48, 48]).max() > 1


def test_alpha_outside_0_to_1_is_refused() -> None:
    parent = Parent(picture(1), points(1))
    with pytest.raises(ValueError, match=r"alpha must lie in 0\.\.1, got 1\.5"):
        morph(parent, parent, alpha=1.5)


def test_border_has_the_corners_and_the_middles() -> None:
    assert {(0.0, 0.0), (9.0, 5.0), (4.5, 0.0), (0.0, 2.5)} <= {tuple(mark) for mark in border((10, 6)).tolist()}
