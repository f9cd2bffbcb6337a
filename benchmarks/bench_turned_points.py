"""Whether a detector's five points follow a face that is turned in the plane, by the size of the face in its input.

    python benchmarks/bench_turned_points.py --detectors yunet,centerface --every 8

London, neutral, turned by -20 and 20 degrees and reduced; one pass of the network, its surest face. Printed: by how
much the line through the eyes turned, of 20 degrees asked for, mean over faces and both ways with its 95 % interval.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lfw import arguments
from mien.evaluate.heads import Mean
from mien.evaluate.heads_pose import rotated
from mien.image import find_photos, open_photo
from mien.models import load_detector
from mien.types.image import Image

SIDES = (160, 240, 320, 400, 480, 560, 640)
TURN = 20


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--detectors", default="yunet,centerface")
    parser.add_argument("--every", type=int, default=8)
    options = parser.parse_args()
    paths = find_photos(options.data / "london" / "neutral_front")[0][:: options.every]
    images = [open_photo(path).decode() for path in paths]
    for name in options.detectors.split(","):
        for side in SIDES:
            angles, heights = zip(*(look(name, image, side) for image in images), strict=True)
            followed = np.array([(after - before) / 2 for before, after in angles])
            print(f"{name}, {side} px, face {np.median(heights):.0f} px high: {Mean.of(followed)}", flush=True)


def look(name: str, image: Image, side: int) -> tuple[tuple[float, float], float]:
    """Degrees of the eye line turned one way and the other, and the height of the box."""
    found = []
    for turn in (-TURN, TURN):
        pixels = cv2.resize(rotated(image, turn).pixels, (side, side), interpolation=cv2.INTER_AREA)
        found.append(surest(load_detector(name).find([pixels])[0]))
    return (found[0][0], found[1][0]), float(np.mean([height for _, height in found]))


def surest(found) -> tuple[float, float]:
    """Angle of the line through the eyes, and height of the box."""
    best = int(found.scores.argmax())
    across: NDArray[np.float32] = found.points[best, 1] - found.points[best, 0]
    return float(np.degrees(np.arctan2(across[1], across[0]))), float(found.boxes[best, 3] - found.boxes[best, 1])


if __name__ == "__main__":
    main()
