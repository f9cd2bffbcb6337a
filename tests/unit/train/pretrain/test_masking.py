"""CRFR-P: one region wholly hidden, of the others an equal share, the same number in every picture."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import UsageError  # noqa: E402
from mien.train.pretrain.masking import CoverAndShare, Masks  # noqa: E402
from mien.train.pretrain.regions import COVERABLE, patch_regions  # noqa: E402

# Ten patches: two of region 0, three of region 1 of which one is of region 0 too, and six of region 2, never covered.
TOUCHES = np.array(
    [
        [1, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 1, 1, 1, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 1, 1, 1, 1, 1, 1],
    ],
    bool,
)


def drawn(masks: CoverAndShare, count: int, seed: int = 0) -> Masks:
    torch.manual_seed(seed)
    return masks(count)


@pytest.mark.parametrize(("patch", "hidden"), [(8, 147), (14, 48), (16, 37)])
def test_three_quarters_are_hidden_of_every_picture(patch: int, hidden: int) -> None:
    masks = drawn(CoverAndShare(patch_regions(patch), 0.75), 500)
    assert (masks.hidden.sum(dim=1) == hidden).all()


def test_what_is_visible_is_what_is_not_hidden() -> None:
    masks = drawn(CoverAndShare(patch_regions(16), 0.75), 100)
    for hidden, visible in zip(masks.hidden, masks.visible, strict=True):
        assert visible.tolist() == torch.nonzero(~hidden).ravel().tolist()


@pytest.mark.parametrize("patch", [8, 16])
def test_the_drawn_region_is_wholly_hidden(patch: int) -> None:
    touches = torch.from_numpy(patch_regions(patch))
    masks = drawn(CoverAndShare(touches.numpy(), 0.75), 500)
    assert torch.equal(masks.covered, touches[masks.region])
    assert not (masks.covered & ~masks.hidden).any()


def test_every_coverable_region_comes_as_often_as_any_other() -> None:
    masks = drawn(CoverAndShare(patch_regions(16), 0.75), 6000)
    counts = torch.bincount(masks.region)
    assert len(counts) == COVERABLE
    assert (counts - 1000).abs().max() < 5 * np.sqrt(1000 * 5 / 6)  # five standard deviations of a fair draw


def test_the_others_are_hidden_in_proportion() -> None:
    # With region 0 covered, 4 of the 8 others are hidden: 1 of the 2 left of region 1, 3 of the 6 of region 2.
    masks = drawn(CoverAndShare(TOUCHES, 0.6, coverable=2), 4000)
    of_first = masks.hidden[masks.region == 0]
    assert of_first[:, :2].all()
    assert of_first[:, 2:].double().mean(dim=0).sub(0.5).abs().max() < 0.06
    assert set(of_first[:, 2:4].sum(dim=1).tolist()) <= {0, 1, 2}
    # With region 1 covered, 3 of the 7 others: of region 0 one patch is left, of region 2 all six.
    of_second = masks.hidden[masks.region == 1]
    assert of_second[:, 1:4].all()
    assert of_second[:, [0, 4, 5, 6, 7, 8, 9]].double().mean(dim=0).sub(3 / 7).abs().max() < 0.06


def test_no_region_strays_far_from_its_share_in_any_picture() -> None:
    touches = patch_regions(8)
    masks = drawn(CoverAndShare(touches, 0.75), 1000)
    first = touches.argmax(axis=0)
    for hidden, covered, region in zip(masks.hidden.numpy(), masks.covered.numpy(), masks.region.tolist(), strict=True):
        share = (hidden & ~covered).sum() / (~covered).sum()
        for other in range(len(touches)):
            mine = (first == other) & ~covered
            if other != region:
                assert abs((hidden & mine).sum() - share * mine.sum()) < 2


def test_a_region_that_is_too_large_is_hidden_in_part() -> None:
    masks = drawn(CoverAndShare(TOUCHES, 0.2, coverable=2), 1000)
    of_second = masks.region == 1
    assert (masks.hidden.sum(dim=1) == 2).all()
    assert torch.equal(masks.hidden[of_second], masks.covered[of_second])
    assert masks.hidden[of_second][:, 1:4].double().mean(dim=0).sub(2 / 3).abs().max() < 0.12


def test_the_seed_decides() -> None:
    masks = CoverAndShare(patch_regions(16), 0.75)
    assert torch.equal(drawn(masks, 20, 3).hidden, drawn(masks, 20, 3).hidden)
    assert not torch.equal(drawn(masks, 20, 3).hidden, drawn(masks, 20, 4).hidden)


@pytest.mark.parametrize("share", [0.004, 0.996])
def test_a_share_that_hides_nothing_or_all_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"'pretrain.mask' of .* hides .* of 49 patches"):
        CoverAndShare(patch_regions(16), share)
