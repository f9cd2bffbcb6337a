"""SphereFace: a multiplied angle."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.errors import UsageError
from mien.train.losses.base import MarginLoss, register


@register("sphereface", paper="Liu et al., SphereFace, CVPR 2017, arXiv 1704.08063")
class SphereFace(MarginLoss):
    """The angle to the own centre is multiplied by m (A-softmax).

    L = -log( exp(|x| psi(t_y)) / (exp(|x| psi(t_y)) + sum_j exp(|x| cos t_j)) ),
    psi(t) = (-1)^k cos(m t) - 2k for t in [k pi/m, (k+1) pi/m].

    As in the authors' code psi gives way to (lambda cos t + psi(t)) / (1 + lambda), with lambda falling from
    `lambda_start` to `lambda_end` as 1 / (1 + 0.12 step); the task alone is too hard for a fresh network.

    Optimises: that the own angle is m times smaller than any other. Labels: identities. Prefer ArcFace or CosFace:
    their margin needs no annealing. This one is here to reproduce older work.

    Args:
        margin: m, a whole number.
        lambda_start: weight of the plain cosine at step 0.
        lambda_end: and at the end; 0 = psi alone.
    """

    steps: Tensor

    def __init__(self, margin: int = 4, lambda_start: float = 1000.0, lambda_end: float = 5.0) -> None:
        super().__init__()
        if margin < 1 or margin != int(margin):
            raise UsageError(f"sphereface multiplies angles by a whole number from 1, not {margin}", code="loss-option")
        self.margin, self.lambda_start, self.lambda_end = int(margin), lambda_start, lambda_end
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine of the multiplied angle, mixed with the plain one."""
        del norms
        weight = max(self.lambda_end, self.lambda_start / (1 + 0.12 * int(self.steps)))
        if self.training:
            self.steps += 1
        return (weight * own + psi(own, self.margin)) / (1 + weight)

    def scales(self, norms: Tensor) -> Tensor:
        """The length of each embedding."""
        return norms[:, None]


def psi(cosines: Tensor, margin: int) -> Tensor:
    """From cos(theta): cos(m theta), continued so that it falls over the whole of [0, pi]."""
    before, multiple = torch.ones_like(cosines), cosines
    for _ in range(margin - 1):  # Chebyshev: cos((n+1) t) = 2 cos t cos(n t) - cos((n-1) t)
        before, multiple = multiple, 2 * cosines * multiple - before
    k = (cosines.detach().clamp(-1, 1).acos() * margin / torch.pi).floor().clamp_max(margin - 1)
    return (1 - 2 * (k % 2)) * multiple - 2 * k
