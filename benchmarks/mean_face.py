"""The 3D mean face of `mien.geometry.mean_face`, from points that `landmarks68` finds in pictures that nobody measured.

    python benchmarks/mean_face.py > table.txt

Rigid structure from motion under scaled orthographic projection (Tomasi and Kanade, IJCV 1992), by turns: the pose of
each face with the shape held, then each point of the shape by least squares with the poses held (both with Huber
weights), mirrored halves averaged after each turn. It begins with the mean frontal outline laid on half an ellipsoid.
The unit is the distance of the eyes, the origin their middle. Pictures do not say which way is straight ahead: pitch 0
is the median of people who were asked to look into a camera (London, neutral).

Pictures: view 1 of LFW (people of its test list, every fourth picture), UTKFace (every twelfth), London (neutral).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lfw import arguments, read_pairs
from mien.evaluate.heads import observe
from mien.geometry.mean_face import MIRRORED
from mien.geometry.pose import KNEE, SPREAD, rotations_of, solve_poses
from mien.models import load_detector, load_head

F8 = NDArray[np.float64]

TURNS = 40
"""Until the depth stands still; it is the last to do so."""
AXES = (1.25, 2.2, 1.3)
"""Half axes of the ellipsoid, eye distances; its middle lies 0.6 below the eyes."""


def main() -> None:
    data = arguments(__doc__ or "").parse_args().data
    pairs = read_pairs(data / "lfw" / "pairsDevTest.txt")
    lfw = sorted({name for pair in pairs for name in (pair.a, pair.b)})[::4]
    utk = sorted((data / "utkface").rglob("*.jpg"))[::12]
    turned = found([data / "lfw" / "images" / name for name in lfw] + utk)
    frontal = found(sorted((data / "london" / "neutral_front").glob("*.jpg")))
    shape = fit(turned, frontal)
    print(f"# {len(turned):,} faces of many poses, {len(frontal):,} frontal")
    for x, y, z in shape:
        print(f"    ({x:.3f}, {y:.3f}, {z:.3f}),")


def found(paths: Sequence[Path]) -> F8:
    """(n, 68, 2) of the faces that were found."""
    observed = observe([load_head("landmarks68")], load_detector(), paths)
    return observed.values["landmarks68"][observed.found].astype(np.float64)


def fit(turned: F8, frontal: F8) -> F8:
    """(68, 3) shape from faces of many poses and frontal ones; all points count alike.

    Weights by how well a point fits feed on themselves: the best points pin the pose, fit better still, and the depth
    shrinks, since what noise turns a face by is then taken for its pose.
    """
    shape = beginning(frontal)
    for _ in range(TURNS):
        shape = better(turned, shape)
    pitch = float(np.median(solve_poses(frontal, shape).angles[:, 1]))
    return shape @ rotations_of(np.array([[0.0, pitch, 0.0]]))[0].T


def beginning(frontal: F8) -> F8:
    left, right = (frontal[:, first : first + 6].mean(axis=1) for first in (36, 42))
    eyes = np.linalg.norm(right - left, axis=1)[:, None, None]
    x, y = np.mean((frontal - ((left + right) / 2)[:, None]) / eyes, axis=0).T
    a, b, c = AXES
    z = -c * np.sqrt(np.maximum(0.02, 1 - (x / a) ** 2 - ((y - 0.6) / b) ** 2))
    z[27:31] -= np.linspace(0, 0.45, 4)  # the bridge of the nose down to its tip
    z[31:36] -= 0.15
    return normal(np.stack([x, y, z], axis=1))


def normal(shape: F8) -> F8:
    """Symmetric, the middle of the eyes at the origin, one unit between them."""
    shape = (shape + shape[MIRRORED] * [-1, 1, 1]) / 2
    left, right = shape[36:42].mean(axis=0), shape[42:48].mean(axis=0)
    return (shape - (left + right) / 2) / np.linalg.norm(right - left)


def better(points: F8, shape: F8) -> F8:
    """The shape that fits the poses that fit the shape."""
    poses = solve_poses(points, shape)
    rows = poses.rotations[:, :2]
    unit = (points - poses.shifts[:, None]) / poses.scales[:, None, None]
    errors = np.linalg.norm(unit - np.einsum("nij,kj->nki", rows, shape), axis=2)
    knee = KNEE * SPREAD * np.median(errors, axis=0)
    counts = np.minimum(1, knee / np.maximum(errors, 1e-9))
    left = np.einsum("nk,nai,naj->kij", counts, rows, rows)
    right = np.einsum("nk,nai,nka->ki", counts, rows, unit)
    return normal(np.linalg.solve(left, right[..., None])[..., 0])


if __name__ == "__main__":
    main()
