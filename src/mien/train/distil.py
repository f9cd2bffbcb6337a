"""Learning from a teacher: the weighted sum of losses that hold a network's embeddings against the teacher's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mien.errors import UsageError
from mien.train.data import FaceData
from mien.train.losses import TaughtClassLoss, TaughtLoss, losses, make_loss
from mien.train.losses.base import unit
from mien.train.losses.distil_similarity import DistilSimilarity
from mien.train.losses.harmonic import principal_axes
from mien.train.recipe import Teacher, require_options
from mien.train.teacher import Targets

KINDS = ("taught", "taught-class", "compatible")
"""Of losses that take a teacher."""
SAMPLE = 65_536
"""Faces that principal axes and banks are drawn from, evenly over the set."""


class Distillation(nn.Module):
    """What a teacher asks of a network.

    Where the two dimensions differ, they meet by a bridge: ``map``, a linear map that is learnt along and left behind,
    brings the network's embeddings to the teacher's; ``axes`` brings the teacher's down to the network's by their
    principal axes, so that what the teacher made earlier compares with what the network makes.

    Args:
        parts: losses with their weights.
        dimension: d, of the network.
        taught: e, of the teacher.
        axes: (e, d) orthonormal columns; None = a map where d and e differ.
        centres: (c, e) mean directions of the teacher's embeddings of each person, for losses with classes.
        bank: (n, e) of the teacher, for losses that compare with many faces.

    Attributes:
        axes: as given; part of the state, since a gallery is converted with them.
    """

    def __init__(
        self,
        parts: Sequence[tuple[nn.Module, float]],
        dimension: int,
        taught: int,
        *,
        axes: Tensor | None = None,
        centres: Tensor | None = None,
        bank: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.losses = nn.ModuleList(loss for loss, _ in parts)
        self.weights = tuple(weight for _, weight in parts)
        self.axes: Tensor | None
        self.register_buffer("axes", axes)
        needed = dimension != taught and axes is None and any(_same_space(loss) for loss in self.losses)
        self.map = nn.Linear(dimension, taught, bias=False) if needed else None
        if self.map is not None:
            nn.init.orthogonal_(self.map.weight)
        self.centres: Tensor | None
        self.register_buffer("centres", None if centres is None else unit(self._theirs(centres)), persistent=False)

        for loss in self.losses:
            if isinstance(loss, DistilSimilarity) and loss.bank and bank is not None:
                loss.faces = unit(self._theirs(bank[:: -(-len(bank) // loss.bank)]))

    def forward(self, embeddings: Tensor, labels: Tensor, taught: Tensor) -> Tensor:
        """(b, d) raw embeddings, (b,) labels and (b, e) of the teacher to ()."""
        ours = embeddings if self.map is None else self.map(embeddings)
        theirs = self._theirs(taught)
        total = embeddings.new_zeros(())
        for loss, weight in zip(self.losses, self.weights, strict=True):
            if isinstance(loss, TaughtLoss):
                value = loss(ours, theirs) if loss.same_space else loss(embeddings, taught)
            elif isinstance(loss, TaughtClassLoss):
                value = self._with_classes(loss, unit(ours), labels, unit(theirs))
            else:
                value = loss(ours, theirs, labels)
            total = total + weight * value
        return total

    def _theirs(self, taught: Tensor) -> Tensor:
        return taught if self.axes is None else taught @ self.axes

    def _with_classes(self, loss: nn.Module, ours: Tensor, labels: Tensor, theirs: Tensor) -> Tensor:
        if self.centres is None:
            raise ValueError("a loss with classes needs their centres")
        assured = (theirs * self.centres[labels.clamp_min(0)]).sum(1)
        value: Tensor = loss(ours @ self.centres.T, labels, assured)
        return value


def make_distillation(settings: Teacher, data: FaceData, targets: Targets, dimension: int) -> Distillation:
    """The recipe's losses for a network of so many numbers.

    Raises:
        UsageError: old and new templates would not compare.
    """
    entries = {name: losses[name] for name in settings.losses}
    owned = {name: {k: v for k, v in settings.options.items() if k in e.defaults} for name, e in entries.items()}
    made = [(make_loss(name, **owned[name]), weight) for name, weight in zip(entries, settings.weights, strict=True)]
    kinds = {entry.kind for entry in entries.values()}
    bridged = settings.bridge == "axes" and dimension != targets.dimension
    if "compatible" in kinds and not bridged and dimension != targets.dimension:
        raise UsageError(
            f"templates of {dimension} and of {targets.dimension} numbers compare only by principal axes; "
            "say teacher.bridge = 'axes'",
            code="recipe",
        )
    return Distillation(
        made,
        dimension,
        targets.dimension,
        axes=teacher_axes(targets, dimension) if bridged else None,
        centres=class_centres(targets, data) if "taught-class" in kinds else None,
        bank=_spread(targets),
    )


def teacher_axes(targets: Targets, dimension: int) -> Tensor:
    """(e, d) principal axes of the teacher's embeddings; `templates @ axes` compare with the network's."""
    return principal_axes(_spread(targets), dimension).contiguous()


def class_centres(targets: Targets, data: FaceData) -> Tensor:
    """(c, e) mean directions of the teacher's embeddings of each person's pictures."""
    known = np.flatnonzero(data.labels >= 0)
    sums = np.zeros((len(data.people), targets.dimension), np.float32)
    for rows in np.array_split(known, max(1, len(known) // SAMPLE)):
        np.add.at(sums, data.labels[rows], targets[rows])
    return unit(torch.from_numpy(sums))


def _spread(targets: Targets) -> Tensor:
    """(n, e) of the teacher, evenly over the set."""
    rows = np.unique(np.linspace(0, len(targets.rows) - 1, min(len(targets.rows), SAMPLE)).astype(np.int64))
    return torch.from_numpy(targets[rows])


def _same_space(loss: nn.Module) -> bool:
    """Whether it compares the two number by number."""
    return not isinstance(loss, TaughtLoss) or loss.same_space


def require_taught(settings: Teacher, data: FaceData) -> None:
    """Check before the teacher sets to work.

    Raises:
        UsageError: a loss without a teacher, an option that none of them has, or labels that are missing.
    """
    entries = {name: losses[name] for name in settings.losses}
    for name, entry in entries.items():
        if entry.kind not in KINDS:
            able = [other for other in losses if losses[other].kind in KINDS]
            raise UsageError(
                f"'{name}' learns nothing from a teacher (these do: {', '.join(able)}); name it in [{entry.section}]",
                code="recipe",
            )
        if entry.kind != "taught" and len(data.people) < 2:
            raise UsageError(f"'{name}' needs people with labels, and there are {len(data.people)}", code="recipe")
    require_options(settings, {k: v for entry in entries.values() for k, v in entry.defaults.items()}, "teacher")
