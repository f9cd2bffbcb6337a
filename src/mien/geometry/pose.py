"""How a head is turned, from points in a picture and where they lie on a 3D face.

Axes: x to the right of the picture, y down, z away from the viewer. Angles in degrees: yaw is positive when the face
looks to the left of the picture, pitch when it looks up, roll when it is turned clockwise. From a face that looks into
the camera a head comes to its pose by yaw about the vertical of the picture, then pitch about the horizontal, then roll
in its plane, R = Rz(roll) Rx(pitch) Ry(yaw): a picture turned in its plane changes roll alone, and yaw has its whole
range (the angles part only for a face that looks straight up or down).

The camera is taken to be far away (scaled orthographic projection): of a picture alone its distance is not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.geometry.align import similarity
from mien.types.arrays import FloatArray

F8: TypeAlias = NDArray[np.float64]

STEPS: Final = 20
"""Most of Gauss and Newton; from a frontal face 3 to 8 are usual."""
STILL: Final = 1e-5
"""Radians: a step that turns every face by less is the last one."""
DAMPING: Final = 1e-6
"""Share of the curvature that is added to it, so that points in one plane have a solution."""
KNEE: Final = 1.345
"""Standard deviations from which on a residual counts linearly (Huber 1964: 95 % as exact on a normal distribution)."""
SPREAD: Final = 1.4826
"""Standard deviation of a normal distribution in medians of its absolute values."""
AXES: Final[F8] = np.array(
    [[[0, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0], [-1, 0, 0]], [[0, -1, 0], [1, 0, 0], [0, 0, 0]]], float
)
"""(3, 3, 3): AXES[i] @ v is what a small angle about axis i adds to v."""
BOLDEST: Final = 0.5
"""Most that a step may turn a face, radians, or change the logarithm of its scale."""


@dataclass(frozen=True, slots=True)
class Poses:
    """Of n faces: `points = scale * (rotation @ shape)[:2] + shift`.

    Args:
        rotations: (n, 3, 3) float64.
        scales: (n,) float64, pixels for one unit of the shape.
        shifts: (n, 2) float64, pixels: where the shape's origin lies.
        residuals: (n,) float64, root of the weighted mean square of what is left, in units of the shape.
    """

    rotations: F8
    scales: F8
    shifts: F8
    residuals: F8

    @property
    def angles(self) -> FloatArray:
        """(n, 3) float32 degrees: yaw, pitch, roll."""
        return angles_of(self.rotations)

    def place(self, shape: F8) -> F8:
        """Where (k, 3) points of the shape lie.

        Returns:
            (n, k, 3) pixels: x and y in the picture, z from the shape's origin, positive away from the viewer.
        """
        turned = np.einsum("nij,kj->nki", self.rotations, shape) * self.scales[:, None, None]
        turned[..., :2] += self.shifts[:, None]
        placed: F8 = turned
        return placed


def rotations_of(angles: FloatArray | F8) -> F8:
    """(n, 3) degrees yaw, pitch, roll to (n, 3, 3)."""
    turns = np.radians(angles.T.astype(np.float64))
    (cy, cp, cr), (sy, sp, sr) = np.cos(turns), np.sin(turns)
    zero, one = np.zeros_like(cy), np.ones_like(cy)
    yaw = _matrices([[cy, zero, sy], [zero, one, zero], [-sy, zero, cy]])
    pitch = _matrices([[one, zero, zero], [zero, cp, sp], [zero, -sp, cp]])
    roll = _matrices([[cr, -sr, zero], [sr, cr, zero], [zero, zero, one]])
    return roll @ pitch @ yaw


def angles_of(rotations: F8) -> FloatArray:
    """(n, 3, 3) to (n, 3) float32 degrees: yaw and roll within 180, pitch within 90."""
    yaw = np.arctan2(-rotations[:, 2, 0], rotations[:, 2, 2])
    pitch = -np.arcsin(np.clip(rotations[:, 2, 1], -1, 1))
    roll = np.arctan2(-rotations[:, 0, 1], rotations[:, 1, 1])
    degrees: FloatArray = np.degrees(np.stack([yaw, pitch, roll], axis=1)).astype(np.float32)
    return degrees


def solve_poses(points: FloatArray | F8, shape: F8, weights: F8 | None = None, *, robust: bool = True) -> Poses:
    """The pose of each face that brings a shape nearest to its points, all faces together.

    Scaled orthographic least squares by Gauss and Newton on rotation and scale; the shift follows from the weighted
    means. With `robust` each point's weight shrinks with its distance (Huber), so that a hand over the mouth does not
    turn the head.

    Args:
        points: (n, k, 2) pixels; k at least 4, not all in one plane of the shape.
        shape: (k, 3) the same points on a 3D face that looks into the camera.
        weights: (k,) how much each point counts; None = alike.
        robust: for many points; five leave too little over to tell which of them is wrong.

    Raises:
        ValueError: the points of a face coincide or are not finite.
    """
    points = points.astype(np.float64)
    given = np.ones(len(shape)) if weights is None else weights / weights.mean()
    counts: F8 = np.broadcast_to(given, points.shape[:2])
    rotations, scales = _upright(points, shape)
    for _ in range(STEPS):
        target, centred, _, _ = _centred(points, shape, counts)
        turned = np.einsum("nij,nkj->nki", rotations, centred) * scales[:, None, None]
        left = target - turned[..., :2]
        if robust:
            counts = given * _huber(np.linalg.norm(left, axis=2))
        step = _step(turned, left, counts)
        rotations = _small_turn(step[:, :3]) @ rotations
        scales = scales * np.exp(np.clip(step[:, 3], -BOLDEST, BOLDEST))
        if np.abs(step[:, :3]).max(initial=0) < STILL:
            break
    target, centred, middle, origin = _centred(points, shape, counts)
    turned = np.einsum("nij,nkj->nki", rotations, centred) * scales[:, None, None]
    squares = np.sum((target - turned[..., :2]) ** 2, axis=2)
    residuals = np.sqrt(np.average(squares, axis=1, weights=counts)) / scales
    shifts = middle - scales[:, None] * np.einsum("nij,nj->ni", rotations, origin)[:, :2]
    return Poses(rotations, scales, shifts, residuals)


def _upright(points: F8, shape: F8) -> tuple[F8, F8]:
    """Rotation in the plane and scale of a face that looks into the camera: where the search begins."""
    to_shape = similarity(points.astype(np.float32), shape[:, :2].astype(np.float32))[:, :, :2]
    scales = 1 / np.hypot(to_shape[:, 0, 0], to_shape[:, 1, 0])
    rotations = np.tile(np.eye(3), (len(points), 1, 1))
    rotations[:, :2, :2] = to_shape.transpose(0, 2, 1) * scales[:, None, None]
    return rotations, scales


def _centred(points: F8, shape: F8, counts: F8) -> tuple[F8, F8, F8, F8]:
    """Points (n, k, 2) and shape (n, k, 3) about their weighted means, and these means."""
    shares = counts / counts.sum(axis=1, keepdims=True)
    middle, origin = np.einsum("nk,nki->ni", shares, points), shares @ shape
    return points - middle[:, None], shape - origin[:, None], middle, origin


def _huber(distances: F8) -> F8:
    """(n, k) weights of (n, k) distances, by what is usual in the same face."""
    knee = KNEE * SPREAD * np.median(distances, axis=1, keepdims=True) + 1e-12
    return np.minimum(1.0, knee / np.maximum(distances, knee))


def _step(turned: F8, left: F8, counts: F8) -> F8:
    """(n, 4): small angles about x, y and z, and the logarithm of the change of scale."""
    x, y, z = np.moveaxis(turned, 2, 0)
    zero = np.zeros_like(x)
    slopes = np.stack([np.stack([zero, z, -y, x], axis=2), np.stack([-z, zero, x, y], axis=2)], axis=2)
    weighted = slopes * counts[..., None, None]
    curvature = np.einsum("nkaf,nkag->nfg", weighted, slopes)
    curvature += DAMPING * np.trace(curvature, axis1=1, axis2=2)[:, None, None] * np.eye(4)
    slope = np.einsum("nkaf,nka->nf", weighted, left)
    step: F8 = np.linalg.solve(curvature, slope[..., None])[..., 0]
    return step


def _small_turn(vectors: F8) -> F8:
    """(n, 3) axes times angles in radians to (n, 3, 3) (Rodrigues); no more than `BOLDEST` at once."""
    angles = np.linalg.norm(vectors, axis=1)
    unit = vectors / np.maximum(angles, 1e-12)[:, None]
    angles = np.minimum(angles, BOLDEST)[:, None, None]
    cross = np.einsum("ni,ijk->njk", unit, AXES)
    turn: F8 = np.eye(3) + np.sin(angles) * cross + (1 - np.cos(angles)) * (cross @ cross)
    return turn


def _matrices(rows: list[list[F8]]) -> F8:
    return np.moveaxis(np.array(rows), 2, 0)
