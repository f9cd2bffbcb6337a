"""Recognisability index and index diversion, for very low resolution."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.train.losses.base import RecognisabilityLoss, nothing, own_cosines, register, unit, widened
from mien.train.losses.cr_fiqa import nearest_other


@register("recognisability", paper="Chai et al., Recognizability Embedding Enhancement, CVPR 2023, arXiv 2304.10066")
class Recognisability(RecognisabilityLoss):
    """A head predicts each face's recognisability index, and the index of hard faces is driven up.

    L = weight smooth_l1(q, RI) + diversion mean( [ tau - (q - mu) / sigma ]_+ ),
    RI = d_U d_N / (d_P + d_N), d = 1 - cos: to the centre of unrecognisable faces (U), to the nearest other class (N)
    and to the own class (P); RI takes no gradient. mu and sigma are of the predictions for unrecognisable faces.

    The paper names the three proximities, that RI grows with U and N and falls with P, smooth L1 with beta 0.75, and
    that the diversion keeps predictions at least tau from the mean for unrecognisable faces. The closed form of RI and
    the division by sigma (tau is "the confidence interval") are our reading.

    Optimises: embeddings that move away from where unrecognisable faces gather, and a quality score with them. Labels:
    identities, and a set of faces nobody could recognise (such as pictures shrunk to a few pixels). Prefer CR-FIQA for
    quality alone, on faces of usual size.

    Args:
        weight: of the regression.
        diversion: of the index diversion.
        tau: standard deviations to keep from the unrecognisable faces.
        beta: where the regression turns from square to line.
    """

    rescales = True

    def __init__(self, weight: float = 1.0, diversion: float = 1.0, tau: float = 2.0, beta: float = 0.75) -> None:
        super().__init__()
        self.weight, self.diversion, self.tau, self.beta = weight, diversion, tau, beta

    def forward(self, index: Tensor, cosines: Tensor, labels: Tensor, lost: Tensor, lost_index: Tensor) -> Tensor:
        """(b,) predictions, (b, c) cosines, (b,) labels, (b,) cosines to the unrecognisable, (u,) predictions."""
        here = labels >= 0
        index, cosines, lost = widened(index[here]), widened(cosines[here]), widened(lost[here])
        if not len(index):
            return nothing(index)
        goal = recognisability_index(cosines, labels[here], lost).to(index.dtype)
        regression = functional.smooth_l1_loss(index, goal, beta=self.beta)
        return self.weight * regression + self.diversion * diversion(index, widened(lost_index), self.tau)


def recognisability_index(cosines: Tensor, labels: Tensor, lost: Tensor) -> Tensor:
    """(b,) RI in [0, 2], without gradient.

    Args:
        cosines: (b, c) to the class centres.
        labels: (b,) int64, at least 0.
        lost: (b,) cosines to the unrecognisable centre.
    """
    cosines = cosines.detach()
    near = (1 - own_cosines(cosines, labels)).clamp_min(0)
    other = (1 - nearest_other(cosines, labels)).clamp_min(0)
    return (1 - lost.detach()).clamp_min(0) * other / (near + other).clamp_min(1e-6)


def diversion(index: Tensor, lost_index: Tensor, tau: float) -> Tensor:
    """() how much predictions fall short of tau standard deviations above those of unrecognisable faces."""
    spread = lost_index.detach().std(correction=0).clamp_min(1e-3)
    return (tau - (index - lost_index.detach().mean()) / spread).relu().mean()


def unrecognisable_centre(embeddings: Tensor) -> Tensor:
    """(d,) direction of the mean of the directions of (u, d) embeddings of unrecognisable faces."""
    centre: Tensor = functional.normalize(unit(embeddings).mean(0), dim=0)
    return centre


def unrecognisable_cosines(embeddings: Tensor, centre: Tensor) -> Tensor:
    """(b,) cosines of (b, d) embeddings to the (d,) centre."""
    return torch.mv(unit(embeddings), centre)
