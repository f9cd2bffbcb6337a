from __future__ import annotations

import numpy as np
import pytest

from mien.models.card import InputContract
from mien.models.views import Cuts, Shape, View, cut_regions, prepared
from mien.types.faces import Faces
from mien.types.image import Image

BOXES = np.array([[10, 20, 30, 60]], np.float32)  # 20 wide, 40 high, middle (20, 40)


@pytest.mark.parametrize(
    ("shape", "scale", "expected"),
    [
        (Shape.BOX, 1.0, [10, 20, 30, 60]),
        (Shape.BOX, 1.5, [5, 10, 35, 70]),
        (Shape.SQUARE, 1.0, [0, 20, 40, 60]),
        (Shape.SQUARE, 1.5, [-10, 10, 50, 70]),
        (Shape.CLIPPED, 3.0, [0, 0, 50, 80]),
        (Shape.INSIDE, 1.0, [10, 20, 30, 60]),
        (Shape.INSIDE, 1.5, [5, 10, 35, 70]),
    ],
)
def test_regions_are_those_worked_by_hand(shape: Shape, scale: float, expected: list[int]) -> None:
    assert View(shape, scale, 8).regions(BOXES, (100, 80)).tolist() == [expected]


def test_a_region_inside_the_picture_is_shrunk_and_moved_but_keeps_its_form() -> None:
    # 3 x 40 = 120 pixels do not fit: the factor is (80 - 1) / 40, so 39.5 x 79, moved right by 0 and down by 0
    x0, y0, x1, y1 = View(Shape.INSIDE, 3.0, 8).regions(BOXES, (100, 80))[0]
    assert (x0, y0) == (0, 0) or (x0 >= 0 and y0 >= 0)
    assert x1 <= 100
    assert y1 <= 80
    assert (x1 - x0) / (y1 - y0) == pytest.approx(0.5, abs=0.02)


def test_a_box_of_no_size_still_gives_a_pixel() -> None:
    empty = np.array([[5, 5, 5, 5]], np.float32)
    for shape in Shape:
        x0, y0, x1, y1 = View(shape, 1.0, 8).regions(empty, (100, 80))[0]
        assert x1 > x0
        assert y1 > y0


def test_outside_the_picture_the_border_is_repeated() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:, 0] = 200
    cut = cut_regions(pixels, np.array([[-4, 0, 0, 4], [-40, 50, -36, 54]]), 4)
    assert (cut == 200).all()


def test_a_cut_that_shrinks_by_two_is_the_mean_of_four_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    cut = cut_regions(pixels, np.array([[0, 0, 8, 8]]), 4)[0]
    means = pixels.reshape(4, 2, 4, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(cut - means).max() <= 0.5


def test_heads_that_look_at_the_same_view_share_one_cut() -> None:
    faces = Faces(BOXES, np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32), (100, 80))
    cuts = Cuts(Image(np.zeros((80, 100, 3), np.uint8)), faces)
    assert cuts.cut(View(Shape.SQUARE, 1.25, 64)) is cuts.cut(View(Shape.SQUARE, 1.25, 64))


def test_regions_of_a_reduced_picture_are_told_in_pixels_of_the_full_one() -> None:
    faces = Faces(BOXES, np.ones(1, np.float32), np.zeros((1, 5, 2), np.float32), (100, 80))
    cuts = Cuts(Image(np.zeros((40, 50, 3), np.uint8), full_size=(100, 80)), faces)
    assert cuts.regions(View(Shape.BOX, 1.0, 8)).tolist() == [[10, 20, 30, 60]]


def test_pixels_become_numbers_as_the_card_says() -> None:
    cut = np.zeros((1, 2, 2, 3), np.uint8)
    cut[..., 0], cut[..., 1], cut[..., 2] = 10, 20, 30
    rgb = prepared(cut, InputContract((2, 2), 1, "RGB", (1, 2, 3), 0.5, (2, 4, 5)))
    assert rgb[0, :, 0, 0].tolist() == pytest.approx([9 * 0.5 / 2, 18 * 0.5 / 4, 27 * 0.5 / 5])
    bgr = prepared(cut, InputContract((2, 2), 1, "BGR", (0, 0, 0), 1.0))
    assert bgr[0, :, 1, 1].tolist() == [30, 20, 10]
    grey = prepared(cut, InputContract((2, 2), 1, "GREY", (0, 0, 0), 1.0))
    assert grey.shape == (1, 1, 2, 2)
    assert grey[0, 0, 0, 0] == round(0.299 * 10 + 0.587 * 20 + 0.114 * 30)
    assert grey.flags.c_contiguous
    assert grey.dtype == np.float32


def test_a_cut_of_another_size_is_resized_to_the_networks() -> None:
    assert prepared(np.zeros((3, 64, 64, 3), np.uint8), InputContract((32, 32), 1, "RGB", (0, 0, 0), 1.0)).shape == (
        3,
        3,
        32,
        32,
    )
