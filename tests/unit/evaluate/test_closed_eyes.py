"""An eye drawn open is covered by the skin above it, and nothing else of the picture changes."""

from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.closed_eyes import shut
from mien.types.arrays import FloatArray, Pixels

SKIN, WHITE = (200, 150, 120), (255, 255, 255)
WIDTH = 40


def face(degrees: float) -> tuple[Pixels, FloatArray]:
    """Two white eyes on skin, their corners 40 apart, turned about their middles, and the 68 points."""
    points = np.zeros((68, 2), np.float32)
    shape = np.array([[-20, 0], [-10, -6], [10, -6], [20, 0], [10, 6], [-10, 6]])  # parabolas 8 high in the middle
    turn = np.radians(degrees)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    pixels = np.full((160, 240, 3), SKIN, np.uint8)
    rows, columns = np.mgrid[:160, :240]
    for first, middle in ((36, (70, 80)), (42, (170, 80))):
        points[first : first + 6] = shape @ axes + middle
        x, y = np.moveaxis((np.stack([columns, rows], axis=2) - middle) @ axes.T, 2, 0)
        pixels[np.abs(y) <= 8 * (1 - (x / 20) ** 2)] = WHITE
    return pixels, points


@pytest.mark.parametrize("degrees", [0, 25, -90])
def test_nothing_of_the_opening_is_left(degrees: float) -> None:
    pixels, points = face(degrees)
    opened = (pixels == WHITE).all(axis=2)
    closed = (shut(pixels, points).astype(int).sum(axis=2) > sum(SKIN) + 120) & opened
    assert opened.sum() > 700
    assert closed.sum() < 0.03 * opened.sum()


def test_what_is_further_than_a_width_away_stays() -> None:
    pixels, points = face(0)
    noisy = np.random.default_rng(0).integers(0, 256, pixels.shape).astype(np.uint8)
    kept = noisy.copy()
    changed = (shut(noisy, points) != noisy).any(axis=2)
    assert changed[72:88, 55:85].mean() > 0.5
    assert (noisy == kept).all()
    rows, columns = np.nonzero(changed)
    assert np.minimum(abs(columns - 70), abs(columns - 170)).max() <= WIDTH
    assert abs(rows - 80).max() <= WIDTH


def test_a_face_too_small_or_outside_is_left_as_it_is() -> None:
    pixels, points = face(0)
    assert (shut(pixels, points * 0) == pixels).all()
    assert (shut(pixels, points + 1000) == pixels).all()
