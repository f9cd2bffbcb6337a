"""Parts of faces as colours over a picture, for people to look at."""

from __future__ import annotations

import cv2
import numpy as np

from mien.geometry.face_parts import Labels
from mien.types.arrays import Pixels

STRENGTH = 0.45
"""Of the colour; the rest is the picture."""


def draw_parts(pixels: Pixels, labels: Labels) -> Pixels:
    """A copy with every class but the background in a colour of its own.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        labels: (h, w) numbers of classes.
    """
    colours = np.stack([colour(number) for number in range(int(labels.max(initial=0)) + 1)]).astype(np.float32)
    share = (STRENGTH * (labels > 0)).astype(np.float32)[..., None]
    return np.rint(pixels + share * (colours[labels] - pixels)).astype(np.uint8)


def colour(number: int) -> Pixels:
    """(3,) uint8 RGB of a class: hues a golden section of the circle apart, so that neighbours differ."""
    hue = int(number * 0.618034 * 180) % 180
    found: Pixels = cv2.cvtColor(np.array([[[hue, 200, 255]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0].astype(np.uint8)
    return found
