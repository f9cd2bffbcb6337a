from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.image.cues import CUES, cues
from mien.types.arrays import FloatArray, Pixels

BOX = np.array([100, 90, 300, 330], np.float32)
POINTS = np.array([[155, 180], [245, 180], [200, 230], [165, 280], [235, 280]], np.float32)


def face(seed: int = 0) -> Pixels:
    """An oval of skin with eyes and a little noise before a wall."""
    picture = np.full((400, 400, 3), (180, 185, 190), np.uint8)
    cv2.ellipse(picture, (200, 210), (95, 120), 0, 0, 360, (205, 165, 140), -1, cv2.LINE_AA)
    for x, y in POINTS[:2]:
        cv2.circle(picture, (int(x), int(y)), 9, (50, 40, 35), -1, cv2.LINE_AA)
    noise = np.random.default_rng(seed).normal(0, 2, picture.shape)
    return np.clip(cv2.GaussianBlur(picture, (0, 0), 1.5) + noise, 0, 255).astype(np.uint8)


def named(pixels: Pixels) -> dict[str, float]:
    return dict(zip(CUES, map(float, cues(pixels, BOX, POINTS)), strict=True))


def changed(change: FloatArray) -> Pixels:
    return np.clip(face() + change, 0, 255).astype(np.uint8)


def wave(period: float, angle: float) -> FloatArray:
    y, x = np.mgrid[:400, :400]
    return np.sin(2 * np.pi / period * (x * np.cos(angle) + y * np.sin(angle))).astype(np.float32)[..., None]


def test_a_raster_is_seen_where_there_is_one() -> None:
    dots = (wave(4.3, 0.5) + wave(4.3, 0.5 + np.pi / 2)) * 6
    plain, printed = named(face()), named(changed(dots))
    assert plain["raster"] < 1.2 < printed["raster"] - 0.5
    assert printed["grain"] > plain["grain"]


def test_the_blocks_of_a_jpeg_are_no_raster() -> None:
    coded = cv2.imdecode(cv2.imencode(".jpg", face(), [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_COLOR)
    assert named(coded)["raster"] < 1.2


def test_coloured_moire_is_seen_in_colour() -> None:
    moire = wave(9, 1.1) * np.array([6, -3, -6], np.float32)
    assert named(changed(moire))["colour-raster"] > named(face())["colour-raster"] + 0.5


def test_an_upright_edge_outside_the_face_is_a_line_and_the_face_is_none() -> None:
    edge = np.zeros((400, 400, 3), np.float32)
    edge[:, 360:] = -120
    assert named(changed(edge))["lines"] > named(face())["lines"] + 0.3


@pytest.mark.parametrize("angle", [-8, 8])
def test_a_tilted_edge_is_a_line_too(angle: float) -> None:
    edge = np.zeros((400, 400, 3), np.float32)
    edge[:, 345:] = -120
    turn = cv2.getRotationMatrix2D((345.0, 200.0), angle, 1.0)
    tilted = cv2.warpAffine(edge, turn, (400, 400), borderMode=cv2.BORDER_REPLICATE)
    assert named(changed(tilted))["lines"] > named(face())["lines"] + 0.2


def test_glare_counts_white_spots_on_the_face() -> None:
    spot = np.zeros((400, 400, 3), np.float32)
    spot[200:240, 200:240] = 255
    assert named(changed(spot))["glare"] > named(face())["glare"] + 1


def test_blur_takes_detail_away_and_sharp_eyes_stand_out_of_it() -> None:
    blurred = cv2.GaussianBlur(face(), (0, 0), 3)
    worn = blurred.copy()
    for x, y in POINTS[:2].astype(int):
        worn[y - 15 : y + 15, x - 20 : x + 20] = face()[y - 15 : y + 15, x - 20 : x + 20]
    assert named(blurred)["detail"] < named(face())["detail"]
    assert named(worn)["eyes"] > named(blurred)["eyes"] + 0.2


def test_light_and_colour_are_told() -> None:
    plain = named(face())
    assert named(changed(np.full((400, 400, 3), 30, np.float32)))["black"] > plain["black"]
    assert named(changed(np.array([-20, 0, 20], np.float32)))["cast"] > plain["cast"]
    grey = cv2.cvtColor(cv2.cvtColor(face(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    assert named(grey)["saturation"] < plain["saturation"]
    assert named(grey)["gamut"] < plain["gamut"]


@pytest.mark.parametrize("box", [(0, 0, 400, 400), (-50, -50, 20, 30), (380, 380, 460, 470), (10, 10, 12, 13)])
def test_every_box_has_finite_numbers(box: tuple[int, int, int, int]) -> None:
    values = cues(face(), np.array(box, np.float32), POINTS)
    assert values.shape == (len(CUES),)
    assert np.isfinite(values).all()


def test_an_even_picture_has_finite_numbers() -> None:
    assert np.isfinite(cues(np.zeros((400, 400, 3), np.uint8), BOX, POINTS)).all()
