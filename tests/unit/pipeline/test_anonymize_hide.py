"""Faces are covered, nothing else is touched, and the strength goes with their size."""

from __future__ import annotations

import numpy as np
import pytest

from mien.geometry.align import ARCFACE
from mien.pipeline.hide import BLACK, LEVELS, Cover, How, covered_share, hide
from mien.pipeline.stand_in import POINTS, SIDE, draw, paste
from mien.types.faces import Face

NOISE = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)


def face(x0: float, y0: float, side: float) -> Face:
    points = ARCFACE / 112 * side + np.array([x0, y0])
    return Face((x0, y0, x0 + side, y0 + side), 0.9, tuple((float(x), float(y)) for x, y in points))


@pytest.mark.parametrize("how", list(How))
@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_pixels_outside_the_grown_box_stay_as_they_are(how: How, level: int) -> None:
    cover = Cover(face(150, 100, 80), 0, level)
    before = NOISE.copy()
    out = hide(NOISE, [cover], how)
    rows, columns = cover.area((400, 300))
    changed = (out != NOISE).any(axis=2)
    assert changed.any()
    changed[rows, columns] = False
    assert not changed.any()
    assert (before == NOISE).all()


@pytest.mark.parametrize("level", range(len(LEVELS)))
def test_the_whole_box_of_the_face_is_filled(level: int) -> None:
    out = hide(NOISE, [Cover(face(150, 100, 80), 0, level)], How.FILL)
    assert (out[100:180, 150:230] == BLACK).all()


@pytest.mark.parametrize("how", [How.BLUR, How.PIXELATE, How.FILL])
def test_the_last_level_leaves_black_and_nothing_of_the_picture(how: How) -> None:
    cover = Cover(face(150, 100, 80), 0, len(LEVELS) - 1)
    assert (hide(NOISE, [cover], how)[cover.area((400, 300))] == BLACK).all()


@pytest.mark.parametrize("how", [How.BLUR, How.PIXELATE])
@pytest.mark.parametrize("first", [0, 1])
def test_a_weaker_cover_beside_it_does_not_spread_over_black(how: How, first: int) -> None:
    strong, weak = Cover(face(150, 100, 80), 0, len(LEVELS) - 1), Cover(face(190, 110, 80), 1)
    out = hide(NOISE, [strong, weak] if first else [weak, strong], how)
    assert (out[strong.area((400, 300))] == BLACK).all()


@pytest.mark.parametrize("side", [20.0, 40.0, 80.0])
def test_a_face_keeps_as_many_cells_whatever_its_size(side: float) -> None:
    rows, columns = np.mgrid[:300, :400]
    slope = np.stack([rows // 2, columns // 2, rows * 0], axis=2).astype(np.uint8)
    out = hide(slope, [Cover(face(120, 120, side), 0, 2)], How.PIXELATE)
    inside = out[120 : 120 + int(side), 120 : 120 + int(side)].reshape(-1, 3)
    assert len(np.unique(inside, axis=0)) == LEVELS[2].cells ** 2


def test_nothing_of_the_original_is_behind_a_drawn_face() -> None:
    black, white = np.zeros_like(NOISE), np.full_like(NOISE, 255)
    cover = Cover(face(150, 100, 80), 3)
    rows, columns = cover.area((400, 300))
    mask = cover.mask((400, 300))
    one, other = (hide(picture, [cover], How.REPLACE)[rows, columns][mask] for picture in (black, white))
    assert (one == other).all()


def test_a_face_cut_by_the_border_is_covered_as_far_as_it_shows() -> None:
    out = hide(NOISE, [Cover(face(-40, -40, 80), 0)], How.FILL)
    assert (out[:40, :40] == BLACK).all()
    outside = hide(NOISE, [Cover(face(-400, 900, 80), 0)], How.BLUR)
    assert (outside == NOISE).all()


def test_a_stronger_cover_hides_more_and_ends_at_the_last_level() -> None:
    cover = Cover(face(150, 100, 80), 0)
    areas = []
    for _ in LEVELS:
        areas.append(int(cover.mask((400, 300)).sum()))
        cover = cover.stronger()
    assert areas == sorted(set(areas))
    assert cover.level == len(LEVELS) - 1
    assert cover.seed == len(LEVELS)


def test_covered_share_is_that_of_the_box() -> None:
    covers = [Cover(face(100, 100, 100), 0, len(LEVELS) - 1)]  # margin 0.8: 20 to 280
    boxes = np.array([[120, 120, 179, 179], [300, 0, 340, 40], [260, 100, 299, 139], [-50, -50, -1, -1]], np.float32)
    assert covered_share(boxes, covers, (400, 300)).tolist() == [1.0, 0.0, 0.5, 0.0]


def test_drawn_faces_differ_by_number_and_stay_the_same() -> None:
    assert (draw(1).pixels == draw.__wrapped__(1).pixels).all()
    assert (draw(1).pixels != draw(2).pixels).any()


def test_a_drawn_face_lands_on_the_points() -> None:
    drawing = draw(0)
    points = POINTS / 2 + np.array([7, 11], np.float32)
    patch = paste(np.zeros((SIDE, SIDE, 3), np.uint8), points, drawing)
    pupil = points[0].round().astype(int)
    assert patch[pupil[1], pupil[0]].mean() < 60
    cheek, drawn = pupil + np.array([0, 20]), POINTS[0].round().astype(int) + np.array([0, 40])
    difference = patch[cheek[1], cheek[0]].astype(int) - drawing.pixels[drawn[1], drawn[0]]
    assert np.abs(difference).max() < 25
