"""NormFace: softmax on the sphere."""

from __future__ import annotations

import math

from torch import Tensor

from mien.train.losses.base import MarginLoss, register


@register("normface", paper="Wang et al., NormFace, ACM MM 2017, arXiv 1704.06369")
class NormFace(MarginLoss):
    """Cross entropy of logits s cos(theta), without a margin.

    L = -log( exp(s cos t_y) / sum_j exp(s cos t_j) )

    Optimises: angles only; every face counts the same, however long its embedding.
    Labels: identities. Prefer CosFace or ArcFace, which are this with a margin, unless training is to be as easy as it
    gets. The paper also learns s; here it is fixed, and `lowest_loss` tells whether it is large enough.

    Args:
        scale: s.
    """

    def __init__(self, scale: float = 30.0) -> None:
        super().__init__()
        self.scale = scale

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine itself."""
        del norms
        return own


def lowest_loss(scale: float, classes: int) -> float:
    """What the loss cannot fall below, however good the network (NormFace, proposition 2).

    It is reached when each embedding lies on its centre and the centres are corners of a simplex. Well above 0 means
    that the scale is too small for so many classes.

    Example:
        >>> round(lowest_loss(1.0, 1000), 2), round(lowest_loss(30.0, 1000), 6)
        (5.91, 0.0)
    """
    return math.log1p((classes - 1) * math.exp(-scale * classes / (classes - 1)))
