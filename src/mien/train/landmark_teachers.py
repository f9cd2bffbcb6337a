"""Two teachers of landmarks (Fard and Mahoor, Computer Vision and Image Understanding 215, 2022; arXiv:2111.07047).

A student learns hard points. The tough teacher answers near to them; the tolerant one answers with smoother points, the
hard ones brought down to few axes of an active shape model, which a small network meets more easily. For a coordinate
let d be how far the student is from the hard point, t how far a teacher is, both without sign: the teacher is thought
of on the student's side of the hard point. The assistive loss of a teacher is the mean of

    c(d) |d - t|,   c(d) = pull for d > t,   -push for 0.15 t <= d <= t,   0 for d < 0.15 t:

beyond the teacher it draws the student to the teacher, before it on to the hard point, and near that it is silent. The
main loss is, with m for t of the tolerant teacher,

    3 d for d <= m,   d^2 + 3 m - m^2 for d > m.

The whole is 2 main + tough + tolerant. Points are in shares of the crop's side. Numbers and regions are those of the
authors' program, since their paper and program part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

F8 = NDArray[np.float64]

SILENT: Final = 0.15
"""Of the teacher's distance: a student nearer than this is left to the main loss."""
SLOPE: Final = 3.0
"""Of the main loss within the tolerant teacher's distance."""
MAIN: Final = 2.0
"""Weight of the main loss."""
SHARE: Final = 0.8
"""Of the variance of hard points, what the tolerant teacher keeps."""


@dataclass(frozen=True, slots=True)
class Assistance:
    """How hard a teacher pulls a student that is beyond it, and pushes one that has passed it."""

    pull: float
    push: float


TOUGH: Final = Assistance(1.9, 0.45)
TOLERANT: Final = Assistance(1.8, 0.4)


def assistive_loss(points: Tensor, hard: Tensor, taught: Tensor, strength: Assistance) -> Tensor:
    """ALoss of one teacher.

    Args:
        points: (b, k) the student's coordinates, shares of the side.
        hard: (b, k) what it is to learn.
        taught: (b, k) the teacher's.
        strength: of this teacher.

    Returns:
        () mean over coordinates.
    """
    distance, theirs = (points - hard).abs(), (taught - hard).abs()
    beyond = distance.detach() > theirs
    passed = ~beyond & (distance.detach() >= SILENT * theirs)
    factor = strength.pull * beyond.to(points.dtype) - strength.push * passed.to(points.dtype)
    return (factor * (distance - theirs).abs()).mean()


def main_loss(points: Tensor, hard: Tensor, tolerant: Tensor) -> Tensor:
    """() the loss that needs no assistance: linear near the hard points, square far from them; (b, k) each."""
    distance, knee = (points - hard).abs(), (tolerant - hard).abs()
    far = distance.square() + SLOPE * knee - knee.square()
    return torch.where(distance <= knee, SLOPE * distance, far).mean()


def two_teachers_loss(points: Tensor, hard: Tensor, tough: Tensor, tolerant: Tensor) -> Tensor:
    """() KD-Loss of (b, k) coordinates."""
    assistance = assistive_loss(points, hard, tough, TOUGH) + assistive_loss(points, hard, tolerant, TOLERANT)
    return MAIN * main_loss(points, hard, tolerant) + assistance


@dataclass(frozen=True, slots=True)
class ShapeModel:
    """Principal axes of landmarks (Cootes et al., Active Shape Models, CVIU 61, 1995).

    Args:
        mean: (k,) coordinates.
        axes: (k, a) orthonormal columns.
    """

    mean: F8
    axes: F8

    @classmethod
    def of(cls, points: F8, share: float = SHARE) -> ShapeModel:
        """The fewest axes that keep a share of the variance of (n, k) coordinates."""
        mean = points.mean(axis=0)
        _, spread, axes = np.linalg.svd(points - mean, full_matrices=False)
        kept = np.cumsum(spread**2) / np.sum(spread**2)
        count = int(np.searchsorted(kept, share - 1e-12)) + 1
        return cls(mean, axes[:count].T)

    def soft(self, points: F8) -> F8:
        """(n, k) points to their nearest in the model."""
        nearest: F8 = self.mean + (points - self.mean) @ self.axes @ self.axes.T
        return nearest
