"""What box, five points and crop say of a face, as numbers that a small regressor can weigh."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.geometry.align import ARCFACE, similarity
from mien.quality.utility import Sights
from mien.types.arrays import Boxes, Crops, FloatArray, Points

F8 = NDArray[np.float64]

FACE: Final = (slice(28, 100), slice(28, 84))
"""Rows and columns of an aligned face that hold skin, without hair and background."""
NAMES: Final = (
    *(f"{point} {axis}" for point in ("left eye", "right eye", "nose", "left mouth", "right mouth") for axis in "xy"),
    "eyes px",
    "aspect",
    "roll",
    "yaw",
    "pitch",
    "misfit",
    "detector",
    "sharpness",
    "fine detail",
    "brightness",
    "contrast",
    "sides differ",
    "noise",
)


def features(sights: Sights) -> FloatArray:
    """(n, 23) float32, the columns of `NAMES`."""
    columns = [
        _in_box(sights.points, sights.boxes),
        _geometry(sights.points, sights.boxes),
        sights.scores[:, None].astype(np.float64),
        _pixels(sights.crops),
    ]
    return np.concatenate(columns, axis=1).astype(np.float32)


def _in_box(points: Points, boxes: Boxes) -> F8:
    """(n, 10): the five points in shares of the box."""
    low, high = boxes[:, None, :2].astype(np.float64), boxes[:, None, 2:]
    return ((points - low) / np.maximum(high - low, 1)).reshape(len(points), -1)


def _geometry(points: Points, boxes: Boxes) -> F8:
    """(n, 6): distance between the eyes, box shape, and how far the points are from those of a face seen frontally."""
    p = points.astype(np.float64)
    left, right, nose, mouth = p[:, 0], p[:, 1], p[:, 2], p[:, 3:].mean(axis=1)
    across, middle = right - left, (left + right) / 2
    eyes = np.maximum(np.linalg.norm(across, axis=1), 1e-3)
    along = across / eyes[:, None]
    down = np.stack([-along[:, 1], along[:, 0]], axis=1)
    yaw = ((nose - middle) * along).sum(axis=1) / eyes
    drop = np.maximum(np.abs(((mouth - middle) * down).sum(axis=1)), 1e-3)
    pitch = ((nose - middle) * down).sum(axis=1) / drop
    roll = np.degrees(np.arctan2(across[:, 1], across[:, 0]))
    sides = boxes[:, 2:] - boxes[:, :2]
    aspect = sides[:, 0] / np.maximum(sides[:, 1], 1)
    return np.stack([np.log(eyes), aspect, np.abs(roll), np.abs(yaw), pitch, _misfit(points)], axis=1)


def _misfit(points: Points) -> F8:
    """(n,) mean distance of the aligned points from the template, in pixels of the crop."""
    maps = similarity(points, ARCFACE)
    aligned = np.einsum("nij,nkj->nki", maps[:, :, :2], points.astype(np.float64)) + maps[:, None, :, 2]
    return np.asarray(np.linalg.norm(aligned - ARCFACE, axis=2).mean(axis=1), np.float64)


def _pixels(crops: Crops) -> F8:
    """(n, 6) of the aligned face in grey: detail at two scales, light, and noise."""
    rows = [_light(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[FACE].astype(np.float32)) for crop in crops]
    return np.array(rows, np.float64).reshape(-1, 6)


def _light(grey: FloatArray) -> list[float]:
    """Of (h, w) grey of 0..255; detail in shares of the contrast, so that a dark face is not a blurred one."""
    contrast = max(float(grey.std()), 1.0)
    soft = cv2.GaussianBlur(grey, (0, 0), 1.5)
    halves = [float(half.mean()) for half in np.array_split(grey, 2, axis=1)]
    return [
        float(np.log(cv2.Laplacian(soft, cv2.CV_32F).std() / contrast + 1e-4)),
        float(np.log(cv2.Laplacian(grey, cv2.CV_32F).std() / contrast + 1e-4)),
        float(grey.mean()),
        contrast,
        abs(halves[0] - halves[1]) / max(sum(halves), 1.0),
        float(np.median(np.abs(grey - cv2.medianBlur(grey, 3)))),
    ]
