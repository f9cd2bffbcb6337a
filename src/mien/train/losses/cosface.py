"""CosFace: a margin on the cosine."""

from __future__ import annotations

from torch import Tensor

from mien.train.losses.base import MarginLoss, register


@register("cosface", paper="Wang et al., CosFace, CVPR 2018, arXiv 1801.09414")
class CosFace(MarginLoss):
    """A margin is taken from the cosine to the own centre.

    L = -log( exp(s (cos t_y - m)) / (exp(s (cos t_y - m)) + sum_j exp(s cos t_j)) )

    Optimises: that the own cosine exceeds every other by m. Labels: identities. Prefer it to ArcFace where training is
    unstable (small data, low resolution, noisy labels): its pull does not depend on the angle.

    Args:
        scale: s.
        margin: m, a difference of cosines.
    """

    def __init__(self, scale: float = 64.0, margin: float = 0.35) -> None:
        super().__init__()
        self.scale, self.margin = scale, margin

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine less the margin."""
        del norms
        return own - own.new_tensor(self.margin)
