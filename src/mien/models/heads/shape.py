"""Pose, and points in three dimensions, from a mean face: arithmetic on points that others have found.

``pose3d`` and ``landmarks68-3d`` rest on the 68 landmarks, ``pose5`` on the detector's own five, which cost nothing
more: detection and pose in one pass (Liu et al., MOS, BMVC 2021, learn them together).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mien.geometry.mean_face import FIVE, SHAPE
from mien.geometry.pose import Poses, solve_poses
from mien.models.card import Card
from mien.models.heads import arithmetic
from mien.models.heads.eyes import LANDMARKS
from mien.models.heads.pose import ANGLES
from mien.types.faces import PIXELS, Column, Faces

if TYPE_CHECKING:
    from mien.models.views import Cuts


@dataclass(frozen=True, slots=True)
class PointPose:
    """Yaw, pitch and roll of the mean face that meets the points best.

    Args:
        needs: the head that finds 68 points; none for the detector's five.
    """

    card: Card
    needs: tuple[str, ...] = ()
    session: None = field(default=None, init=False)

    def look(self, cuts: Cuts) -> Column:
        """(n, 3) degrees: yaw, pitch, roll."""
        faces = cuts.faces
        poses = poses_of(faces) if self.needs else solve_poses(faces.points, FIVE, robust=False)
        return Column(poses.angles, "degrees")

    def describe(self, column: Column, row: int) -> dict[str, float]:
        """Each angle to a tenth of a degree."""
        return {name: round(float(value), 1) for name, value in zip(ANGLES, column.values[row], strict=True)}


@dataclass(frozen=True, slots=True)
class Solid:
    """The landmarks as found, with the depth that the mean face has there when it is turned as they say."""

    card: Card
    needs: tuple[str, ...] = (LANDMARKS,)
    session: None = field(default=None, init=False)

    def look(self, cuts: Cuts) -> Column:
        """(n, 68, 3) pixels: x and y in the full picture, z from the middle of the eyes, away from the viewer."""
        points = cuts.faces.columns[LANDMARKS].values
        depth = poses_of(cuts.faces).place(SHAPE)[..., 2:]
        return Column(np.concatenate([points, depth], axis=2).astype(np.float32), PIXELS)

    def describe(self, column: Column, row: int) -> list[list[float]]:
        """68 triples, to a tenth of a pixel."""
        return [[round(float(v), 1) for v in point] for point in column.values[row]]


def poses_of(faces: Faces) -> Poses:
    """Of faces whose 68 landmarks are known."""
    return solve_poses(faces.columns[LANDMARKS].values, SHAPE)


@arithmetic.register("pose3d")
def pose3d(card: Card) -> PointPose:
    """The head of a card."""
    return PointPose(card, (LANDMARKS,))


@arithmetic.register("pose5")
def pose5(card: Card) -> PointPose:
    """The head of a card."""
    return PointPose(card)


@arithmetic.register("landmarks68-3d")
def landmarks68_3d(card: Card) -> Solid:
    """The head of a card."""
    return Solid(card)
