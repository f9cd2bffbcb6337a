"""Drawn faces whose landmarks, light and detail are known."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.quality.portrait import Portrait
from mien.types.image import Image

F8 = NDArray[np.float64]


def landmarks(eye: float = 100.0, middle: tuple[float, float] = (300.0, 300.0)) -> F8:
    """68 points of an upright face: eyes `eye` px apart about `middle`, mouth and chin 1.15 and 1.8 of it below."""
    points = np.zeros((68, 2))
    angles = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([1.1 * np.cos(angles), 1.8 * np.sin(angles)], axis=1)
    points[17:27] = np.stack([np.linspace(-0.9, 0.9, 10), np.full(10, -0.35)], axis=1)
    points[27:31] = np.stack([np.zeros(4), np.linspace(0, 0.57, 4)], axis=1)
    points[31:36] = np.stack([np.linspace(-0.2, 0.2, 5), np.full(5, 0.65)], axis=1)
    eye_shape = np.array([[-0.2, 0], [-0.07, -0.05], [0.07, -0.05], [0.2, 0], [0.07, 0.05], [-0.07, 0.05]])
    points[36:42], points[42:48] = (eye_shape + np.array([side, 0]) for side in (-0.5, 0.5))
    turn = np.linspace(np.pi, -np.pi, 13)[:12]
    points[48:60] = np.stack([0.41 * np.cos(turn), 1.15 - 0.12 * np.sin(turn)], axis=1)
    inner = np.linspace(np.pi, -np.pi, 9)[:8]
    points[60:68] = np.stack([0.3 * np.cos(inner), 1.15 + 0 * inner], axis=1)
    return points * eye + np.array(middle)


def portrait(pixels: Any, points: F8 | None = None, **more: Any) -> Portrait:
    """A face in these pixels."""
    array = np.ascontiguousarray(np.asarray(pixels, np.uint8))
    return Portrait(Image(array), landmarks() if points is None else points, **more)


def plain(value: int | tuple[int, int, int], side: int = 600) -> NDArray[np.uint8]:
    """(side, side, 3) of one colour."""
    return np.full((side, side, 3), value, np.uint8)


def textured(side: int = 600, seed: int = 0) -> NDArray[np.uint8]:
    """Blobs of all sizes, as skin, brows and hair have them."""
    random = np.random.default_rng(seed)
    sheets = [cv2.resize(random.normal(0, 1, (side // s, side // s)), (side, side)) for s in (1, 2, 4, 8, 16, 32)]
    grey = np.clip(128 + 14 * np.sum(sheets, axis=0), 0, 255)
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)
