"""The faces of a batch lie to each other as the teacher has them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.train.losses.base import TaughtLoss, nothing, register, unit


@register("distil-relation", paper="Park et al., Relational knowledge distillation, CVPR 2019, arXiv 1904.05068")
class DistilRelation(TaughtLoss):
    """Distances between pairs and angles within triplets of faces become the teacher's.

    L = distance * mean over pairs of h(|s_i - s_j| / mu_s - |t_i - t_j| / mu_t)
      + angle * mean over triplets of h(cos(s_i s_j s_k) - cos(t_i t_j t_k))

    with s the network's and t the teacher's embeddings, mu the mean distance of the pairs, cos(x_i x_j x_k) that of the
    angle at x_j, and h Huber's function with its bend at 1. Triplets are of three different faces.

    Reading: both sides are brought to the unit sphere, since faces are compared by cosine; the authors leave the
    network's embeddings as they are. Means are over ordered pairs and triplets of different faces, theirs over all b²
    and b³ entries, of which those on the diagonal are 0.

    Optimises: the structure of the batch, in any dimension: no map between the spaces is needed, and the new templates
    do not compare with the teacher's. Labels: none. A batch of b faces takes b³ numbers for the angles: 67 MB at 256.

    Args:
        distance: weight of the distances.
        angle: weight of the angles; 2 : 1 to distances as in the paper. 0 saves their cost.
    """

    def __init__(self, distance: float = 1.0, angle: float = 2.0) -> None:
        super().__init__()
        self.distance, self.angle = distance, angle

    def forward(self, embeddings: Tensor, taught: Tensor) -> Tensor:
        """(b, d) embeddings and (b, e) of the teacher to ()."""
        ours, theirs = unit(embeddings), unit(taught)
        theirs = theirs.to(ours.dtype)
        loss = nothing(embeddings)
        if self.distance and len(ours) > 1:
            loss = loss + self.distance * functional.huber_loss(relative_distances(ours), relative_distances(theirs))
        if self.angle and len(ours) > 2:
            count = len(ours)
            # where two of the three are one face both sides are 0, or 1
            total = functional.huber_loss(angles(ours), angles(theirs), reduction="sum")
            loss = loss + self.angle * total / (count * (count - 1) * (count - 2))
        return loss


def relative_distances(points: Tensor) -> Tensor:
    """(b (b - 1) / 2,) distances of the pairs, over their mean."""
    first, second = torch.triu_indices(len(points), len(points), 1, device=points.device)
    distances = _length(points[first] - points[second])
    return distances / distances.mean().clamp_min(torch.finfo(points.dtype).eps)


def angles(points: Tensor) -> Tensor:
    """(b, b, b) cosines of the angles at the first of three points."""
    sides = points[None] - points[:, None]  # [j, i] leads from j to i
    sides = sides / _length(sides)[..., None]
    return sides @ sides.transpose(1, 2)


def _length(vectors: Tensor) -> Tensor:
    """Of the last axis; that of nothing is tiny, and has a gradient of zero instead of none."""
    return vectors.square().sum(-1).clamp_min(torch.finfo(vectors.dtype).eps ** 2).sqrt()
