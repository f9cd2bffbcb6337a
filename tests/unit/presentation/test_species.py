from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mien.presentation.maker import INCH, Press, maker
from mien.presentation.scene import SIDE, encoded, linear
from mien.presentation.species import species
from mien.presentation.species.bona_fide import person
from mien.presentation.species.cutout import outline
from mien.presentation.species.print import _dots, halftone, separated
from mien.presentation.species.replay import grid
from mien.types.arrays import FloatArray, Pixels

POINTS = np.array([[330, 340], [480, 340], [405, 430], [350, 510], [460, 510]], np.float32)


def portrait() -> Pixels:
    """An oval head with eyes and shoulders before a light wall."""
    picture = np.full((SIDE, SIDE, 3), (205, 208, 210), np.uint8)
    cv2.ellipse(picture, (405, 800), (300, 160), 0, 0, 360, (90, 100, 140), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (405, 420), (150, 200), 0, 0, 360, (205, 160, 135), -1, cv2.LINE_AA)
    for x, y in POINTS[:2]:
        cv2.circle(picture, (int(x), int(y)), 14, (40, 30, 25), -1, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 2)


def press(ruling: float) -> Press:
    return replace(maker(1).press, ruling=ruling, angle=0.0, gain=0.0, width=100.0, fibre=0.0)


def peak(plane: FloatArray) -> float:
    """Periods a pixel of the strongest wave but the mean and the slow changes."""
    window = np.hanning(len(plane))
    powers = np.abs(np.fft.fft2((plane - plane.mean()) * np.outer(window, window)))
    frequency = np.fft.fftfreq(len(plane))
    radius = np.hypot(frequency[:, None], frequency[None])
    powers[radius < 0.02] = 0
    return float(radius.ravel()[powers.argmax()])


def test_the_species_are_three_attacks_and_the_picture_that_is_none() -> None:
    assert set(species) == {"print", "replay", "cutout", "bona-fide"}


@pytest.mark.parametrize("name", ["print", "replay", "cutout", "bona-fide"])
def test_the_same_seed_gives_the_same_picture_and_another_another(name: str) -> None:
    once, again, other = (
        species[name](portrait(), POINTS, maker(3), np.random.default_rng(seed)) for seed in (5, 5, 6)
    )
    assert once.shape == (SIDE, SIDE, 3)
    assert once.dtype == np.uint8
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)


def test_a_maker_follows_from_its_number() -> None:
    assert maker(7) == maker(7)
    assert maker(7) != maker(8)


@pytest.mark.parametrize("ruling", [30.0, 45.0])
def test_a_print_repeats_at_its_screen_ruling(ruling: float) -> None:
    grey = np.full((200, 200, 3), 120, np.uint8)
    sheet = halftone(grey, press(ruling), np.random.default_rng(0))
    expected = 100.0 / INCH * ruling / len(sheet)  # mm, over mm an inch, times lines an inch: lines over the sheet
    assert peak(sheet.mean(axis=2)) == pytest.approx(expected, abs=1.5 / len(sheet))


@pytest.mark.parametrize("tone", [32, 128, 220])
def test_dots_cover_as_much_paper_as_the_tone_asks_for(tone: int) -> None:
    dots = _dots(np.full((400, 400), tone, np.uint8), 20.0, 0.3, 0.0)
    assert dots.mean() == pytest.approx(tone / 255, abs=0.02)


def test_dots_too_fine_to_draw_are_a_plain_tone() -> None:
    dots = _dots(np.full((100, 100), 128, np.uint8), 1.5, 0.3, 0.0)
    assert dots.std() == pytest.approx(0, abs=1e-6)


def test_no_ink_falls_on_white_and_black_takes_all_inks_places() -> None:
    inks = separated(np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8))
    assert inks[0, 0].tolist() == [0, 0, 0, 0]
    assert inks[0, 1].tolist() == [0, 0, 0, 255]


def test_a_screen_finer_than_the_camera_comes_back_as_coarse_moire() -> None:
    places = (np.arange(SIDE) + 0.5 - SIDE / 2) / (SIDE / 2)
    u, v = (plane.astype(np.float32) for plane in np.meshgrid(places, places))
    # 1.1 pixels of the screen to one of the camera: 1.1 periods a pixel are seen as 0.1.
    display = replace(maker(1).display, pitch=0.1, width=0.1 * 1.1 * SIDE, aperture=(0.3, 1.0))
    light = grid(u, v, display)
    assert light.mean() == pytest.approx(1, abs=0.02)
    assert peak(light[..., 0][:400, :400]) == pytest.approx(0.1, abs=1 / 400)
    assert not np.allclose(light[..., 0], light[..., 2], atol=0.01)  # stripes differ in phase: the moiré is coloured


def test_a_cut_out_has_holes_for_the_eyes_and_none_for_nose_and_mouth() -> None:
    mask = outline(POINTS, SIDE, np.random.default_rng(0))
    at = [float(mask[int(y), int(x)]) for x, y in POINTS]
    assert at == [0, 0, 1, 1, 1]
    assert mask[5, 5] == 0


def test_the_person_is_told_from_a_plain_background() -> None:
    shape = person(portrait())
    assert shape[420, 405] > 0.9
    assert shape[100, 100] < 0.1


def test_srgb_survives_linear_light() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    assert np.abs(encoded(linear(levels)).astype(int) - levels).max() <= 4  # the darkest levels are coarse
    assert linear(np.full((1, 1, 3), 188, np.uint8))[0, 0, 0] == pytest.approx(0.5029, abs=1e-3)  # IEC 61966-2-1
