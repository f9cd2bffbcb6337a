"""Which patches are hidden: CRFR-P, one facial region wholly, of the others an equal share.

Wang et al., FSFM: A Generalizable Face Security Foundation Model via Self-Supervised Facial Representation Learning,
CVPR 2025, arXiv:2412.12032, section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mien.errors import UsageError
from mien.train.pretrain.regions import COVERABLE, Mask


@dataclass(frozen=True, slots=True)
class Masks:
    """What a network sees of some pictures of n patches.

    Args:
        hidden: (b, n) bool; the same number in every row.
        covered: (b, n) bool; of the hidden ones those of the region that is covered.
        region: (b,) int64; which region that is.
        visible: (b, v) int64; the patches that are not hidden, ascending.
    """

    hidden: Tensor
    covered: Tensor
    region: Tensor
    visible: Tensor

    def to(self, device: torch.device) -> Masks:
        """The same on a device."""
        return Masks(*(tensor.to(device) for tensor in (self.hidden, self.covered, self.region, self.visible)))


class CoverAndShare:
    """Draws masks with PyTorch's own generator, so that a run that goes on draws what it would have drawn.

    Every picture gets a region of its own, each with the same chance. The patches that must be hidden besides are drawn
    from the other regions by systematic sampling: of q, the share that is hidden of all the others, a region of m
    patches gives about m q, rounded by chance. (FSFM's code rounds, then adds or takes away at random until the number
    is right.) A region that alone is more than what may be hidden is hidden in part.

    Args:
        touches: (r, n) bool; which patches touch which region. Those that touch several belong to the first, the
            covered one before all.
        share: hidden, of all patches; rounded to whole patches.
        coverable: the first so many regions may be covered.

    Raises:
        UsageError: nothing, or everything, would be hidden.
    """

    def __init__(self, touches: Mask, share: float, coverable: int = COVERABLE) -> None:
        known = torch.from_numpy(touches)
        self.patches = known.shape[1]
        self.hidden = round(share * self.patches)
        if not 0 < self.hidden < self.patches:
            raise UsageError(
                f"'pretrain.mask' of {share:g} hides {self.hidden} of {self.patches} patches; 0.75 is usual"
            )
        # Row c: whose each patch is when c is covered; the covered ones come first, as region 0, the others from 1.
        self._owner = torch.stack([_owners(known, c) for c in range(coverable)])
        sizes = torch.nn.functional.one_hot(self._owner, len(touches) + 1).sum(dim=1)
        self._size, self._start = sizes, sizes.cumsum(dim=1) - sizes

    def __call__(self, count: int) -> Masks:
        """Masks of so many pictures, on the CPU."""
        region = torch.randint(len(self._owner), (count,))
        owner = self._owner[region]
        order = (owner + torch.rand(owner.shape, dtype=torch.float64)).argsort(dim=1)
        place = order.argsort(dim=1) - self._start[region].gather(1, owner)  # 0, 1, 2 … in each region, shuffled
        offset = torch.rand(self._size[region].shape, dtype=torch.float64).gather(1, owner)
        turn = (place + offset) / self._size[region].gather(1, owner)
        turn = torch.where(owner == 0, turn - 2, turn)  # before all others
        ranked = turn.argsort(dim=1)
        hidden = torch.zeros(owner.shape, dtype=torch.bool).scatter_(1, ranked[:, : self.hidden], True)
        visible = ranked[:, self.hidden :].sort(dim=1).values
        return Masks(hidden, hidden & (owner == 0), region, visible)


def _owners(touches: Tensor, covered: int) -> Tensor:
    """(n,) int64: 0 where the covered region is, else 1 + the first region that the patch touches."""
    first = touches.to(torch.uint8).argmax(dim=0) + 1
    return torch.where(touches[covered], 0, first)
