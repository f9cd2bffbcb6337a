"""Faces made unrecognisable in a picture, in a strength that goes with their size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.pipeline.stand_in import draw, paste
from mien.types.arrays import Boxes, FloatArray, Pixels
from mien.types.faces import Face


class How(StrEnum):
    """What is put in a face's place."""

    BLUR = "blur"
    """A smooth picture of a few cells of average colour."""
    PIXELATE = "pixelate"
    """The cells themselves."""
    FILL = "fill"
    """Black."""
    REPLACE = "replace"
    """The drawn face of nobody."""


@dataclass(frozen=True, slots=True)
class Level:
    """One strength.

    Args:
        margin: share of the box that is added on each side.
        cells: along the longer side of the grown box; what blur and pixelate leave. Without any they fill.
        box: hide all of the grown box, not only the ellipse in it.
    """

    margin: float
    cells: int
    box: bool


LEVELS: Final = (Level(0.25, 4, False), Level(0.35, 3, False), Level(0.5, 2, True), Level(0.8, 0, True))
"""From the usual strength to the last. With a margin of 0.25 the ellipse holds the whole box."""
BLACK: Final = 0
"""What fills. To an embedder an even grey or skin tone is a face like others, and some people are like it: SFace gives
a cosine of 0.41 to 0.44 to one of 300 of LFW, to black 0.27 (`benchmarks/bench_anonymize.py --tones`)."""


@dataclass(frozen=True, slots=True)
class Cover:
    """One face to hide.

    Args:
        face: box and five points in pixels of the picture.
        seed: which face of nobody takes its place.
        level: row of `LEVELS`.
    """

    face: Face
    seed: int
    level: int = 0

    @property
    def last(self) -> bool:
        """Whether there is no stronger one."""
        return self.level == len(LEVELS) - 1

    def stronger(self) -> Cover:
        """One level up, with another face of nobody; at the last level only that."""
        return replace(self, seed=self.seed + 1, level=min(self.level + 1, len(LEVELS) - 1))

    def strongest(self) -> Cover:
        """At the last level."""
        return replace(self, level=len(LEVELS) - 1)

    def area(self, size: tuple[int, int]) -> tuple[slice, slice]:
        """Rows and columns of the grown box inside a picture of (width, height); at least one pixel wide if inside."""
        x0, y0, x1, y1 = self._grown()
        columns = slice(max(0, int(np.floor(x0))), max(0, min(size[0], int(np.ceil(x1)))))
        return slice(max(0, int(np.floor(y0))), max(0, min(size[1], int(np.ceil(y1))))), columns

    def mask(self, size: tuple[int, int]) -> NDArray[np.bool_]:
        """(h, w) of `area`: the pixels that are hidden."""
        rows, columns = self.area(size)
        if LEVELS[self.level].box:
            return np.ones((max(0, rows.stop - rows.start), max(0, columns.stop - columns.start)), np.bool_)
        x0, y0, x1, y1 = self._grown()
        x = (np.arange(columns.start, columns.stop) + 0.5 - (x0 + x1) / 2) / ((x1 - x0) / 2)
        y = (np.arange(rows.start, rows.stop) + 0.5 - (y0 + y1) / 2) / ((y1 - y0) / 2)
        inside: NDArray[np.bool_] = x[None] ** 2 + y[:, None] ** 2 <= 1
        return inside

    def _grown(self) -> tuple[float, float, float, float]:
        x0, y0, x1, y1 = self.face.box
        margin = LEVELS[self.level].margin
        dx, dy = max(x1 - x0, 1) * margin, max(y1 - y0, 1) * margin
        return x0 - dx, y0 - dy, max(x1, x0 + 1) + dx, max(y1, y0 + 1) + dy


def hide(pixels: Pixels, covers: Sequence[Cover], how: How) -> Pixels:
    """A copy of a picture in which every face is covered.

    Args:
        pixels: (h, w, 3) uint8 RGB, the full picture.
        covers: the faces.
        how: what is put in their place.

    Raises:
        ValueError: ``replace`` of a face whose five points coincide.
    """
    out = pixels.copy()
    size = pixels.shape[1], pixels.shape[0]
    for cover in sorted(covers, key=lambda each: each.level):  # the strongest last: no weaker one spreads over it
        rows, columns = cover.area(size)
        mask = cover.mask(size)
        if mask.size:
            # From the picture so far: where two faces overlap, nothing of the one comes back with the other.
            out[rows, columns] = _covered(out[rows, columns], mask, cover, how, (columns.start, rows.start))
    return out


def _covered(patch: Pixels, mask: NDArray[np.bool_], cover: Cover, how: How, origin: tuple[int, int]) -> Pixels:
    if how is How.FILL or (how is not How.REPLACE and not LEVELS[cover.level].cells):
        return np.where(mask[:, :, None], np.uint8(BLACK), patch)
    if how is How.REPLACE:
        drawing = draw(cover.seed)
        blank = np.where(mask[:, :, None], np.array(drawing.tone, np.uint8), patch)
        return paste(blank, np.array(cover.face.points, np.float32) - np.array(origin, np.float32), drawing)
    return np.where(mask[:, :, None], _coarse(patch, cover, smooth=how is How.BLUR), patch)


def _coarse(patch: Pixels, cover: Cover, *, smooth: bool) -> Pixels:
    """The patch as cells of average colour, as many along the whole face however much of it the picture shows."""
    height, width = patch.shape[:2]
    x0, y0, x1, y1 = cover._grown()
    cell = max(x1 - x0, y1 - y0) / LEVELS[cover.level].cells
    grid = max(1, min(width, round(width / cell))), max(1, min(height, round(height / cell)))
    cells = cv2.resize(patch, grid, interpolation=cv2.INTER_AREA)
    back = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(cells, (width, height), interpolation=back), np.uint8)


def covered_share(boxes: Boxes, covers: Sequence[Cover], size: tuple[int, int]) -> FloatArray:
    """(n,) share in 0..1 of each box (inside the picture) that is hidden; 0 for a box outside it."""
    hidden = np.zeros((size[1], size[0]), np.bool_)
    for cover in covers:
        hidden[cover.area(size)] |= cover.mask(size)
    shares = np.zeros(len(boxes), np.float32)
    for row, (x0, y0, x1, y1) in enumerate(boxes.clip(0).astype(int)):
        part = hidden[y0 : y1 + 1, x0 : x1 + 1]
        shares[row] = part.mean() if part.size else 0.0
    return shares
