"""Things that cover a face, drawn onto pictures: material whose truth is known to the pixel. By seed, always the same.

They are drawings. What is learnt or measured with them holds for things that look alike; a real hand or a real scarf
may be told worse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.geometry.face_parts import Outline, grown, hull
from mien.types.arrays import FloatArray, Pixels

Random: TypeAlias = np.random.Generator
Cover: TypeAlias = NDArray[np.float32]
"""(h, w) float32 in 0..1, how much of a pixel is covered."""

SKIN: Final = np.array(
    [[250, 224, 204], [241, 205, 177], [224, 178, 142], [198, 146, 106], [161, 108, 72], [117, 74, 48], [77, 48, 35]],
    np.float64,
)
"""Colours of hands, light to dark, drawn as often for every face: what covers a face says nothing of whose it is."""
UNSEEN: Final = "sheet"
"""A kind that no training here sees, so that a measurement can tell what is known from what is only remembered."""


@dataclass(frozen=True, slots=True)
class Occluded:
    """A picture with something on the face.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        covered: (h, w) bool, more than half covered.
        kind: name of `OCCLUDERS`.
    """

    pixels: Pixels
    covered: NDArray[np.bool_]
    kind: str


def occlude(pixels: Pixels, points: FloatArray, kind: str, random: Random) -> Occluded:
    """A copy of the picture with an occluder of a kind on one face.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        points: (68, 2) pixels of the face.
        kind: a name of `OCCLUDERS`.
        random: where everything about it is drawn from.
    """
    p = points.astype(np.float64)
    cover, paint = OCCLUDERS[kind](pixels, p, random)
    soft = cv2.GaussianBlur(cover, (0, 0), max(0.4, 0.004 * _width(p)))
    shadow = 1 - 0.35 * random.random() * cv2.GaussianBlur(
        np.roll(cover, 3, axis=0), (0, 0), max(1.0, 0.04 * _width(p))
    )
    under = pixels.astype(np.float32) * shadow[..., None]
    mixed = under + soft[..., None] * (paint - under)
    return Occluded(np.clip(mixed, 0, 255).astype(np.uint8), soft > 0.5, kind)


def backdrop(pixels: Pixels, random: Random) -> Pixels:
    """The picture before another background, where its own is so plain that it can be told from the upper corners.

    A studio's grey is known to no street: without this a network learns that faces come before grey.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        random: where the background is drawn from.

    Returns:
        (h, w, 3) uint8; the same pixels where nothing plain is there.
    """
    height, width = pixels.shape[:2]
    found = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_MASK_ONLY | (255 << 8)
    soft = cv2.GaussianBlur(pixels, (0, 0), 1.0)
    for corner in ((0, 0), (width - 1, 0)):
        cv2.floodFill(soft, found, corner, 0, (3, 3, 3), (3, 3, 3), flags)
    share = cv2.GaussianBlur((found[1:-1, 1:-1] > 0).astype(np.float32), (0, 0), 1.0)[..., None]
    other = cv2.GaussianBlur(_cloth(pixels, width / 2, random), (0, 0), random.uniform(0.5, 6))
    return np.clip(pixels + share * (other - pixels), 0, 255).astype(np.uint8)


def _mask(pixels: Pixels, p: Outline, random: Random) -> tuple[Cover, FloatArray]:
    """Over mouth and nose, or slipped below the nose."""
    top = p[28 + int(random.integers(0, 3))] if random.random() < 0.8 else p[33]
    first = int(random.integers(1, 4))
    sides = [p[first], *p[first + 1 : 16 - first], p[16 - first]]
    outline = hull([*sides, top, (top + p[first]) / 2 + [0, -2], (top + p[16 - first]) / 2 + [0, -2]])
    outline = grown(outline, random.uniform(1.0, 1.06))
    cover = _filled(pixels, outline)
    for end, ear in ((p[first], p[0]), (p[16 - first], p[16])):
        _line(cover, np.array([end, ear]), 0.015 * _width(p))
    return cover, _folds(_cloth(pixels, _width(p), random), p, random)


def _sunglasses(pixels: Pixels, p: Outline, random: Random) -> tuple[Cover, FloatArray]:
    """Two dark lenses, a bridge and the arms; no lens lets light through."""
    cover, width = np.zeros(pixels.shape[:2], np.float32), _width(p)
    scale, roundness = random.uniform(1.7, 2.4), random.uniform(0.55, 1.0)
    middles = [p[36:42].mean(axis=0), p[42:48].mean(axis=0)]
    across = p[45] - p[36]
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    half = scale * np.linalg.norm(p[39] - p[36]) / 2
    for middle in middles:
        shape = np.array(cv2.ellipse2Poly((0, 0), (100, int(100 * roundness)), round(angle), 0, 360, 6)) / 100.0
        if random.random() < 0.4:
            shape = np.sign(shape) * np.abs(shape) ** 0.6
        cover = np.maximum(cover, _filled(pixels, middle + half * shape))
    _line(cover, np.array(middles), 0.03 * width)
    for eye, ear in ((middles[0], p[0]), (middles[1], p[16])):
        _line(cover, np.array([eye, [ear[0], ear[1] - 0.03 * width]]), 0.025 * width)
    tint = random.uniform(5, 70, 3) if random.random() < 0.8 else random.uniform(30, 160, 3)
    rows = np.linspace(0, random.uniform(0, 60), len(pixels), dtype=np.float32)[:, None, None]
    return cover, (tint + rows + 0 * pixels).astype(np.float32)


def _hand(pixels: Pixels, p: Outline, random: Random) -> tuple[Cover, FloatArray]:
    """A palm and fingers from below or from a side, in any colour that skin has."""
    width, cover = _width(p), np.zeros(pixels.shape[:2], np.float32)
    goal = p[int(random.choice([30, 33, 51, 57, 36, 45, 8, 3, 13]))]
    away = random.uniform(0.1, 0.9) * np.pi
    root = goal + width * random.uniform(0.35, 0.7) * np.array([np.cos(away), np.sin(away)])
    along = (goal - root) / (np.linalg.norm(goal - root) or 1.0)
    beside = np.array([-along[1], along[0]])
    palm = width * random.uniform(0.16, 0.24)
    turn = np.linspace(0, 2 * np.pi, 24)[:, None]
    cover = np.maximum(cover, _filled(pixels, root + palm * (np.cos(turn) * along * 1.2 + np.sin(turn) * beside)))
    for place in np.linspace(-0.8, 0.8, int(random.integers(2, 5))):
        start = root + palm * place * beside
        bend = random.uniform(-0.15, 0.15) * beside + along
        end = start + width * random.uniform(0.25, 0.45) * bend
        _line(cover, np.array([start, end]), palm * random.uniform(0.38, 0.5))
    _line(cover, np.array([root, root - 2 * width * along]), palm * 1.5)
    skin = SKIN[int(random.integers(len(SKIN)))] * random.uniform(0.75, 1.1)
    shade = 1 + 0.25 * _field(pixels, random, 6)[..., None]
    dark = 1 - 0.3 * cv2.GaussianBlur(1 - cover, (0, 0), max(1.0, 0.03 * width))[..., None]
    return cover, (skin * shade * dark).astype(np.float32)


def _scarf(pixels: Pixels, p: Outline, random: Random) -> tuple[Cover, FloatArray]:
    """Everything below a wavy line between nose and chin."""
    level = random.choice([0.15, 0.35, 0.55]) + random.uniform(-0.1, 0.1)
    top = p[30] + level * (p[8] - p[30])
    across = (p[16] - p[0]) * 0.9
    steps = np.linspace(-1, 1, 15)
    wave = 0.03 * _width(p) * np.sin(3 * steps + random.uniform(0, 6))
    edge = top + steps[:, None] * across / 1.3 + np.stack([0 * wave, wave], axis=1)
    below = edge[::-1] + 0.9 * (p[8] - p[27])
    return _filled(pixels, np.concatenate([edge, below])), _folds(_cloth(pixels, _width(p), random), p, random)


def _patch(pixels: Pixels, p: Outline, random: Random) -> tuple[Cover, FloatArray]:
    """Any convex shape at any place of the face, of any texture."""
    goal, width = p[int(random.integers(0, 68))], _width(p)
    corners = random.normal(0, 1, (int(random.integers(3, 9)), 2))
    size = width * random.uniform(0.12, 0.45)
    return _filled(pixels, hull(goal + size * corners)), _cloth(pixels, _width(p), random)


def _bar(pixels: Pixels, p: Outline, random: Random) -> tuple[Cover, FloatArray]:
    """A bar across the face: a strap, a cup's side, a telephone."""
    goal, width, turn = p[int(random.integers(17, 68))], _width(p), random.uniform(0, np.pi)
    along = width * np.array([np.cos(turn), np.sin(turn)]) * random.uniform(0.3, 1.2)
    cover = np.zeros(pixels.shape[:2], np.float32)
    _line(cover, np.array([goal - along, goal + along]), width * random.uniform(0.08, 0.3), capped=False)
    return cover, _cloth(pixels, _width(p), random)


def _sheet(pixels: Pixels, p: Outline, random: Random) -> tuple[Cover, FloatArray]:
    """A sheet of paper with lines, held before a part of the face."""
    goal, width, turn = p[int(random.choice([30, 51, 36, 45, 8]))], _width(p), random.uniform(-0.5, 0.5)
    x = np.array([np.cos(turn), np.sin(turn)]) * width * random.uniform(0.2, 0.4)
    y = np.array([-np.sin(turn), np.cos(turn)]) * width * random.uniform(0.25, 0.45)
    paper = np.full(pixels.shape, random.uniform(200, 250), np.float32)
    for place in np.linspace(-0.85, 0.85, 9):
        ends = np.rint([goal - 0.8 * x + place * y, goal + 0.6 * x + place * y]).astype(int).tolist()
        cv2.line(paper, ends[0], ends[1], (60, 60, 70), max(1, round(0.012 * width)), cv2.LINE_AA)
    return _filled(pixels, np.array([goal - x - y, goal + x - y, goal + x + y, goal - x + y])), paper


OCCLUDERS: Final[dict[str, Callable[[Pixels, Outline, Random], tuple[Cover, FloatArray]]]] = {
    "mask": _mask,
    "sunglasses": _sunglasses,
    "hand": _hand,
    "scarf": _scarf,
    "patch": _patch,
    "bar": _bar,
    UNSEEN: _sheet,
}
"""By name: the cover and the colours below it."""
SEEN: Final = tuple(name for name in OCCLUDERS if name != UNSEEN)
"""Kinds to train with."""


def _width(p: Outline) -> float:
    """From temple to temple, pixels."""
    return float(np.linalg.norm(p[16] - p[0]))


def _filled(pixels: Pixels, outline: Outline) -> Cover:
    cover = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(cover, [np.rint((outline - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    return np.asarray(cover / np.float32(255), np.float32)


def _line(cover: Cover, ends: Outline, width: float, *, capped: bool = True) -> None:
    """A thick line, with round ends, added to a cover."""
    thick = max(1, round(width))
    if capped:
        start, end = np.rint(ends).astype(int).tolist()
        cv2.line(cover, start, end, 1.0, thick)
        return
    along = (ends[1] - ends[0]) / (np.linalg.norm(ends[1] - ends[0]) or 1.0)
    beside = np.array([-along[1], along[0]]) * width / 2
    corners = np.array([ends[0] - beside, ends[1] - beside, ends[1] + beside, ends[0] + beside])
    cv2.fillPoly(cover, [np.rint(corners * 16).astype(np.int32)], 1.0, shift=4)


def _field(pixels: Pixels, random: Random, cells: int) -> FloatArray:
    """A smooth random field of the picture's size, about -1..1."""
    coarse = random.uniform(-1, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, pixels.shape[1::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _cloth(pixels: Pixels, scale: float, random: Random) -> FloatArray:
    """A colour, plain or with stripes, checks, a weave, blots, or a part of the picture itself."""
    height, width = pixels.shape[:2]
    first, second = random.uniform(0, 255, 3), random.uniform(0, 255, 3)
    if random.random() < 0.35:  # white, black, grey and light blue are what masks are made in
        first = np.array([[240, 240, 240], [25, 25, 28], [130, 130, 135], [150, 195, 225]])[random.integers(4)]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    period = scale * random.uniform(0.03, 0.2)
    turn = random.uniform(0, np.pi)
    u, v = np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x
    match int(random.integers(6)):
        case 0:
            share = np.zeros((height, width), np.float32)
        case 1:
            share = (np.sin(2 * np.pi * u / period) > 0).astype(np.float32)
        case 2:
            share = ((np.sin(2 * np.pi * u / period) > 0) ^ (np.sin(2 * np.pi * v / period) > 0)).astype(np.float32)
        case 3:
            share = 0.5 + 0.5 * np.sin(4 * np.pi * u / period) * np.sin(4 * np.pi * v / period)
        case 4:
            share = (_field(pixels, random, int(random.integers(4, 16))) > 0).astype(np.float32)
        case _:
            moved = np.roll(pixels, tuple(int(s) for s in random.integers(40, 200, 2)), axis=(0, 1))
            return np.asarray(moved if random.random() < 0.5 else 255 - moved, np.float32)
    shade = 1 + random.uniform(0, 0.3) * _field(pixels, random, 5)
    noise = random.normal(0, random.uniform(0, 10), (height, width, 1))
    return np.asarray((first + share[..., None] * (second - first)) * shade[..., None] + noise, np.float32)


def _folds(cloth: FloatArray, p: Outline, random: Random) -> FloatArray:
    """Cloth with soft folds across the face."""
    rows = np.arange(len(cloth), dtype=np.float32)[:, None, None]
    period = _width(p) * random.uniform(0.08, 0.3)
    folds = 1 + random.uniform(0, 0.18) * np.sin(2 * np.pi * rows / period + random.uniform(0, 6))
    return np.asarray(cloth * folds, np.float32)
