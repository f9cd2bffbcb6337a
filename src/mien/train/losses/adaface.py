"""AdaFace: a margin by the quality of the picture."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.train.losses.base import MarginLoss, plus_angle, register


@register("adaface", paper="Kim et al., AdaFace, CVPR 2022, arXiv 2204.00964")
class AdaFace(MarginLoss):
    """The margin turns from additive to angular with the quality of the face, read from its embedding's length.

    z = clip( h (|x| - mean) / std, -1, 1 ); own class: s ( cos(t_y - m z) - (m z + m) ).

    mean and std of |x| are running averages (weight `momentum` on the past). A good face (z = 1) is asked for more by
    cosine and less by angle, which stresses hard ones; a poor face (z = -1) gets the margin of ArcFace, which does not
    stress what cannot be recognised. The angle is kept in [0, pi]. z takes no gradient.

    Optimises: the gap between classes without learning from unrecognisable faces. Labels: identities, of mixed quality.
    Prefer ArcFace when all pictures are good, MagFace when the quality itself is wanted.

    Args:
        scale: s.
        margin: m; radians in the angle, cosine in the difference.
        concentration: h, how far lengths are spread over [-1, 1].
        momentum: how much of mean and std is kept each step.
    """

    rescales = True
    mean: Tensor
    std: Tensor

    def __init__(
        self, scale: float = 64.0, margin: float = 0.4, concentration: float = 0.333, momentum: float = 0.99
    ) -> None:
        super().__init__()
        self.scale, self.margin, self.concentration, self.momentum = scale, margin, concentration, momentum
        self.register_buffer("mean", torch.full((), 20.0))  # the authors' start
        self.register_buffer("std", torch.full((), 100.0))

    def quality(self, norms: Tensor) -> Tensor:
        """(b,) z in [-1, 1], without gradient."""
        norms = norms.detach().clamp(1e-3, 100.0)
        if self.training and len(norms) > 1:
            self.mean.mul_(self.momentum).add_((1 - self.momentum) * norms.mean())
            self.std.mul_(self.momentum).add_((1 - self.momentum) * norms.std())
        standard = (norms - self.mean.to(norms.dtype)) / (self.std.to(norms.dtype) + 1e-3)
        return (standard * self.concentration).clamp(-1, 1)

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine after both margins."""
        quality = self.quality(norms)
        angle = -self.margin * quality
        turned = plus_angle(own, angle)
        turned = torch.where((angle < 0) & (own > angle.cos()), torch.ones_like(own), turned)  # theta + angle < 0
        turned = torch.where((angle > 0) & (own < -angle.cos()), -torch.ones_like(own), turned)  # theta + angle > pi
        return turned - (self.margin * quality + self.margin)
