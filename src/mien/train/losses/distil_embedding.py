"""A network says what its teacher says."""

from __future__ import annotations

from torch import Tensor

from mien.train.losses.base import TaughtLoss, register, unit


@register("distil-embedding", paper="Romero et al., FitNets, ICLR 2015, arXiv 1412.6550 (regression of the teacher)")
class DistilEmbedding(TaughtLoss):
    """Each embedding points where the teacher's of the same face points.

    L = mean over faces of 1 - cos(embedding, teacher's embedding), which is half the squared distance of the two on the
    unit sphere.

    Optimises: the new templates compare with the teacher's own, since they lie in the same space. Labels: none. Prefer
    `distil-relation` beside it where the network is much smaller than the teacher, `distil-margin` where people are
    known.
    """

    same_space = True

    def forward(self, embeddings: Tensor, taught: Tensor) -> Tensor:
        """(b, d) embeddings and (b, d) of the teacher to ()."""
        directions = unit(embeddings)
        return 1 - (directions * unit(taught).to(directions.dtype)).sum(1).mean()
