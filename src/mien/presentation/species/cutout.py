"""A printed face, cut out along its outline and with holes for the eyes, worn or held before another background."""

from __future__ import annotations

import cv2
import numpy as np

from mien.presentation.maker import Maker
from mien.presentation.scene import SIDE, before, camera, hold, light, linear, room
from mien.presentation.species import species
from mien.presentation.species.print import FINE, halftone, seen
from mien.types.arrays import AnyArray, FloatArray, Pixels

RIM = 0.6
"""Pixels of the picture: bare paper that the scissors leave along a cut."""
LIFT = 0.55
"""Share of the light that reaches what lies behind the holes."""


def outline(points: FloatArray, side: int, draw: np.random.Generator) -> FloatArray:
    """Where paper is left: an uneven oval about the face without two almonds for the eyes.

    Args:
        points: (5, 2) of the face, pixels of a picture `SIDE` wide.
        side: of the mask that is wanted.
        draw: for the unevenness of the hand that cuts.

    Returns:
        (side, side) float32, 0 to 1.
    """
    scale = side / SIDE
    eyes, mouth = points[:2] * scale, points[3:].mean(axis=0) * scale
    middle, apart = eyes.mean(axis=0), float(np.linalg.norm(eyes[1] - eyes[0]))
    across, down = eyes[1] - eyes[0]
    turn = float(np.arctan2(down, across))
    centre = middle + (mouth - middle) * 0.4
    angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    waves = [draw.normal(0, 0.012) * np.cos(k * angles + draw.uniform(0, 6.3)) for k in range(2, 9)]
    wobble = 1 + np.sum(waves, axis=0)
    oval = _turned(np.stack([1.28 * np.cos(angles), 1.75 * np.sin(angles)], 1) * wobble[:, None] * apart, turn) + centre
    mask = np.zeros((side, side), np.uint8)
    _fill(mask, oval, 255)
    for eye in eyes:
        almond = np.stack([0.3 * np.cos(angles), 0.15 * np.sin(angles)], 1) * apart * draw.uniform(0.9, 1.15)
        _fill(mask, _turned(almond, turn) + eye, 0)
    left: FloatArray = (mask / 255).astype(np.float32)
    return left


def _turned(points: AnyArray, angle: float) -> AnyArray:
    cos, sin = np.cos(angle), np.sin(angle)
    found: AnyArray = points @ np.array([[cos, sin], [-sin, cos]])
    return found


def _fill(mask: AnyArray, shape: AnyArray, value: int) -> None:
    cv2.fillPoly(mask, [np.rint(shape * 16).astype(np.int32)], value, cv2.LINE_AA, 4)


def wearer(photo: Pixels, points: FloatArray, draw: np.random.Generator) -> FloatArray:
    """Whoever is behind the paper: the same photograph, a little larger or smaller and aside."""
    eyes = points[:2].mean(axis=0)
    aside, size = draw.normal(0, 4, 2), draw.uniform(0.97, 1.05)
    matrix = np.array([[size, 0, eyes[0] * (1 - size) + aside[0]], [0, size, eyes[1] * (1 - size) + aside[1]]])
    moved: AnyArray = cv2.warpAffine(
        photo, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return linear(moved)


@species.register("cutout")
def cut_out(photo: Pixels, points: FloatArray, maker: Maker, draw: np.random.Generator) -> Pixels:
    """Worn before the wearer's own head, or held before a room, in equal parts."""
    held = hold(draw, bend=0.35)
    mask = outline(points, FINE * SIDE, draw)
    sheet = halftone(photo, maker.press, draw)
    inside = np.clip(cv2.GaussianBlur(mask, (0, 0), RIM * FINE) * 2 - 1, 0, 1)[..., None]
    bare = np.array(maker.press.paper, np.float32)
    sheet = (sheet * inside + bare * (1 - inside)) * mask[..., None]
    drawn, u, v = seen(np.dstack([sheet, mask]), held)
    paper, cover = drawn[..., :3], drawn[..., 3]
    half = SIDE / 2
    places = u * half + half - 0.5, v * half + half - 0.5
    person: AnyArray = cv2.remap(
        wearer(photo, points, draw), *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    behind: AnyArray = person
    if draw.uniform() < 0.5:
        oval = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((5, 5)), iterations=FINE * 12)
        head = cv2.remap(cv2.resize(oval, (SIDE, SIDE)), *places, cv2.INTER_LINEAR)[..., None]
        behind = person * head * LIFT + room(draw) * (1 - head)
    return camera(light(before(paper, cover, behind, draw), draw), draw)
