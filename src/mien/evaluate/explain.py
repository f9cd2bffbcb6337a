"""Which parts of a face an expression head looks at: each hidden in turn, and how far the label's probability falls.

Occlusion sensitivity (Zeiler & Fergus, ECCV 2014) over regions instead of squares: the regions are those that the
action units of the Facial Action Coding System move (Ekman & Friesen 1978), placed by 68 landmarks. It needs no
gradients, so it explains any head. A part is hidden by a blur as wide as an eye: what is left has its colours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np

from mien.geometry.face_parts import ACTION_UNITS, Labels, action_units_of
from mien.models.heads import Head
from mien.models.views import Cuts
from mien.types.arrays import FloatArray, Pixels
from mien.types.faces import Faces
from mien.types.image import Image

EXPECTED: Final = {
    "angry": ("brows", "eyes", "mouth"),  # AU 4, 5, 7, 23
    "disgust": ("nose", "mouth"),  # AU 9, 15, 16
    "fear": ("brows", "eyes", "mouth", "chin"),  # AU 1, 2, 4, 5, 7, 20, 26
    "happy": ("cheeks", "mouth"),  # AU 6, 12
    "sad": ("brows", "mouth"),  # AU 1, 4, 15
    "surprise": ("brows", "eyes", "mouth", "chin"),  # AU 1, 2, 5, 26
}
"""Where the action units of a prototypical expression lie (EMFACS, Friesen & Ekman 1983); neutral has none."""
REACH = 1.6
"""Side of what is looked at in sides of the box."""
BLUR = 0.12
"""Standard deviation of the blur in widths of the box."""
EDGE = 0.015
"""The same of the border between hidden and seen."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """How the likeliest label's probability depends on each part.

    Args:
        label: number of the likeliest label.
        probability: of it, with nothing hidden.
        falls: (k,) by region of `ACTION_UNITS`, how far it falls when that is hidden; below 0 where it rises.
        areas: (k,) shares of the looked-at square that the regions take.
    """

    label: int
    probability: float
    falls: FloatArray
    areas: FloatArray

    @property
    def shares(self) -> FloatArray:
        """(k,) of all change, up or down, each region's part; zeros where nothing changes anything."""
        sizes = np.abs(self.falls)
        total = sizes.sum()
        found: FloatArray = sizes / total if total > 0 else sizes
        return found

    def to_dict(self, labels: tuple[str, ...]) -> dict[str, Any]:
        """For JSON: regions from the most to the least change."""
        order = np.argsort(-self.shares, kind="stable")
        regions = {
            ACTION_UNITS[i]: {
                "fall": round(float(self.falls[i]), 4),
                "share": round(float(self.shares[i]), 4),
                "area": round(float(self.areas[i]), 4),
            }
            for i in order
        }
        return {"label": labels[self.label], "probability": round(self.probability, 4), "regions": regions}


def explain(head: Head, image: Image, face: Faces, points: FloatArray) -> Explanation:
    """Hide each part of one face in turn and ask the head again.

    Args:
        head: gives probabilities of classes.
        image: the decoded picture.
        face: one face, in pixels of the full picture.
        points: (68, 2) pixels of the full picture.
    """
    cut, here, marks = surroundings(image, face, points)
    units = action_units_of(marks, cut.size)
    shares = head.look(Cuts(cut, here)).values[0]
    label = int(shares.argmax())
    hidden = [Image(hide(cut.pixels, units, n, float(here.widths[0]))) for n in range(len(ACTION_UNITS))]
    left = np.array([head.look(Cuts(picture, here)).values[0][label] for picture in hidden], np.float32)
    areas = np.bincount(units.reshape(-1), minlength=len(ACTION_UNITS)) / units.size
    return Explanation(label, float(shares[label]), shares[label] - left, areas.astype(np.float32))


def surroundings(image: Image, face: Faces, points: FloatArray) -> tuple[Image, Faces, FloatArray]:
    """The square about a face cut out, with the face and its points in its pixels."""
    here = face.scaled(*image.scale, image.size)
    box = here.boxes[0].astype(np.float64)
    half = REACH * (box[2:] - box[:2]).max() / 2
    middle = (box[:2] + box[2:]) / 2
    low = np.maximum(np.floor(middle - half), 0).astype(int)
    high = np.minimum(np.ceil(middle + half), image.size).astype(int)
    pixels = np.ascontiguousarray(image.pixels[low[1] : high[1], low[0] : high[0]])
    shift = low.astype(np.float32)
    size = (int(pixels.shape[1]), int(pixels.shape[0]))
    moved = Faces(here.boxes - np.tile(shift, 2), here.scores, here.points - shift, size, face.source)
    return Image(pixels), moved, points * np.array(image.scale, np.float32) - shift


def hide(pixels: Pixels, units: Labels, number: int, width: float) -> Pixels:
    """A copy with one region blurred.

    Args:
        pixels: (h, w, 3) uint8 RGB.
        units: (h, w) numbers of regions.
        number: the one to hide.
        width: of the face's box, pixels.
    """
    share = cv2.GaussianBlur((units == number).astype(np.float32), (0, 0), max(0.5, EDGE * width))[..., None]
    blurred = cv2.GaussianBlur(pixels, (0, 0), max(1.0, BLUR * width))
    mixed: Pixels = np.rint(pixels + share * (blurred.astype(np.float32) - pixels)).astype(np.uint8)
    return mixed
