"""A print on paper: halftone of four inks, paper with fibres and a tint, bent, held before a room."""

from __future__ import annotations

from functools import cache
from typing import Final

import cv2
import numpy as np

from mien.presentation.maker import INCH, Maker, Press
from mien.presentation.scene import SIDE, Hold, before, camera, edge, hold, light, linear, room
from mien.presentation.species import species
from mien.types.arrays import AnyArray, FloatArray, Pixels

FINE: Final = 2
"""Pixels of the drawn sheet for one of the picture, a side."""
ANGLES: Final = (15.0, 75.0, 0.0, 45.0)
"""Degrees of the screens of cyan, magenta, yellow and black."""
TAKEN: Final = np.array([[1.0, 0.22, 0.08], [0.07, 1.0, 0.28], [0.03, 0.07, 1.0], [1.0, 1.0, 1.0]], np.float32)
"""(4, 3): share of red, green and blue that full ink takes, in its density; no real ink takes one colour only."""


def halftone(photo: Pixels, press: Press, draw: np.random.Generator) -> FloatArray:
    """A photograph as it lies on the paper.

    Each ink's tone, with dot gain, is compared with a screen of round dots, cos + cos turned by the ink's angle; the
    inks multiply on the paper's own light (Demichel 1924, with Beer's law where they overlap).

    Args:
        photo: (s, s, 3) uint8.
        press: ruling, angle, inks, paper.
        draw: for the fibres.

    Returns:
        (2 s, 2 s, 3) float32 linear light.
    """
    side = FINE * len(photo)
    period = side / press.width * INCH / press.ruling
    inks = cv2.resize(separated(photo), (side, side), interpolation=cv2.INTER_CUBIC)
    small = draw.standard_normal((side // 2, side // 2), dtype=np.float32) * np.float32(3 * press.fibre)
    fibres = 1 + cv2.resize(cv2.GaussianBlur(small, (0, 0), 1.2), (side, side))
    planes = [share * fibres for share in np.array(press.paper, np.float32)]
    for ink, (amount, angle) in enumerate(zip(cv2.split(inks), ANGLES, strict=True)):
        dots = _dots(amount, period, np.deg2rad(angle + press.angle), press.gain)
        for plane, taken in zip(planes, press.density * TAKEN[ink], strict=True):
            plane *= 1 - taken * dots
    sheet: FloatArray = cv2.merge(planes)
    return sheet


def separated(photo: Pixels) -> Pixels:
    """Tones of cyan, magenta, yellow and black for a picture, (h, w, 4) uint8; black takes the place of equal parts."""
    tone = 1 - linear(photo)
    black = tone.min(axis=2, keepdims=True) ** 2
    colours = (tone - black) / (1 - black + 1e-3)
    inks: Pixels = np.rint(255 * np.clip(np.dstack([colours, black]), 0, 1)).astype(np.uint8)
    return inks


def _dots(amount: AnyArray, period: float, angle: float, gain: float) -> FloatArray:
    """Share of ink in each pixel of the drawn sheet, (s, s) float32; (s, s) uint8 are the tones."""
    axis = (2 * np.pi / period * np.arange(len(amount))).astype(np.float32)
    cos, sin = np.cos(angle), np.sin(angle)
    (a, b), (c, d) = ((np.exp(1j * axis * f).astype(np.complex64) for f in way) for way in ((cos, sin), (-sin, cos)))
    # cos(x along + y across) as outer products, for both directions of the screen, in one pass each.
    screen = np.stack([b.real, -b.imag, d.real, -d.imag], 1) @ np.stack([a.real, a.imag, c.real, c.imag])
    dots: AnyArray = cv2.LUT(amount, _levels(gain))
    dots -= screen
    dots *= np.float32(0.25 * period / min(2.0, 0.35 * period))  # ink spreads at the edges of dots
    dots += np.float32(0.5)
    np.clip(dots, 0, 1, out=dots)
    shown = min(max((period - 1.6) / 0.6, 0.0), 1.0)  # finer dots than the drawing's pixels are a plain tone
    if shown < 1:
        dots = shown * dots + (1 - shown) * cv2.LUT(amount, _covered(gain))
    return dots


@cache
def _levels(gain: float) -> FloatArray:
    """(256,) float32: below which value of cos + cos there is ink, so that it covers the tone and its gain."""
    wave = np.cos(np.linspace(0, np.pi, 400, endpoint=False) + np.pi / 800)
    levels = np.quantile(np.add.outer(wave, wave), _covered(gain))
    levels[[0, -1]] = -9, 9
    return levels.astype(np.float32)


@cache
def _covered(gain: float) -> FloatArray:
    """(256,) float32: share of the paper that ink covers at each tone, dot gain included."""
    tone = np.arange(256) / 255
    return np.clip(tone + 2 * gain * tone * (1 - tone), 0, 1).astype(np.float32)


def seen(sheet: FloatArray, held: Hold) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A drawn sheet in the picture: (h, w, c) float32 as the sensor's pixels gather it, and u and v.

    The first three channels are lit as the sheet bends.
    """
    side = FINE * SIDE
    u, v = held.places(side)
    half = len(sheet) / 2
    drawn = cv2.remap(sheet, u * half + half - 0.5, v * half + half - 0.5, cv2.INTER_LINEAR)
    gathered: AnyArray = cv2.resize(drawn, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    u, v = held.places()
    gathered[..., :3] *= held.shade(u)[..., None]
    return gathered, u, v


@species.register("print")
def printed(photo: Pixels, points: FloatArray, maker: Maker, draw: np.random.Generator) -> Pixels:
    """A whole sheet held before a room."""
    del points
    held = hold(draw, bend=0.25)
    sheet, u, v = seen(halftone(photo, maker.press, draw), held)
    cover = edge(u, v)
    return camera(light(before(sheet * cover[..., None], cover, room(draw), draw), draw), draw)
