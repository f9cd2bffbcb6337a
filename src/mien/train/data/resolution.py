"""Sets seen from afar: every face reduced to some pixels and enlarged again."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np

from mien.errors import UsageError
from mien.train.data import changes
from mien.train.data.base import FaceData
from mien.train.data.sets import View
from mien.types.arrays import Crops

LEAST_SIDE: Final = 4


def at_resolution(data: FaceData, side: int) -> View:
    """The same faces as a camera would give them that has `side` pixels for the crop, such as 16, 20 or 24.

    Reduced by averaging, enlarged by bicubic interpolation.

    Raises:
        UsageError: fewer than 4 or more than 112 pixels.
    """
    if not LEAST_SIDE <= side <= 112:
        raise UsageError(f"a face can be reduced to {LEAST_SIDE} to 112 pixels, not {side}")
    rows = np.arange(len(data))
    return View(data, rows, data.labels, data.people, {"resolution": f"{side} px"}, partial(reduce_crops, side=side))


def reduce_crops(crops: Crops, side: int) -> Crops:
    """(b, 112, 112, 3) uint8 RGB, each reduced to `side` pixels and enlarged again."""
    out = np.empty_like(crops)
    for target, face in zip(out, crops, strict=True):
        target[:] = changes.low_resolution(face, side)
    return out
