"""Drawn faces, and a detector and an embedder that know nothing else: the whole way of a picture without weights.

A drawn face is a square whose green channel has one value that a background must not have; red and blue carry a pattern
of 4 x 4 fields that stands for the person. Only pictures that were never compressed with loss will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mien.geometry.align import ARCFACE
from mien.types.arrays import Boxes, Crops, Embeddings, Pixels, Points, unit_rows
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.template import Precision, TemplateContract

GREEN = 222
DIMENSION = 32
CONTRACT = TemplateContract("toy", "toy", DIMENSION, "toy-fields-112")


def draw_face(person: int, *, side: int = 112) -> Pixels:
    """(side, side, 3) uint8 RGB: the face of a person, the same for the same number."""
    fields = np.random.default_rng(person).integers(0, 256, (4, 4, 2)).astype(np.uint8)
    face = np.full((side, side, 3), GREEN, np.uint8)
    face[:, :, [0, 2]] = cv2.resize(fields, (side, side), interpolation=cv2.INTER_NEAREST)
    return face


def draw_picture(people: list[int], *, side: int = 112, gap: int = 20) -> Pixels:
    """A row of faces on black, at least one."""
    height, width = side + 2 * gap, len(people) * (side + gap) + gap
    picture = np.zeros((height, width, 3), np.uint8)
    for i, person in enumerate(people):
        left = gap + i * (side + gap)
        picture[gap : gap + side, left : left + side] = draw_face(person, side=side)
    return picture


@dataclass(frozen=True, slots=True)
class ToyDetector:
    """Finds drawn faces."""

    name: str = "toy"
    side: int = 100_000

    def detect(self, image: Image) -> Faces:
        """Faces from left to right, all with score 1, in pixels of the full upright picture."""
        mask = (image.pixels[:, :, 1] == GREEN).astype(np.uint8)
        _, _, areas, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        rows = [(x, y, x + w, y + h) for x, y, w, h, area in areas[1:] if area == w * h and min(w, h) >= 16]
        boxes = np.array(sorted(rows), np.float32).reshape(-1, 4)
        width, height = image.size
        found = Faces(boxes, np.ones(len(boxes), np.float32), _points(boxes), image.size, image.source)
        return found.scaled(image.full_size[0] / width, image.full_size[1] / height, image.full_size)

    def detect_many(self, images: Sequence[Image]) -> list[Faces]:
        """The faces of each picture."""
        return [self.detect(image) for image in images]


def _points(boxes: Boxes) -> Points:
    """The five points where a box exactly fills an aligned crop."""
    sides = (boxes[:, 2:] - boxes[:, :2])[:, None]
    points: Points = boxes[:, None, :2] + ARCFACE[None] / np.float32(112) * sides
    return points


@dataclass(frozen=True, slots=True)
class ToyEmbedder:
    """Turns the fields of a drawn face into a vector; other pictures get one too."""

    contract: TemplateContract = CONTRACT
    precision: Precision = Precision.F32
    batch: int = 4

    def embed(self, crops: Crops) -> Embeddings:
        """(n, 112, 112, 3) uint8 RGB aligned crops to (n, 32) float32 rows of length 1."""
        fields = crops[:, :, :, [0, 2]].reshape(-1, 4, 28, 4, 28, 2).mean(axis=(2, 4)).reshape(-1, DIMENSION)
        # a mean of 28 x 28 whole numbers is never 127.2501, so no crop gives the zero vector
        return unit_rows((fields - 127.2501).astype(np.float32))
