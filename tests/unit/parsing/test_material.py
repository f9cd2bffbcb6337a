from __future__ import annotations

import numpy as np
import pytest

from face68 import BOX, points68, portrait
from mien.geometry.face_parts import AMODAL, OCCLUSION, PARTS, amodal_parts_of
from mien.parsing.draw import colour, draw_parts
from mien.parsing.material import REACH, SIDE, TRUTHS, Making, make
from mien.parsing.occluders import OCCLUDERS, SEEN, UNSEEN, backdrop, occlude


@pytest.mark.parametrize("kind", OCCLUDERS)
def test_an_occluder_changes_what_it_covers_and_is_the_same_for_a_seed(kind: str) -> None:
    picture = portrait()
    first, again = (occlude(picture, points68(), kind, np.random.default_rng(5)) for _ in range(2))
    assert (first.pixels == again.pixels).all()
    assert (first.covered == again.covered).all()
    assert first.covered.any()
    changed = np.abs(first.pixels.astype(int) - picture).sum(axis=2)
    assert np.median(changed[first.covered]) > 0
    assert (picture == portrait()).all()


@pytest.mark.parametrize(("kind", "part"), [("mask", "mouth"), ("sunglasses", "eyes")])
def test_masks_cover_mouths_and_sunglasses_eyes(kind: str, part: str) -> None:
    parts = amodal_parts_of(points68(), (200, 200))
    shares = []
    for seed in range(12):
        covered = occlude(portrait(), points68(), kind, np.random.default_rng(seed)).covered
        shares.append(covered[parts == AMODAL.index(part)].mean())
    assert np.median(shares) > 0.95


def test_one_kind_is_never_learnt_from() -> None:
    assert UNSEEN in OCCLUDERS
    assert UNSEEN not in SEEN
    assert UNSEEN not in Making().kinds


def test_a_bare_face_that_is_not_moved_keeps_its_parts() -> None:
    """The cut is `REACH` boxes wide, so the parts of the made picture are those of the picture, scaled."""
    made = make(
        portrait(), points68(), BOX, Making("occlusion", bare=1, moved=0, backdrops=0), np.random.default_rng(0)
    )
    assert made.pixels.shape == (SIDE, SIDE, 3)
    scale = SIDE / (REACH * 150)
    expected = np.bincount(amodal_parts_of(points68(), (200, 200)).reshape(-1), minlength=5)[1:] * scale**2
    counts = np.bincount(made.labels.reshape(-1), minlength=len(OCCLUSION))
    assert counts[1:5] == pytest.approx(expected, rel=0.12)
    assert counts[5:].sum() == 0
    assert made.box is not None
    width, height = made.box[2:] - made.box[:2]
    assert (width, height) == pytest.approx((140 * scale, 150 * scale), rel=1e-3)


def test_the_truth_of_parts_has_the_occluder_and_that_of_occlusion_what_is_below() -> None:
    for truth in TRUTHS:
        made = make(portrait(), points68(), BOX, Making(truth, ("mask",), 0, 0, 0), np.random.default_rng(1))
        there = {TRUTHS[truth][n] for n in np.unique(made.labels)}
        if truth == "parts":
            assert "occluder" in there
            assert "inner mouth" not in there
        else:
            assert {"covered mouth", "covered nose", "eyes"} <= there
    assert TRUTHS["parts"][:-1] == PARTS


def test_a_plain_background_is_drawn_over_and_the_face_is_not() -> None:
    picture = portrait()
    other = backdrop(picture, np.random.default_rng(2))
    face = np.zeros((200, 200), bool)
    face[70:140, 60:140] = True
    assert (other[face] == picture[face]).all()
    assert np.abs(other[:20].astype(int) - picture[:20]).mean() > 5


def test_drawn_parts_leave_the_background_alone() -> None:
    labels = np.zeros((200, 200), np.uint8)
    labels[:100] = 3
    drawn = draw_parts(portrait(), labels)
    assert (drawn[100:] == portrait()[100:]).all()
    expected = 0.55 * portrait()[0, 0] + 0.45 * colour(3)
    assert drawn[0, 0].tolist() == pytest.approx(expected.tolist(), abs=1)
