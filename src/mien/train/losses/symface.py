"""SymFace: the two halves of a face say the same."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.train.losses.base import HalvesLoss, register, unit


@register("symface", paper="Prakash et al., SymFace, 2024, arXiv 2409.11816")
class SymFace(HalvesLoss):
    """The left and the right half of a face, each as a whole face, get the same embedding.

    L = weight mean( |u - v|^2 ), u and v the directions of the embeddings of `halves(pictures)`.

    The paper adds it for faces that are near frontal by their landmarks, which is the caller's choice of rows. Which
    disparity it takes between two embeddings is our reading: the squared distance, 0 when both embed identically.

    Optimises: insensitivity to one-sided light, occlusion and expression. No labels; add it to any loss, at the price
    of two more passes. Leave it out for profiles, whose halves do not agree.

    Args:
        weight: of the term.
    """

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """(b, d) and (b, d) embeddings to ()."""
        return self.weight * (unit(left) - unit(right)).square().sum(1).mean()


def halves(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Two symmetric faces of each: its left half and its right half, each completed by its own mirror image.

    Args:
        pictures: (b, 3, h, w), w even, aligned faces.

    Returns:
        Two (b, 3, h, w); for a symmetric face both are the face.
    """
    middle = pictures.shape[-1] // 2
    left, right = pictures[..., :middle], pictures[..., -middle:]
    return torch.cat([left, left.flip(-1)], -1), torch.cat([right.flip(-1), right], -1)


def frontness(points: Tensor) -> Tensor:
    """(b,) how frontal faces are, in [0, 1], from (b, 5, 2) landmarks of mien's order (eyes, nose, mouth corners).

    1 when the nose lies midway between the eyes, 0 when it lies under one of them.
    """
    left, right, nose = points[:, 0, 0], points[:, 1, 0], points[:, 2, 0]
    span = (right - left).abs().clamp_min(1e-6)
    return (1 - 2 * (nose - (left + right) / 2).abs() / span).clamp(0, 1)
