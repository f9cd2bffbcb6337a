"""Which decode a face is cut from."""

from __future__ import annotations

import numpy as np
import pytest

from mien.pipeline.pipeline import CUT_PX, too_small
from mien.types.faces import Faces
from mien.types.image import Image


def faces(*heights: float) -> Faces:
    """Faces of these heights in pixels of the full picture."""
    boxes = np.array([[0, 0, height, height] for height in heights], np.float32)
    n = len(heights)
    return Faces(boxes, np.ones(n, np.float32), np.zeros((n, 5, 2), np.float32), (800, 600))


HALF = Image(np.zeros((300, 400, 3), np.uint8), (800, 600))
FULL = Image(np.zeros((600, 800, 3), np.uint8))


@pytest.mark.parametrize(
    ("heights", "needed"), [((2 * CUT_PX,), False), ((2 * CUT_PX - 1,), True), ((500, 2 * CUT_PX - 1), True)]
)
def test_the_smallest_face_decides_whether_all_pixels_are_needed(heights: tuple[float, ...], needed: bool) -> None:
    assert too_small(faces(*heights), HALF) is needed


def test_all_pixels_are_never_decoded_twice() -> None:
    assert not too_small(faces(5), FULL)
