"""Pictures of people with their eyes shut, made from pictures of people with open eyes."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import FloatArray, Pixels

LID = 0.35
"""Skin above the eye that is pulled down over it, in widths of the eye."""
OVERLAP = 0.1
"""How far the pulled lid reaches below the lower lid's landmarks, in widths of the eye."""
BESIDE = 0.12
"""How far beside the corners the pull fades out, in widths of the eye."""


def shut(pixels: Pixels, points: FloatArray) -> Pixels:
    """A copy of a picture in which both eyes of a face are shut.

    In each eye's own frame, x along the line of its corners, the strip of skin above the upper lid is stretched down to
    the lower one, so that the edge of the upper lid with its lashes lies where the lower lid was; each lid is the
    parabola through the corners and its two landmarks in the sense of least squares. What an eyelid looks like from
    outside is all there; that the cheek rises and the skin folds with a real blink is not.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        points: (68, 2) in the order of iBUG 300-W, pixels of that picture.
    """
    out = pixels
    for first in (36, 42):
        out = _shut(out, points[first : first + 6].astype(np.float64))
    return out


def _shut(pixels: Pixels, eye: NDArray[np.float64]) -> Pixels:
    along = eye[3] - eye[0]
    width = float(np.hypot(*along))
    if not width > 1:  # nothing is left of it to shut
        return pixels
    x_axis = along / width
    frame = np.stack([x_axis, [-x_axis[1], x_axis[0]]])  # rows: along the eye, and across it towards the mouth
    local = (eye - (eye[0] + eye[3]) / 2) @ frame.T / width  # corners at x = -0.5 and 0.5, y = 0
    upper, lower = _lid(local[[1, 2]]), _lid(local[[4, 5]])

    # Nothing further than a width from the middle is touched.
    low = np.maximum(np.floor((eye[0] + eye[3]) / 2 - width), 0).astype(int)
    high = np.minimum(np.ceil((eye[0] + eye[3]) / 2 + width) + 1, pixels.shape[1::-1]).astype(int)
    if (low >= high).any():
        return pixels
    rows, columns = np.mgrid[low[1] : high[1], low[0] : high[0]].astype(np.float64)
    place = np.stack([columns, rows], axis=2) - (eye[0] + eye[3]) / 2
    across = place @ frame.T / width
    x, y = across[..., 0], across[..., 1]
    arch = 0.25 - x**2
    top, edge = upper * arch, np.maximum(lower * arch, upper * arch) + OVERLAP * np.clip(4 * arch, 0, 1)
    fade = np.clip((0.5 + BESIDE - np.abs(x)) / BESIDE, 0, 1)
    # From `edge` up to LID above the lid, y of the made picture is taken from as far up as the lid was pulled down.
    share = np.clip((y - (top - LID)) / (edge - top + LID), 0, 1)
    taken = np.where((y > top - LID) & (y < edge), share * LID + top - LID, y)
    shift = (taken - y) * fade * width
    source_x, source_y = (columns + shift * frame[1, 0]), (rows + shift * frame[1, 1])
    moved = cv2.remap(
        pixels, source_x.astype("f4"), source_y.astype("f4"), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    out = pixels.copy()
    out[low[1] : high[1], low[0] : high[0]] = moved
    return out


def _lid(points: NDArray[np.float64]) -> float:
    """The height of a parabola through both corners, k (1/4 - x^2), that fits two points of a lid."""
    arch = 0.25 - points[:, 0] ** 2
    return float((points[:, 1] @ arch) / max(float(arch @ arch), 1e-6))
