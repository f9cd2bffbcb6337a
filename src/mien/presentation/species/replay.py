"""A photograph on a screen: its pixels against the camera's, reflections, bezel, gamma and refresh."""

from __future__ import annotations

import cv2
import numpy as np

from mien.presentation.maker import Display, Maker
from mien.presentation.scene import SIDE, before, camera, edge, hold, light, linear, room
from mien.presentation.species import species
from mien.types.arrays import AnyArray, FloatArray, Pixels

ORDERS = ((1, 0), (2, 0), (0, 1), (1, 1), (1, -1))
"""Harmonics of the pixel grid that a camera may still see: periods across and down."""
STRIPES = (-1 / 3, 0.0, 1 / 3)
"""Where in a pixel red, green and blue shine, in pitches from its middle."""


def grid(u: FloatArray, v: FloatArray, display: Display) -> FloatArray:
    """Light of a white screen as the camera samples it, about 1 in the mean.

    The light of a stripe of the aperture's size is a sum of cosines; each is damped by the area of a camera's pixel
    (sinc) and then taken at the middle of it, which is what makes moiré: a frequency beyond half a period a pixel comes
    back as a lower one. Stripes of the three colours differ in phase, so that the moiré is coloured.

    Args:
        u: (h, w) places across the screen, -1 to 1 on its picture.
        v: the same down it.
        display: pitch, width, aperture.

    Returns:
        (h, w, 3) float32.
    """
    pixels = display.width / 2 / display.pitch  # of the screen for one unit of u
    across, down = u * pixels, v * pixels
    rate = float(abs(across[SIDE // 2, SIDE // 2 + 1] - across[SIDE // 2, SIDE // 2])) + 1e-6
    light = np.ones((*u.shape, 3), np.float32)
    for m, n in ORDERS:
        depth = np.sinc(m * display.aperture[0]) * np.sinc(n * display.aperture[1])
        depth *= 2 * np.sinc(m * rate) * np.sinc(n * rate)
        phase = (2 * np.pi) * (m * across + n * down)
        cos, sin = np.cos(phase), np.sin(phase)
        for channel, place in enumerate(STRIPES):
            turn = 2 * np.pi * m * place
            light[..., channel] += depth * (cos * np.cos(turn) + sin * np.sin(turn))
    return np.maximum(light, 0)


def shown(photo: Pixels, u: FloatArray, v: FloatArray, display: Display, draw: np.random.Generator) -> FloatArray:
    """The picture on the screen, (h, w, 3) float32 linear light, without its surroundings."""
    count = max(64, min(len(photo), round(display.width / display.pitch)))
    coarse = cv2.resize(photo, (count, count), interpolation=cv2.INTER_AREA) if count < len(photo) else photo
    half = len(coarse) / 2
    mapped: AnyArray = cv2.remap(
        coarse, u * half + half - 0.5, v * half + half - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    value = linear(mapped) ** np.float32(display.gamma) * grid(u, v, display)
    depth, height = display.band
    rows = 2 * np.pi * (np.arange(SIDE) / (SIDE * height) + draw.uniform())
    value *= (1 - depth * (0.5 + 0.5 * np.cos(rows)) ** 2).astype(np.float32)[:, None, None]
    found: FloatArray = (value * (1 - display.leak) + display.leak) * np.array(display.white, np.float32)
    return found


def glare(display: Display, draw: np.random.Generator) -> FloatArray:
    """What a glossy front throws back of the room: a faint wide veil and, mostly, a lamp or a window."""
    small: AnyArray = np.zeros((90, 90), np.float32)
    if draw.uniform() < 0.6:
        x, y, width, height = draw.integers((5, 5, 3, 3), (80, 80, 18, 26))
        small[y : y + height, x : x + width] = display.gloss * draw.uniform(0.6, 1.8)
    small = cv2.GaussianBlur(small, (0, 0), draw.uniform(0.8, 5))
    veil = 0.03 * display.gloss * draw.uniform()
    return cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC) + np.float32(veil)


@species.register("replay")
def replayed(photo: Pixels, points: FloatArray, maker: Maker, draw: np.random.Generator) -> Pixels:
    """A screen with its bezel before a room."""
    del points
    display = maker.display
    u, v = hold(draw).places()
    picture = shown(photo, u, v, display, draw)
    screen = edge(u, v)[..., None]
    front = (
        picture * screen + np.float32(display.bezel[1]) * (1 - screen) + np.maximum(glare(display, draw), 0)[..., None]
    )
    reach = 1 + 2 * display.bezel[0] / display.width
    cover = edge(u, v, (reach, reach))
    return camera(light(before(front * cover[..., None], cover, room(draw), draw), draw), draw)
