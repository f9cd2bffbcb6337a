"""MagFace: the length of an embedding becomes its quality."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.train.losses.arcface import arc
from mien.train.losses.base import MarginLoss, register


@register("magface", paper="Meng et al., MagFace, CVPR 2021, arXiv 2103.06627")
class MagFace(MarginLoss):
    """ArcFace whose margin grows with the length of the embedding, which thereby learns to tell quality.

    L = mean( -log( exp(s cos(t_y + m(a))) / (… + sum_j exp(s cos t_j)) ) + lambda g(a) ), a = |x|,
    m(a) = lower_rad + (upper_rad - lower_rad) (a - lower_norm) / (upper_norm - lower_norm), a kept in that range,
    g(a) = 1 / a + a / upper_norm^2.

    g is taken of the length as it is, so that one outside of the range is led back.

    Optimises: the angular gap, and long embeddings for faces that are easily recognised. Labels: identities. Prefer it
    to ArcFace when a quality score is wanted at no cost at inference; AdaFace when only accuracy on poor faces is.

    Args:
        scale: s.
        lower_rad: margin of the shortest embeddings, radians.
        upper_rad: margin of the longest.
        lower_norm: length where the margin begins to grow.
        upper_norm: length where it ends.
        weight: lambda.
    """

    def __init__(
        self,
        scale: float = 64.0,
        lower_rad: float = 0.45,
        upper_rad: float = 0.8,
        lower_norm: float = 10.0,
        upper_norm: float = 110.0,
        weight: float = 35.0,
    ) -> None:
        super().__init__()
        self.scale, self.weight = scale, weight
        self.lower_rad, self.upper_rad = lower_rad, upper_rad
        self.lower_norm, self.upper_norm = lower_norm, upper_norm

    def margins(self, norms: Tensor) -> Tensor:
        """(b,) m(a), radians."""
        share = (norms.clamp(self.lower_norm, self.upper_norm) - self.lower_norm) / (self.upper_norm - self.lower_norm)
        return self.lower_rad + (self.upper_rad - self.lower_rad) * share

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine of the enlarged angle."""
        return arc(own, self.margins(norms))

    def regulariser(self, norms: Tensor) -> Tensor:
        """The mean of lambda g(a)."""
        lengths = norms.clamp_min(torch.finfo(norms.dtype).eps)
        return self.weight * (1 / lengths + lengths / self.upper_norm**2).mean()
