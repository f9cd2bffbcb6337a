"""Multibatch: every pair of the batch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.train.losses.base import PairLoss, nothing, register, same_label
from mien.train.losses.triplet import squared_distances


@register(
    "multibatch", paper="Tadmor et al., Learning a Metric Embedding … Multibatch Method, NIPS 2016, arXiv 1605.07270"
)
class Multibatch(PairLoss):
    """A threshold on squared distance separates same from different, over all k^2 - k pairs of the batch.

    L = 1 / (k^2 - k) sum_{i != j} [ 1 - y_ij (theta - |x_i - x_j|^2) ]_+ , y = 1 for one person and -1 for two;
    embeddings on the unit sphere, theta learned.

    Its gradient estimates that of all pairs of the training set. Two different pairs of a batch share at most one face;
    as far as a face's gradient averaged over partners is the same for every face, pairs do not covary and the
    variance falls as 2 / (k^2 - k), where k/2 disjoint random pairs give 2 / k. What differs between faces keeps a part
    of order 1 / k.

    Optimises: one threshold for everybody, as verification uses. Labels: identities, batches of P people x K faces.
    Prefer triplet when only the ranking matters (search, clustering), a margin loss when class centres fit.

    Args:
        threshold: theta at the start, a squared distance in [0, 4].
    """

    def __init__(self, threshold: float = 1.0) -> None:
        super().__init__()
        self.threshold = nn.Parameter(torch.tensor(threshold))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """(b, d) embeddings and (b,) labels to ()."""
        same, different = same_label(labels)
        if not (same | different).any():
            return nothing(embeddings)
        return self.pairs(squared_distances(embeddings), same)[same | different].mean()

    def pairs(self, distances: Tensor, same: Tensor) -> Tensor:
        """The hinge of each pair: squared distances and whether it is one person, of one shape."""
        signs = torch.where(same, 1.0, -1.0).to(distances.dtype)
        return (1 - signs * (self.threshold.to(distances.dtype) - distances)).relu()
