"""CurricularFace: harder negatives as training goes on."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.train.losses.arcface import arc
from mien.train.losses.base import MarginLoss, register


@register("curricularface", paper="Huang et al., CurricularFace, CVPR 2020, arXiv 2004.00288")
class CurricularFace(MarginLoss):
    """ArcFace whose hard negatives weigh more the further training is.

    Own class: s cos(t_y + m). Others: s cos t_j where cos t_j <= cos(t_y + m), else s cos t_j (t + cos t_j).
    t <- 0.99 t + 0.01 mean(cos t_y), from 0: easy faces first, hard ones when the network is ready.

    Optimises: the angular gap, with attention to impostors that look alike. Labels: identities, rather clean. Prefer
    ArcFace when labels are noisy: a wrong label is a hard negative that this loss believes in.

    Args:
        scale: s.
        margin_rad: m, radians.
        momentum: how much of t is kept each step.
    """

    progress: Tensor

    def __init__(self, scale: float = 64.0, margin_rad: float = 0.5, momentum: float = 0.99) -> None:
        super().__init__()
        self.scale, self.margin_rad, self.momentum = scale, margin_rad, momentum
        self.register_buffer("progress", torch.zeros(()))

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine of the enlarged angle."""
        del norms
        return arc(own, torch.full_like(own, self.margin_rad))

    def negatives(self, cosines: Tensor, own: Tensor) -> Tensor:
        """Cosines to others, the hard ones re-weighted."""
        if self.training:
            self.progress.mul_(self.momentum).add_((1 - self.momentum) * own.detach().mean())
        hard = cosines > self.target(own, own)[:, None]
        return torch.where(hard, cosines * (self.progress.to(cosines.dtype) + cosines), cosines)
