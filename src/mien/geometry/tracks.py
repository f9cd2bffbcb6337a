"""Which face of a frame is which face of the frames before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.geometry.boxes import iou
from mien.types.arrays import Boxes, FloatArray, Points

OVERLAP = 0.3
"""Boxes of one face in neighbouring frames share at least this (IoU) ..."""
NEAR = 0.5
"""... or its points have moved by at most this part of the box's width, on average: frames may lie far apart."""


@dataclass(slots=True)
class _Track:
    number: int
    box: Boxes
    points: Points
    seen: int


class Tracks:
    """Numbers of faces over frames; a number is never given to another face.

    Args:
        patience: frames that a face may be away and still be the same.
    """

    def __init__(self, patience: int = 5) -> None:
        self._patience = patience
        self._tracks: list[_Track] = []
        self._frame = -1
        self._count = 0

    def follow(self, boxes: Boxes, points: Points) -> list[int]:
        """The number of each face of the next frame, from 0 in the order in which faces came.

        Pairs are made greedily, the likest first.

        Args:
            boxes: (n, 4).
            points: (n, k, 2) in the same frame.
        """
        self._frame += 1
        self._tracks = [track for track in self._tracks if self._frame - track.seen <= self._patience + 1]
        numbers = [-1] * len(boxes)
        taken: set[int] = set()
        for row, column in self._pairs(boxes, points):
            if numbers[row] < 0 and column not in taken:
                numbers[row] = self._tracks[column].number
                taken.add(column)
                self._tracks[column] = self._track(numbers[row], boxes, points, row)
        for row, number in enumerate(numbers):
            if number < 0:
                numbers[row] = self._count
                self._tracks.append(self._track(self._count, boxes, points, row))
                self._count += 1
        return numbers

    def _pairs(self, boxes: Boxes, points: Points) -> list[tuple[int, int]]:
        """Rows and tracks that may be one face, the likest first."""
        if not (len(boxes) and self._tracks):
            return []
        known = np.concatenate([track.box for track in self._tracks])
        shared = iou(boxes, known)
        apart = moved(points, np.concatenate([track.points for track in self._tracks]), known)
        allowed = (shared >= OVERLAP) | (apart <= NEAR)
        order = np.argsort(apart - shared, axis=None, kind="stable")
        found = (divmod(int(i), len(known)) for i in order)
        return [(row, column) for row, column in found if allowed[row, column]]

    def _track(self, number: int, boxes: Boxes, points: Points, row: int) -> _Track:
        return _Track(number, boxes[row : row + 1], points[row : row + 1], self._frame)


def moved(points: Points, others: Points, boxes: Boxes) -> FloatArray:
    """(n, m) mean distance of corresponding points, in widths of the other's box.

    Args:
        points: (n, k, 2).
        others: (m, k, 2).
        boxes: (m, 4) of the others.
    """
    distances = np.linalg.norm(points[:, None] - others, axis=3).mean(axis=2)
    widths = np.maximum(boxes[:, 2] - boxes[:, 0], 1.0)
    apart: FloatArray = (distances / widths).astype(np.float32)
    return apart
