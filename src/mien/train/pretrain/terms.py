"""What pre-training minimises, picture by picture."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def to_patches(pixels: Tensor, patch: int) -> Tensor:
    """(b, 3, s, s) to (b, n, 3 * patch * patch), row by row as `mien.backbones.vit.PatchEmbed` counts them."""
    return functional.unfold(pixels, patch, stride=patch).transpose(1, 2)


def standardised(patches: Tensor) -> Tensor:
    """Each patch with mean 0 and variance 1, as He et al. 2022 (MAE, arXiv:2111.06377) found to teach more."""
    mean, variance = patches.mean(dim=-1, keepdim=True), patches.var(dim=-1, keepdim=True)
    return (patches - mean) / (variance + 1e-6).sqrt()


def reconstruction(found: Tensor, wanted: Tensor, where: Tensor) -> Tensor:
    """Mean squared error over some patches of each picture.

    Args:
        found: (b, n, p) of each patch.
        wanted: of the same shape.
        where: (b, n) bool; one at least in every row.

    Returns:
        (b,).
    """
    errors = (found.float() - wanted.float()).square().mean(dim=-1)
    return (errors * where).sum(dim=1) / where.sum(dim=1)


def alignment(predicted: Tensor, target: Tensor) -> Tensor:
    """``-cos / 2`` of what was predicted and what the whole picture shows (Chen & He 2021, SimSiam, arXiv:2011.10566).

    There are no negatives: that all pictures do not become one is left to the predictor and to the target, which gets
    no gradient.

    Args:
        predicted: (b, d), of any length.
        target: likewise; it gets no gradient.

    Returns:
        (b,) in -0.5..0.5.
    """
    return -0.5 * torch.cosine_similarity(predicted.float(), target.detach().float(), dim=1)
