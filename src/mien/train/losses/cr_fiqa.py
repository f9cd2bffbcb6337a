"""CR-FIQA and ViT-FIQA: quality learned from how certain the classification is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.train.losses.base import QualityLoss, nothing, own_cosines, register, widened


@register("cr-fiqa", paper="Boutros et al., CR-FIQA, CVPR 2023, arXiv 2112.06592")
class CRFIQA(QualityLoss):
    """A head beside the embedding predicts the certainty ratio of each face.

    L = weight mean( smooth_l1(q, CR) ), CR = cos t_y / (max_{j != y} cos t_j + 1 + 1e-9), without gradient.

    The released code leaves the 1 out of the denominator; this is the paper's equation.

    Optimises: a score that orders faces by how well they will be recognised. Labels: identities. Use it together with a
    margin loss, whose class centres make the ratio, by a linear head on the features. Prefer MagFace when the network
    may have one output only.

    Args:
        weight: of the term beside the margin loss.
        beta: where the loss turns from square to line.
    """

    rescales = True

    def __init__(self, weight: float = 10.0, beta: float = 0.5) -> None:
        super().__init__()
        self.weight, self.beta = weight, beta

    def forward(self, quality: Tensor, cosines: Tensor, labels: Tensor) -> Tensor:
        """(b,) predictions, (b, c) cosines and (b,) labels to ()."""
        here = labels >= 0
        quality, cosines, labels = widened(quality[here]), widened(cosines[here]), labels[here]
        if not len(labels):
            return nothing(quality)
        goal = certainty_ratio(cosines, labels).to(quality.dtype)
        return self.weight * functional.smooth_l1_loss(quality, goal, beta=self.beta)


@register("vit-fiqa", paper="Atzori et al., ViT-FIQA, 2025, arXiv 2508.13957")
class ViTFIQA(CRFIQA):
    """The quality token of a vision transformer predicts the certainty ratio of each face.

    As CR-FIQA; the prediction comes from a learned token that attends to all patches, so it needs a backbone that has
    one. That its goal is CR-FIQA's ratio with the same weights is our reading of the paper.

    Optimises: the same score, by a token instead of pooled features. Labels: identities. Prefer `cr-fiqa` for
    convolutional networks.

    Args:
        weight: of the term beside the margin loss.
        beta: where the loss turns from square to line.
    """

    token = True


def certainty_ratio(cosines: Tensor, labels: Tensor) -> Tensor:
    """(b,) cosine to the own centre over the nearest other's, plus 1; without gradient. Every label at least 0."""
    cosines = cosines.detach()
    return own_cosines(cosines, labels) / (nearest_other(cosines, labels) + 1 + 1e-9)


def nearest_other(cosines: Tensor, labels: Tensor) -> Tensor:
    """(b,) cosine to the nearest centre of another class."""
    others = cosines.scatter(1, labels[:, None], -torch.inf)
    return others.max(1).values
