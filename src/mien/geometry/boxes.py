"""Boxes: overlap, suppression of repeats, clipping."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import Boxes, FloatArray


def iou(boxes: Boxes, others: Boxes) -> FloatArray:
    """Intersection over union of every box with every other one.

    Args:
        boxes: (n, 4) x0 y0 x1 y1.
        others: (m, 4) in the same frame.

    Returns:
        (n, m) float32 in 0..1; an empty or inverted box overlaps nothing.
    """
    x0, y0, x1, y1 = boxes.T[:, :, None]
    widths = np.minimum(x1, others[:, 2]) - np.maximum(x0, others[:, 0])
    heights = np.minimum(y1, others[:, 3]) - np.maximum(y0, others[:, 1])
    shared = np.maximum(widths, 0) * np.maximum(heights, 0)
    union = areas(boxes)[:, None] + areas(others) - shared
    result: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result.astype(np.float32, copy=False)


def areas(boxes: Boxes) -> FloatArray:
    """(n,) areas; 0 for an inverted box."""
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    result: FloatArray = np.maximum(widths, 0) * np.maximum(heights, 0)
    return result


def nms(boxes: Boxes, scores: FloatArray, *, overlap: float, most: int | None = None) -> NDArray[np.intp]:
    """Greedy non-maximum suppression: of boxes that overlap, the best-scored stays.

    Args:
        boxes: (n, 4) x0 y0 x1 y1.
        scores: (n,), any scale; equal scores keep their order.
        overlap: a box goes when its IoU with a better one that stays is greater than this.
        most: stop when this many stay; None for all.

    Returns:
        (k,) rows that stay, by descending score.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[np.intp] = []
    while waiting.size and (most is None or len(kept) < most):
        best, waiting = waiting[0], waiting[1:]
        kept.append(best)
        waiting = waiting[iou(boxes[best : best + 1], boxes[waiting])[0] <= overlap]
    return np.array(kept, np.intp)


def clip(boxes: Boxes, size: tuple[int, int]) -> Boxes:
    """The part of each box inside a picture of (width, height)."""
    width, height = size
    return np.clip(boxes, 0, np.array([width, height, width, height], np.float32))
