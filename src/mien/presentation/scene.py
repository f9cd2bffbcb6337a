"""What stands between a medium and the picture of it: how it is held, what is behind it, the light and the camera.

Everything is in linear light, (h, w, 3) float32 with 1 for white, until `camera` writes sRGB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np

from mien.types.arrays import AnyArray, FloatArray, Pixels

SIDE: Final = 810
"""Pixels of a side of what is made."""


@dataclass(frozen=True, slots=True)
class Hold:
    """How a flat or bent medium stands before the camera.

    Args:
        to_medium: (3, 3) float64, from the picture's coordinates to the medium's; both run from -1 to 1 across.
        bend: half the angle that the medium spans as a part of an upright cylinder, radians; 0 is flat.
    """

    to_medium: FloatArray
    bend: float

    def places(self, side: int = SIDE, step: int = 6) -> tuple[FloatArray, FloatArray]:
        """Where on the medium each pixel of the picture looks: u and v, (side, side) float32, -1 to 1 on it."""
        coarse = side // step + 1
        axis = (np.arange(coarse) * step + 0.5 - side / 2) / (side / 2)
        x, y = np.meshgrid(axis, axis)
        u, v, w = np.tensordot(self.to_medium, np.stack([x, y, np.ones_like(x)]), axes=1)
        u, v = u / w, v / w
        if self.bend:
            # A sheet as wide as its chord, its edges at the same depth: equal steps of angle along the paper.
            reach = np.sin(self.bend)
            inside = np.abs(u) < 1 / reach
            u = np.where(inside, np.arcsin(np.clip(u * reach, -1, 1)) / self.bend, np.sign(u) * 9)
        return _fine(u, side, step), _fine(v, side, step)

    def shade(self, u: FloatArray) -> FloatArray:
        """(…) float32: how light a bent sheet looks at u, lit from the left front."""
        angle = np.clip(u, -1, 1) * self.bend
        shade: FloatArray = (np.cos(angle + 0.35) / np.cos(0.35)).astype(np.float32)
        return shade


def _fine(plane: FloatArray, side: int, step: int) -> FloatArray:
    """Values at every `step`-th pixel, to every pixel; what is bent is bent gently."""
    matrix = np.array([[1 / step, 0, 0], [0, 1 / step, 0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found: AnyArray = cv2.warpAffine(
        plane.astype(np.float32), matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    return found


def hold(draw: np.random.Generator, *, bend: float = 0.0) -> Hold:
    """A medium about as wide as the picture, turned and tilted a little, as by a hand."""
    size, turn = draw.uniform(0.8, 1.25), np.deg2rad(draw.normal(0, 2.5))
    shift, tilt = draw.uniform(-0.08, 0.08, 2), draw.normal(0, 0.05, 2)
    cos, sin = np.cos(turn) / size, np.sin(turn) / size
    matrix = np.array([[cos, sin, shift[0]], [-sin, cos, shift[1]], [tilt[0], tilt[1], 1.0]])
    return Hold(matrix.astype(np.float64), abs(draw.normal(0, bend)) if bend else 0.0)


def edge(u: FloatArray, v: FloatArray, half: tuple[float, float] = (1.0, 1.0)) -> FloatArray:
    """How much of each pixel a medium covers, 0 to 1, (h, w) float32; `half` its half width and height."""
    scale = SIDE / 2
    inside = np.minimum((half[0] - np.abs(u)) * scale, (half[1] - np.abs(v)) * scale)
    return np.clip(inside + 0.5, 0, 1).astype(np.float32)


def room(draw: np.random.Generator) -> FloatArray:
    """A wall with a few things on it, out of focus."""
    colour = draw.uniform(0.15, 0.75) * draw.uniform(0.85, 1.15, 3)
    ramp = np.linspace(1 - draw.uniform(0, 0.3), 1, 90)[:, None, None]
    wall: AnyArray = np.broadcast_to(colour * ramp, (90, 90, 3)).astype(np.float32).copy()
    for _ in range(int(draw.integers(0, 7))):
        x, y, width, height = draw.integers((-10, -10, 6, 6), (90, 90, 40, 70))
        wall[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = draw.uniform(0.02, 0.8) * draw.uniform(
            0.7, 1.2, 3
        )
    wall = cv2.GaussianBlur(wall, (0, 0), draw.uniform(0.4, 3))
    return np.clip(cv2.resize(wall, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC), 0, 1)


def before(medium: FloatArray, cover: FloatArray, behind: FloatArray, draw: np.random.Generator) -> FloatArray:
    """A medium before what is behind it, on which it throws a soft shadow.

    Args:
        medium: (h, w, 3), already multiplied by `cover`.
        cover: (h, w) 0 to 1.
        behind: (h, w, 3).
        draw: for direction and softness of the shadow.
    """
    small = cv2.resize(cover, (SIDE // 5, SIDE // 5), interpolation=cv2.INTER_AREA)
    shift = np.array([[1, 0, draw.uniform(-4, 4)], [0, 1, draw.uniform(0, 5)]])
    moved = cv2.warpAffine(small, shift, small.shape[::-1])
    shadow = cv2.resize(cv2.GaussianBlur(moved, (0, 0), draw.uniform(1, 5)), (SIDE, SIDE))
    dark = (1 - cover) * (1 - draw.uniform(0.1, 0.6) * shadow)
    joined: FloatArray = medium + behind * dark[..., None]
    return joined


def light(picture: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Uneven light over the whole scene: a slope in some direction."""
    x, y = np.meshgrid(np.linspace(-1, 1, 9), np.linspace(-1, 1, 9))
    way, depth = draw.uniform(0, 2 * np.pi), draw.uniform(0, 0.2)
    slope = (1 + depth * (x * np.cos(way) + y * np.sin(way))).astype(np.float32)
    lit: FloatArray = picture * cv2.resize(slope, (SIDE, SIDE))[..., None]
    return lit


def camera(picture: FloatArray, draw: np.random.Generator) -> Pixels:
    """The scene through a lens, on a sensor, in sRGB.

    Blur of 0.35 to 0.9 pixels, white balance off by some 4 %, exposure by 12 %, photon and read noise.
    """
    sigma = draw.uniform(0.35, 0.9)
    seen: AnyArray = cv2.GaussianBlur(picture, (0, 0), sigma)
    seen *= (draw.uniform(0.88, 1.12) * draw.normal(1, 0.04, 3)).astype(np.float32)
    np.clip(seen, 0, 1, out=seen)
    photons, read = draw.uniform(1e-5, 2e-4), draw.uniform(0.001, 0.004)
    noise = draw.standard_normal(seen.shape, dtype=np.float32)
    seen += noise * np.sqrt(photons * seen + read**2 * (seen + 0.05))
    return encoded(seen)


@cache
def _linear() -> FloatArray:
    levels = np.arange(256) / 255
    return np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _coded() -> Pixels:
    light = np.arange(4096) / 4095
    srgb = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    coded: Pixels = np.rint(255 * srgb).astype(np.uint8)
    return coded


def linear(pixels: Pixels) -> FloatArray:
    """uint8 sRGB to float32 light, 0 to 1 (IEC 61966-2-1)."""
    found: FloatArray = _linear()[pixels]
    return found


def encoded(light: FloatArray) -> Pixels:
    """The other way; what lies outside 0 to 1 is cut."""
    found: Pixels = _coded()[np.clip(light * 4095 + 0.5, 0, 4095).astype(np.int32)]
    return found
