"""SFace: gradients shaped by two sigmoids."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.train.losses.base import SeparableLoss, own_cosines, register


@register("sface", paper="Zhong et al., SFace, IEEE TIP 2021, arXiv 2205.12010")
class SFace(SeparableLoss):
    """Pull and push are re-scaled by sigmoids of the angle, so that no face is optimised too far.

    L = mean( -[r_intra(t_y)] cos t_y + sum_j [r_inter(t_j)] cos t_j ), [.] without gradient,
    r_intra(t) = s / (1 + exp(-k (t - a))), r_inter(t) = s / (1 + exp(k (t - b))).

    The gradient against the angle is therefore r_intra(t_y) sin t_y for the own class and -r_inter(t_j) sin t_j for
    another: the pull ends below a, the push ends above b. The value has no meaning of its own and may be negative.

    Optimises: own angles down to about a, others up to about b, no further. Labels: identities; meant for noisy ones
    and poor pictures. Prefer ArcFace for clean data.

    Args:
        scale: s.
        steepness: k.
        inner_rad: a, radians.
        outer_rad: b, radians.
    """

    rescales = True

    def __init__(
        self, scale: float = 64.0, steepness: float = 80.0, inner_rad: float = 0.8, outer_rad: float = 1.23
    ) -> None:
        super().__init__()
        self.scale, self.steepness, self.inner_rad, self.outer_rad = scale, steepness, inner_rad, outer_rad

    def pull(self, cosines: Tensor) -> Tensor:
        """r_intra of cos(theta), without gradient."""
        return self.scale * torch.sigmoid(self.steepness * (cosines.detach().clamp(-1, 1).acos() - self.inner_rad))

    def push(self, cosines: Tensor) -> Tensor:
        """r_inter of cos(theta), without gradient."""
        return self.scale * torch.sigmoid(-self.steepness * (cosines.detach().clamp(-1, 1).acos() - self.outer_rad))

    def partial(self, cosines: Tensor, labels: Tensor) -> Tensor:
        """The part of the classes that are here, over the number of faces."""
        own = own_cosines(cosines, labels)
        rows = (labels >= 0).nonzero().flatten()
        push = self.push(cosines).index_put_((rows, labels[rows]), cosines.new_zeros(()))
        return ((push * cosines).sum() - (self.pull(own) * own).sum()) / len(labels)
