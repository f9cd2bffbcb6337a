"""Cross entropy for every cell and Dice for every class."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.parsing.mask_folder import IGNORED


def parsing_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross entropy, plus one less the mean Dice of the classes that occur (Milletari et al., 3DV 2016).

    Cross entropy alone forgets small classes, since most cells are skin or background; Dice weighs classes alike.

    Args:
        logits: (b, k, h, w).
        labels: (b, h, w) int64; cells that are `IGNORED` count for nothing.
    """
    entropy = functional.cross_entropy(logits, labels, ignore_index=IGNORED)
    known = (labels != IGNORED)[:, None]
    shares = logits.softmax(1) * known
    truth = functional.one_hot(labels.where(known[:, 0], 0), logits.shape[1]).permute(0, 3, 1, 2) * known
    shared = (shares * truth).sum((0, 2, 3))
    total = shares.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    occurs = truth.sum((0, 2, 3)) > 0
    dice = (2 * shared[occurs] + 1) / (total[occurs] + 1)
    return entropy + 1 - dice.mean() if bool(occurs.any()) else torch.zeros((), requires_grad=True) + 0 * logits.sum()
