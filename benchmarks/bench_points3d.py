"""How far 68 points in space move against the face when the picture is mirrored, or turned in its plane.

    python benchmarks/bench_points3d.py --set london/neutral_front --every 6

There is no measured depth here: a face of unusual depth gets that of the mean face, and nothing below shows it. What is
shown is how well the answers to one face agree: mean distance of the 68 points in percent of the eye distance (in 3D,
between the middles of the eyes), after the turn or the mirror is undone, over all three axes and for depth alone.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from lfw import arguments
from mien.evaluate.heads import Mean, observe
from mien.evaluate.heads_pose import mirror, rotated
from mien.evaluate.resolution import seen
from mien.geometry.mean_face import MIRRORED
from mien.geometry.pose import rotations_of
from mien.image import find_photos
from mien.models import load_detector, load_head

F8 = NDArray[np.float64]
TURNS = (-20, 20)


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--set", default="london/neutral_front", help="folder of the pictures, below --data")
    parser.add_argument("--every", type=int, default=6)
    options = parser.parse_args()
    paths = find_photos(options.data / options.set)[0][:: options.every]
    heads = [load_head("landmarks68"), load_head("landmarks68-3d")]

    def points(change) -> F8:
        found = observe(heads, load_detector(), paths, turned=lambda image: seen(change(image), enlarge=320))
        return centred(found.values["landmarks68-3d"].astype(np.float64))

    plain = points(lambda image: image)
    report("mirrored", plain, points(mirror)[:, MIRRORED] * [-1, 1, 1])
    for degrees in TURNS:
        back = rotations_of(np.array([[0.0, 0.0, -degrees]]))[0]
        report(f"turned by {degrees}", plain, points(partial(rotated, degrees=degrees)) @ back.T)


def centred(points: F8) -> F8:
    """Percent of the eye distance, from the middle of the 68 points."""
    eyes = points[:, 42:48].mean(axis=1) - points[:, 36:42].mean(axis=1)
    unit = np.linalg.norm(eyes, axis=1)[:, None, None]
    return 100 * (points - points.mean(axis=1, keepdims=True)) / unit


def report(what: str, one: F8, other: F8) -> None:
    both = ~np.isnan(one + other).any(axis=(1, 2))
    apart = (one - other)[both]
    print(f"{what}: 3D {Mean.of(np.linalg.norm(apart, axis=2).mean(axis=1))}", end=", ")
    print(f"depth {Mean.of(np.abs(apart[..., 2]).mean(axis=1))}")


if __name__ == "__main__":
    main()
