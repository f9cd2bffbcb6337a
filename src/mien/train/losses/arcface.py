"""ArcFace: a margin on the angle."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.train.losses.base import MarginLoss, plus_angle, register


@register("arcface", paper="Deng et al., ArcFace, CVPR 2019, arXiv 1801.07698")
class ArcFace(MarginLoss):
    """A margin is added to the angle to the own centre.

    L = -log( exp(s cos(t_y + m)) / (exp(s cos(t_y + m)) + sum_j exp(s cos t_j)) )

    Where t_y + m > pi the cosine would rise again; there it is cos t_y - m sin m, as in the authors' code.

    Optimises: an even angular gap between classes. Labels: identities, a few faces each. The first choice for clean
    data of thousands of people. Prefer CosFace where it does not start, CurricularFace or AdaFace for mixed quality,
    SFace or ElasticFace for noisy labels, triplet or multibatch for few faces of very many people.

    Args:
        scale: s.
        margin_rad: m, radians.
    """

    def __init__(self, scale: float = 64.0, margin_rad: float = 0.5) -> None:
        super().__init__()
        self.scale, self.margin_rad = scale, margin_rad

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine of the enlarged angle."""
        del norms
        return arc(own, torch.full_like(own, self.margin_rad))


def arc(own: Tensor, margin_rad: Tensor) -> Tensor:
    """cos(theta + m) from cos(theta), continued by cos(theta) - m sin(m) beyond pi."""
    return torch.where(own > -margin_rad.cos(), plus_angle(own, margin_rad), own - margin_rad * margin_rad.sin())
