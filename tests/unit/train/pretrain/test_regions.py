"""The parts of an aligned face, and which patches they touch."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import UsageError
from mien.geometry.align import ARCFACE
from mien.train.pretrain.regions import COVERABLE, REGIONS, patch_regions, region_map


def test_every_pixel_belongs_to_one_region() -> None:
    assert (np.sum(list(region_map().values()), axis=0) == 1).all()


def test_the_canonical_points_lie_in_their_regions() -> None:
    regions = region_map()
    for (x, y), name in zip(ARCFACE, ("eyes", "eyes", "nose", "mouth", "mouth"), strict=True):
        assert regions[name][round(float(y)), round(float(x))]


def test_brows_lie_above_eyes_and_the_nose_between_eyes_and_mouth() -> None:
    rows = {name: np.flatnonzero(inside.any(axis=1)) for name, inside in region_map().items()}
    assert rows["brows"].max() < rows["eyes"].min()
    assert rows["eyes"].mean() < rows["nose"].mean() < rows["nose"].max() < rows["mouth"].min()


@pytest.mark.parametrize("patch", [8, 14, 16])
def test_a_patch_touches_what_one_of_its_pixels_is_in(patch: int) -> None:
    touches, regions = patch_regions(patch), region_map()
    across = 112 // patch
    for number in range(across * across):
        y, x = patch * (number // across), patch * (number % across)
        found = {name for name, inside in regions.items() if inside[y : y + patch, x : x + patch].any()}
        around = found & {"hair", "background"}
        if around and found - around:
            found.add("outline")
        assert {name for name, row in zip(REGIONS, touches, strict=True) if row[number]} == found


def test_what_may_be_covered_is_never_most_of_the_face() -> None:
    for patch in (8, 14, 16):
        assert patch_regions(patch)[:COVERABLE].mean(axis=1).max() < 0.5
    assert REGIONS[COVERABLE:] == ("skin", "background")


def test_patches_that_do_not_fill_the_crop_are_refused() -> None:
    with pytest.raises(UsageError, match="patches of 9 pixels do not fill a face of 112"):
        patch_regions(9)
