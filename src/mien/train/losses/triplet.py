"""Triplets, mined in the batch."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.errors import UsageError
from mien.train.losses.base import PairLoss, nothing, register, same_label, unit

MINING = ("semi-hard", "hard", "all")


@register(
    "triplet", paper="Schroff et al., FaceNet, CVPR 2015, arXiv 1503.03832; hard: Hermans et al., arXiv 1703.07737"
)
class Triplet(PairLoss):
    """A face is nearer to its own person than to another by a margin, over triplets mined in the batch.

    L = mean over triplets of [ |a - p|^2 - |a - n|^2 + margin ]_+ , embeddings on the unit sphere.

    Mining: ``semi-hard`` (FaceNet) takes each anchor-positive pair with the nearest negative that is further than the
    positive but within the margin; ``hard`` takes each anchor with its furthest positive and nearest negative; ``all``
    takes every triplet that violates the margin. A batch without such triplets gives 0.

    Optimises: the distances that verification compares, without class centres; memory does not grow with the number of
    people. Labels: identities, batches of P people x K faces. Prefer a margin loss up to some millions of people; this
    for very many people with few faces, or to tune a trained network. Start with semi-hard: hard negatives collapse a
    fresh network.

    Args:
        margin: of squared distances, which lie in [0, 4].
        mining: ``semi-hard``, ``hard`` or ``all``.
    """

    def __init__(self, margin: float = 0.2, mining: str = "semi-hard") -> None:
        super().__init__()
        if mining not in MINING:
            raise UsageError(f"triplets are mined {', '.join(MINING)}, not '{mining}'", code="loss-option")
        self.margin, self.mining = margin, mining

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(b, d) embeddings and (b,) labels to ()."""
        distances = squared_distances(embeddings)
        anchors, positives, negatives = mine(distances.detach(), labels, self.margin, self.mining)
        if not len(anchors):
            return nothing(embeddings)
        gaps = distances[anchors, positives] - distances[anchors, negatives]
        return (gaps + self.margin).relu().mean()


def squared_distances(embeddings: Tensor) -> Tensor:
    """(b, b) squared distances of the embeddings' directions, in [0, 4]."""
    directions = unit(embeddings)
    return (2 - 2 * directions @ directions.T).clamp_min(0)


def mine(distances: Tensor, labels: Tensor, margin: float, mining: str) -> tuple[Tensor, Tensor, Tensor]:
    """Indices of anchors, positives and negatives, (t,) each; of (b, b) squared distances."""
    positive, negative = same_label(labels)
    if mining == "hard":
        return _hard(distances, positive, negative)
    if mining == "all":
        return _violating(distances, positive, negative, margin)
    return _semi_hard(distances, positive, negative, margin)


def _hard(distances: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    anchors = (positive.any(1) & negative.any(1)).nonzero().flatten()
    furthest = distances.masked_fill(~positive, -torch.inf).argmax(1)
    nearest = distances.masked_fill(~negative, torch.inf).argmin(1)
    return anchors, furthest[anchors], nearest[anchors]


def _violating(distances: Tensor, positive: Tensor, negative: Tensor, margin: float) -> tuple[Tensor, Tensor, Tensor]:
    anchors, positives = positive.nonzero(as_tuple=True)  # (t,) pairs, then their negatives as (t, b)
    violates = negative[anchors] & (distances[anchors] < distances[anchors, positives][:, None] + margin)
    pairs, negatives = violates.nonzero(as_tuple=True)
    return anchors[pairs], positives[pairs], negatives


def _semi_hard(distances: Tensor, positive: Tensor, negative: Tensor, margin: float) -> tuple[Tensor, Tensor, Tensor]:
    anchors, positives = positive.nonzero(as_tuple=True)
    near = distances[anchors, positives][:, None]
    within = negative[anchors] & (distances[anchors] > near) & (distances[anchors] < near + margin)
    nearest = distances[anchors].masked_fill(~within, torch.inf).argmin(1) if len(anchors) else anchors
    found = within.any(1)
    return anchors[found], positives[found], nearest[found]
