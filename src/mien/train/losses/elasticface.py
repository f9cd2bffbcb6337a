"""ElasticFace: margins drawn anew for every face."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.train.losses.arcface import arc
from mien.train.losses.base import MarginLoss, register

PAPER = "Boutros et al., ElasticFace, CVPRW 2022, arXiv 2109.09416"


def draw_margins(own: Tensor, mean: float, std: float, *, plus: bool) -> Tensor:
    """(b,) margins from N(mean, std); with `plus` the largest go to the faces furthest from their centre.

    (The paper's text ranks margins against cosines; the released code indexes by the sorting permutation instead of its
    inverse, which mixes them. This follows the text.)
    """
    margins = mean + std * torch.randn_like(own)
    if not plus:
        return margins
    furthest_first = own.detach().argsort()
    ranked = torch.empty_like(margins)
    ranked[furthest_first] = margins.sort(descending=True).values
    return ranked


class _Elastic(MarginLoss):
    """Draws the margins in training; their mean stands for them in `eval()` mode."""

    mean: float
    std: float
    plus = False

    def margins(self, own: Tensor) -> Tensor:
        std = self.std if self.training else 0.0
        return draw_margins(own, self.mean, std, plus=self.plus) if std else torch.full_like(own, self.mean)


@register("elasticface", paper=PAPER)
class ElasticArc(_Elastic):
    """ArcFace with a margin from a normal distribution for every face and step (ElasticFace-Arc).

    As ArcFace, with m ~ N(margin_rad, std); with std = 0 it is ArcFace.

    Optimises: gaps that may differ between classes. Labels: identities, uneven in number and variety. Prefer it to
    ArcFace on such data; the same cost, one more option.

    Args:
        scale: s.
        margin_rad: mean of the margin, radians.
        std: its standard deviation, radians.
    """

    def __init__(self, scale: float = 64.0, margin_rad: float = 0.5, std: float = 0.05) -> None:
        super().__init__()
        self.scale, self.mean, self.std = scale, margin_rad, std

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine of the enlarged angle."""
        del norms
        return arc(own, self.margins(own))


@register("elasticface-cos", paper=PAPER)
class ElasticCos(_Elastic):
    """CosFace with a margin from a normal distribution for every face and step (ElasticFace-Cos).

    As CosFace, with m ~ N(margin, std); with std = 0 it is CosFace.

    Optimises: as ElasticFace-Arc, on cosines. Labels: identities. Prefer it where CosFace is preferred to ArcFace.

    Args:
        scale: s.
        margin: mean of the margin, a difference of cosines.
        std: its standard deviation.
    """

    def __init__(self, scale: float = 64.0, margin: float = 0.35, std: float = 0.05) -> None:
        super().__init__()
        self.scale, self.mean, self.std = scale, margin, std

    def target(self, own: Tensor, norms: Tensor) -> Tensor:
        """The cosine less the margin."""
        del norms
        return own - self.margins(own)


@register("elasticface-plus", paper=PAPER)
class ElasticArcPlus(ElasticArc):
    """ElasticFace-Arc whose largest margins go to the faces furthest from their centre (Arc+).

    Optimises: as ElasticFace-Arc, with more force on hard faces. Labels: identities, clean; with wrong labels the
    furthest faces are the wrong ones, and ElasticFace-Arc is the better choice.

    Args:
        scale: s.
        margin_rad: mean of the margin, radians.
        std: its standard deviation, radians; the paper's for this form is smaller.
    """

    plus = True

    def __init__(self, scale: float = 64.0, margin_rad: float = 0.5, std: float = 0.0175) -> None:
        super().__init__(scale, margin_rad, std)


@register("elasticface-cos-plus", paper=PAPER)
class ElasticCosPlus(ElasticCos):
    """ElasticFace-Cos whose largest margins go to the faces furthest from their centre (Cos+).

    Optimises: as ElasticFace-Cos, with more force on hard faces. Labels: identities, clean.

    Args:
        scale: s.
        margin: mean of the margin, a difference of cosines.
        std: its standard deviation; the paper's for this form is smaller.
    """

    plus = True

    def __init__(self, scale: float = 64.0, margin: float = 0.35, std: float = 0.025) -> None:
        super().__init__(scale, margin, std)
