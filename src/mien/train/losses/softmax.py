"""Softmax on unit class centres: the plain classifier."""

from __future__ import annotations

from torch import Tensor

from mien.train.losses.base import MarginLoss, register


@register("softmax", paper="Liu et al., SphereFace, CVPR 2017, eq. 3 (modified softmax), arXiv 1704.08063")
class Softmax(MarginLoss):
    """Cross entropy of logits |x| cos(theta), without a margin.

    L = -log( exp(|x| cos t_y) / sum_j exp(|x| cos t_j) )

    Optimises: that the own centre is the nearest; nothing asks for more than that. The centres have length 1 and there
    is no bias, since an embedding is later compared by its angle alone.
    Labels: identities. Prefer NormFace for a scale that does not depend on the face, and a margin loss for recognition
    of people who were not in training; this one starts most easily and shows whether data and network work.
    """

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine itself."""
        del norms
        return own

    def scales(self, norms: Tensor) -> Tensor:
        """The length of each embedding."""
        return norms[:, None]
