"""Faces of every size: a picture is looked at in several resolutions, and each of them answers for a band of sizes.

A detector trained on faces of 10 to 300 px meets a 20 px face in a crowd and a 1,500 px face in a selfie. Beyond its
band it does not only miss: YuNet reports half of a face of 800 px, with a score of 0.6. So the finest pass keeps faces
up to `largest` px, a pass at a fifth of the resolution finds the rest, and non-maximum suppression joins them where the
bands overlap. A picture in which no face can be larger than the band gets a single pass. A strip is not squeezed until
its long side fits: it gets as many pixels as a picture of two to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeAlias

import cv2
import numpy as np

from mien.geometry.boxes import nms
from mien.types.arrays import Boxes, FloatArray, Pixels, Points
from mien.types.faces import Faces
from mien.types.image import Image


@dataclass(frozen=True, slots=True)
class Bands:
    """Which resolutions are looked at, and which faces each may report. All in pixels of the network's input.

    `benchmarks/bench_detection.py` measures them.

    Args:
        tiny: a picture whose long side is shorter is enlarged to it.
        single: up to this long side one pass finds faces of every size.
        coarsest: long side of the last pass.
        step: from one pass to the next the long side shrinks by this factor.
        largest: highest face that a pass may report when a coarser one follows.
        smallest: a coarser pass reports faces that would be at least this high in the pass before it.
        overlap: of two faces whose boxes have a greater IoU, the surer one stays.
    """

    tiny: int = 160
    single: int = 400
    coarsest: int = 320
    step: int = 5
    largest: float = 300
    smallest: float = 150
    overlap: float = 0.4

    def sides(self, side: int) -> Iterator[int]:
        """Long sides of the passes, finest first."""
        side = max(side, self.tiny)
        yield side
        while side > self.single:
            side = max(self.coarsest, side // self.step)
            yield side


BANDS = Bands()
SIDE = 1600
"""Default long side of the finest pass: of faces of 60 px in a 4,000 px picture it finds 72 % (1280: 63, 2560: 82)."""
STRIP = 2.0
"""Long side over short side beyond which a picture is a strip; 16:9 is none."""
MOST = 1000
"""Default of most faces in a picture; it bounds the time a picture made to be slow can take."""
TOGETHER = 4 * 256 * 256
"""Several pictures of one size go through the network in one call as long as the squares of their long sides, in
pixels of its input, add up to no more than this.

Milliseconds of processor a picture of 256 x 256, alone, by 2, 4 and 8: YuNet 1.21, 1.02, 0.96, 0.95; CenterFace 4.0
whatever the number. From 416 x 416 on nothing is gained (OpenVINO, bfloat16).
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What one pass found, in pixels of what it looked at: (n, 4) boxes, (n,) scores, (n, 5, 2) points."""

    boxes: Boxes
    scores: FloatArray
    points: Points


Find: TypeAlias = Callable[[Sequence[Pixels]], list[Found]]
"""A detector at one resolution: from pictures of one size to what is found in each, in their order."""


def look(images: Sequence[Image], find: Find, *, side: int, most: int, bands: Bands = BANDS) -> list[Faces]:
    """All faces of each picture; small pictures of one size go through the network together.

    Args:
        images: pictures, or reduced decodes of them, of any sizes.
        find: the detector at one resolution.
        side: long side of the finest pass.
        most: of more faces in a picture than this, the surest are kept.
        bands: which passes, and what each may report.

    Returns:
        Faces of every picture by descending score, in pixels of the full picture; in the order of the pictures.
    """
    faces: dict[int, Faces] = {}
    for rows, sides in _together(images, side, bands):
        passes = zip(*_passes([images[row] for row in rows], sides, find, bands), strict=True)
        for row, found in zip(rows, passes, strict=True):
            faces[row] = _joined(images[row], found, most, bands.overlap)
    return [faces[row] for row in range(len(images))]


def _together(images: Sequence[Image], side: int, bands: Bands) -> Iterator[tuple[list[int], list[int]]]:
    """Numbers of pictures that go through the network in one call, and the long sides of their passes."""
    by_size: dict[tuple[int, int], list[int]] = {}
    for row, image in enumerate(images):
        by_size.setdefault(image.size, []).append(row)
    for size, rows in by_size.items():
        sides = list(bands.sides(min(strip_side(size, side), max(size))))
        step = max(1, TOGETHER // sides[0] ** 2)
        yield from ((rows[start : start + step], sides) for start in range(0, len(rows), step))


def _passes(images: Sequence[Image], sides: list[int], find: Find, bands: Bands) -> Iterator[list[Found]]:
    """What each pass found in its band in each of the pictures, all of one size, in pixels of the full picture."""
    pictures = [image.pixels for image in images]
    for finer, current in zip([0, *sides], sides, strict=False):
        pictures = [_resized(pixels, current) for pixels in pictures]
        lowest = bands.smallest * current / finer if finer else 0.0
        highest = np.inf if current == sides[-1] else bands.largest
        height, width = pictures[0].shape[:2]
        yield [
            _in_full(_banded(found, lowest, highest), image.full_size[0] / width, image.full_size[1] / height)
            for image, found in zip(images, find(pictures), strict=True)
        ]


def _banded(found: Found, lowest: float, highest: float) -> Found:
    """The faces whose height in pixels of the network's input lies in the band."""
    heights = found.boxes[:, 3] - found.boxes[:, 1]
    kept = (heights >= lowest) & (heights <= highest)
    return found if kept.all() else Found(found.boxes[kept], found.scores[kept], found.points[kept])


def _in_full(found: Found, x: float, y: float) -> Found:
    """Coordinates times (x, y)."""
    factor = np.array([x, y, x, y], np.float32)
    return Found(found.boxes * factor, found.scores, found.points * factor[:2])


def _joined(image: Image, passes: Sequence[Found], most: int, overlap: float) -> Faces:
    """The faces of all passes over a picture, each once."""
    boxes = np.concatenate([found.boxes for found in passes])
    scores = np.concatenate([found.scores for found in passes])
    points = np.concatenate([found.points for found in passes])
    rows = nms(boxes, scores, overlap=overlap, most=most + 1)
    kept = rows[:most]
    return Faces(boxes[kept], scores[kept], points[kept], image.full_size, image.source, truncated=len(rows) > most)


def strip_side(size: tuple[int, int], side: int) -> int:
    """The long side that gives a strip as many pixels as a picture of `STRIP` to one; `side` for all that is no strip.

    Args:
        size: (width, height) of the picture.
        side: long side of the finest pass.

    Example:
        >>> strip_side((1000, 8000), 1600)
        3200
    """
    short, long = sorted(size)
    return round(side * sqrt(max(1.0, long / short / STRIP)))


def _resized(pixels: Pixels, side: int) -> Pixels:
    """The picture with its long side at `side` pixels."""
    height, width = pixels.shape[:2]
    if max(width, height) == side:
        return pixels
    scale = side / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # below a half, linear interpolation would skip pixels
    method = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)
