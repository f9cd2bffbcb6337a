"""Margins that follow how sure the teacher is of a face."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mien.errors import UsageError
from mien.train.losses.arcface import arc
from mien.train.losses.base import TaughtClassLoss, nothing, own_cosines, register, widened


@register("distil-margin", paper="Svitov & Alyamkin, MarginDistillation, 2020, arXiv 2003.02586")
class DistilMargin(TaughtClassLoss):
    """ArcFace on the teacher's class centres, with a wider margin where the teacher is surer.

    logit of the own class = scale * cos(theta + m), of any other = scale * cos(theta_j);
    m = least_rad + (most_rad - least_rad) * a / max over the batch of a, with a the cosine between the teacher's
    embedding of the face and the class's centre. Centres stay as they are.

    Reading: the paper takes the centres from the teacher's own classifier. A finished teacher has none for new people,
    so here a centre is the mean direction of the teacher's embeddings of a person's pictures. `a` below 0 counts as 0.

    Optimises: verification of the people at hand in the teacher's space. Labels: identities; people with one picture
    teach no more than `distil-embedding` does. Prefer `distil-embedding` without labels, arcface without a teacher.

    Args:
        scale: of the logits.
        least_rad: margin of a face that says nothing to the teacher, radians.
        most_rad: margin of the face it is surest of, radians.
    """

    def __init__(self, scale: float = 64.0, least_rad: float = 0.2, most_rad: float = 0.5) -> None:
        super().__init__()
        if least_rad > most_rad:
            raise UsageError(f"least_rad ({least_rad:g}) is above most_rad ({most_rad:g})", code="loss-option")
        self.scale, self.least_rad, self.most_rad = scale, least_rad, most_rad

    def forward(self, cosines: Tensor, labels: Tensor, assured: Tensor) -> Tensor:
        """(b, c) cosines, (b,) labels and (b,) cosines of the teacher to the own centres, to ()."""
        here = labels >= 0
        cosines, labels = widened(cosines[here]), labels[here]
        if not len(labels):
            return nothing(cosines)
        own = own_cosines(cosines, labels)
        target = arc(own, self.margins(assured[here].to(cosines.dtype)))
        logits = cosines.scatter(1, labels[:, None], target[:, None])
        return functional.cross_entropy(self.scale * logits, labels)

    def margins(self, assured: Tensor) -> Tensor:
        """(b,) radians, of (b,) cosines of the teacher to the own centres."""
        assured = assured.clamp_min(0)
        most = assured.max().clamp_min(torch.finfo(assured.dtype).eps)
        return self.least_rad + (self.most_rad - self.least_rad) * assured / most
