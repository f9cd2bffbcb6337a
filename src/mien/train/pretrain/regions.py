"""Where the parts of a face are in an aligned crop.

FSFM asks a face parser about every picture. Crops that are aligned by five points need none: eyes, nose and mouth are
in the same place in each, brows, outline and hair nearly so, and a patch is many pixels wide. The map here is drawn
once around the five canonical points, in units of the distance of the eyes, by the proportions of a grown-up's face:
62 mm between the pupils, 137 mm from cheekbone to cheekbone, brows 22 mm above the pupils, chin 120 mm below them.
A turned head or long hair is not where the map says; what is hidden is then a little more or less than the part.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.geometry.align import ARCFACE

Mask: TypeAlias = NDArray[np.bool_]

REGIONS: Final = ("brows", "eyes", "nose", "mouth", "outline", "hair", "skin", "background")
"""In the order in which a patch that touches several belongs to one, as in FSFM's code."""
COVERABLE: Final = 6
"""The first so many may be covered wholly; skin and background never are, they are most of the picture."""
SIDE: Final = 112


def region_map() -> dict[str, Mask]:
    """(112, 112) bool of each region but the outline, which is a matter of patches; they share no pixel."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    points = ARCFACE.astype(np.float64)
    left, right, tip, corner, other = points
    unit, middle = float(np.hypot(*(right - left))), (left + right) / 2
    mouth = (corner + other) / 2

    def ellipse(centre: NDArray[np.float64], across: float, down: float) -> Mask:
        inside: Mask = ((x - centre[0]) / (across * unit)) ** 2 + ((y - centre[1]) / (down * unit)) ** 2 <= 1
        return inside

    lift = np.array([0, -0.36 * unit])
    below = np.clip(
        (y - middle[1]) / (tip[1] + 0.2 * unit - middle[1]), 0, None
    )  # 0 between the eyes, 1 under the nose
    drawn = {
        "brows": ellipse(left + lift, 0.34, 0.12) | ellipse(right + lift, 0.34, 0.12),
        "eyes": ellipse(left, 0.27, 0.16) | ellipse(right, 0.27, 0.16),
        "nose": (below > 0) & (below <= 1) & (np.abs(x - middle[0]) <= (0.12 + 0.2 * below) * unit),
        "mouth": ellipse(mouth, 0.48, 0.25),
    }
    face = ellipse(middle + np.array([0, 0.42 * unit]), 1.12, 1.53)
    free, regions = np.ones((SIDE, SIDE), np.bool_), {}
    for name, inside in (*drawn.items(), ("skin", face), ("hair", y < middle[1]), ("background", free.copy())):
        regions[name] = inside & free
        free &= ~inside
    return regions


def patch_regions(patch: int) -> Mask:
    """Which patches touch which region.

    Args:
        patch: pixels of a side; a divisor of 112.

    Returns:
        (8, n) bool in the order of `REGIONS`, patches row by row; each touches one region at least. The outline is
        where a patch holds both the face and what is around it.

    Raises:
        UsageError: the patches do not fill the crop.
    """
    if SIDE % patch:
        raise UsageError(f"patches of {patch} pixels do not fill a face of {SIDE}; take 8, 14 or 16 for pre-training")
    across = SIDE // patch
    blocks = {
        name: pixels.reshape(across, patch, across, patch).any(axis=(1, 3)).ravel()
        for name, pixels in region_map().items()
    }
    around = blocks["hair"] | blocks["background"]
    inside = np.any([blocks[name] for name in ("brows", "eyes", "nose", "mouth", "skin")], axis=0)
    blocks["outline"] = around & inside
    return np.stack([blocks[name] for name in REGIONS])
