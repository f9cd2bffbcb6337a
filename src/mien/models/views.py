"""Cuts of the faces of a picture; heads that look at the same cut share it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.geometry.align import CHIP, align_faces
from mien.models.card import InputContract
from mien.types.arrays import AnyArray, Boxes, FloatArray, Pixels
from mien.types.faces import Faces
from mien.types.image import Image

Regions: TypeAlias = NDArray[np.int64]
"""(n, 4) int64 x0 y0 x1 y1 in pixels of the decoded picture; may pass its border."""


class Shape(StrEnum):
    """How a detector's box becomes the region that is cut."""

    BOX = "box"
    """The box about its own centre, stretched to the square of the network."""
    SQUARE = "square"
    """A square about the centre, its side the box's longer one."""
    CLIPPED = "clipped"
    """As BOX, without what lies outside the picture."""
    INSIDE = "inside"
    """As BOX, shrunk and moved until it lies inside the picture, as anti-spoofing networks are trained."""


@dataclass(frozen=True, slots=True)
class View:
    """What of a face a head looks at.

    Args:
        shape: how the region follows from the box.
        scale: sides of the region in sides of the box.
        side: pixels of a cut, a square.
    """

    shape: Shape
    scale: float
    side: int

    def regions(self, boxes: Boxes, size: tuple[int, int]) -> Regions:
        """The region of each box, at least one pixel wide and high.

        Args:
            boxes: (n, 4) float32 in pixels of the decoded picture.
            size: (width, height) of that picture.
        """
        low, high = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64)
        middle, sides = (low + high) / 2, np.maximum(high - low, 1.0)
        if self.shape is Shape.SQUARE:
            sides = np.repeat(sides.max(axis=1, keepdims=True), 2, axis=1)
        factor = np.full((len(boxes), 1), self.scale)
        if self.shape is Shape.INSIDE:
            room = (np.array(size) - 1) / sides
            factor = np.minimum(factor, room.min(axis=1, keepdims=True))
        sides = sides * factor
        start, end = middle - sides / 2, middle + sides / 2
        if self.shape is Shape.INSIDE:
            shift = np.clip(start, 0, np.maximum(np.array(size) - 1 - sides, 0)) - start
            start, end = start + shift, end + shift
        if self.shape is Shape.CLIPPED:
            start, end = np.clip(start, 0, np.array(size) - 1), np.clip(end, 1, size)
        start = np.floor(start + 0.5).astype(np.int64)
        end = np.maximum(np.floor(end + 0.5).astype(np.int64), start + 1)
        return np.concatenate([start, end], axis=1)


@dataclass(frozen=True, slots=True)
class Upright:
    """A face turned upright and scaled by its five points, as dlib cuts its chips; black outside the picture.

    Args:
        side: pixels of a cut, a square.
    """

    side: int


class Cuts:
    """The faces of one decoded picture, cut as heads ask for it; a view is cut once.

    Args:
        image: the picture, reduced or not.
        faces: in coordinates of the full picture, with the columns that earlier heads gave.
    """

    def __init__(self, image: Image, faces: Faces) -> None:
        self.image = image
        self.faces = faces
        inside = faces.scaled(*image.scale, image.size)
        self._boxes, self._points = inside.boxes, inside.points
        self._cut: dict[View, tuple[Pixels, Regions]] = {}
        self._upright: dict[Upright, Pixels] = {}

    def cut(self, view: View | Upright) -> Pixels:
        """(n, side, side, 3) uint8 RGB."""
        if isinstance(view, View):
            return self._look(view)[0]
        if view not in self._upright:
            self._upright[view] = align_faces(self.image.pixels, self._points, view.side, CHIP)
        return self._upright[view]

    def regions(self, view: View) -> FloatArray:
        """(n, 4) float32: where the cuts lie, x0 y0 x1 y1 in pixels of the full picture."""
        found: FloatArray = (self._look(view)[1] / np.tile(self.image.scale, 2)).astype(np.float32)
        return found

    def _look(self, view: View) -> tuple[Pixels, Regions]:
        if view not in self._cut:
            regions = view.regions(self._boxes, self.image.size)
            self._cut[view] = cut_regions(self.image.pixels, regions, view.side), regions
        return self._cut[view]


def cut_regions(pixels: Pixels, regions: Regions, side: int) -> Pixels:
    """Each region resized to a square: averaged where it shrinks, linear where it grows.

    Args:
        pixels: (h, w, 3) uint8.
        regions: (n, 4) int64; what lies outside the picture repeats its border.
        side: of a cut, pixels.

    Returns:
        (n, side, side, 3) uint8.
    """
    cuts = np.empty((len(regions), side, side, 3), np.uint8)
    for region, target in zip(regions, cuts, strict=True):
        part = _part(pixels, *(int(v) for v in region))
        shrinks = part.shape[0] >= side and part.shape[1] >= side
        cv2.resize(part, (side, side), dst=target, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return cuts


def _part(pixels: Pixels, x0: int, y0: int, x1: int, y1: int) -> AnyArray:
    height, width = pixels.shape[:2]
    if x0 >= 0 and y0 >= 0 and x1 <= width and y1 <= height:
        return pixels[y0:y1, x0:x1]
    # A region far outside has no pixel of its own; the nearest border stands for it.
    columns = np.clip(np.arange(x0, x1), 0, width - 1)
    rows = np.clip(np.arange(y0, y1), 0, height - 1)
    return np.ascontiguousarray(pixels[rows[:, None], columns])


def prepared(cuts: Pixels, contract: InputContract) -> FloatArray:
    """Cuts as a head's network takes them.

    Args:
        cuts: (n, h, w, 3) uint8 RGB; of another size than the network's they are resized.
        contract: the input part of a head's card.

    Returns:
        (n, c, H, W) float32: (pixel - mean) * scale / deviation; grey is 0.299 R + 0.587 G + 0.114 B in whole numbers.
    """
    size = contract.size or (cuts.shape[2], cuts.shape[1])
    if (cuts.shape[2], cuts.shape[1]) != size:
        cuts = np.stack([cv2.resize(cut, size, interpolation=cv2.INTER_AREA) for cut in cuts])
    if contract.colour == "GREY":
        planes = [np.stack([cv2.cvtColor(cut, cv2.COLOR_RGB2GRAY) for cut in cuts])]
    else:
        planes = [cuts[..., channel] for channel in ((0, 1, 2) if contract.colour == "RGB" else (2, 1, 0))]
    values = np.empty((len(cuts), len(planes), size[1], size[0]), np.float32)
    # Plane by plane into its place: a fifth of the time of whole arrays that are copied into order at the end.
    for number, (plane, mean, deviation) in enumerate(zip(planes, contract.mean, contract.deviation, strict=False)):
        np.subtract(plane, np.float32(mean), out=values[:, number])
        values[:, number] *= np.float32(contract.scale / deviation)
    return values
