"""Components of face image quality against `ofiqpy`, the Python port of BSI's OFIQ, on the same landmarks and angles.

    pip install --no-deps ofiqpy
    python benchmarks/bench_quality.py --lfw 300

OFIQ's own models (detector, 98 landmarks, head pose, segmentation, sharpness, compression) are no part of `ofiqpy`. So
mien's 68 landmarks are written out to OFIQ's 98, nothing is taken for covered, and ofiqpy's measures run on that. What
is compared is all that comes after landmarks and angles; sharpness and compression need OFIQ's models and are left out.
Prints per component Spearman's correlation of the native values, and the mean and largest difference of the quality
values, over London and the first pictures of LFW view 1; then the milliseconds of one face.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from lfw import arguments, read_pairs
from mien.evaluate.heads import central
from mien.image import open_photo
from mien.models import load_detector, load_head
from mien.models.views import Cuts
from mien.quality import Portrait, components
from mien.quality.head import portraits

F8 = NDArray[np.float64]

NAMES = {
    "UnderExposurePrevention": "under_exposure_prevention",
    "OverExposurePrevention": "over_exposure_prevention",
    "DynamicRange": "dynamic_range",
    "LuminanceMean": "luminance_mean",
    "LuminanceVariance": "luminance_variance",
    "IlluminationUniformity": "illumination_uniformity",
    "NaturalColour": "natural_colour",
    "InterEyeDistance": "inter_eye_distance",
    "HeadSize": "head_size",
    "LeftwardCropOfTheFaceImage": "leftward_crop",
    "RightwardCropOfTheFaceImage": "rightward_crop",
    "MarginAboveOfTheFaceImage": "margin_above",
    "MarginBelowOfTheFaceImage": "margin_below",
    "EyesOpen": "eyes_open",
    "MouthClosed": "mouth_closed",
    "HeadPoseYaw": "head_pose_yaw",
    "HeadPosePitch": "head_pose_pitch",
    "HeadPoseRoll": "head_pose_roll",
}
"""OFIQ's names to mien's, of all that needs none of OFIQ's models once landmarks and angles are given."""


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--lfw", type=int, default=300, help="so many pictures of LFW view 1")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    london = sorted((options.data / "london").glob("*_front/*.jpg"))
    pairs = read_pairs(options.data / "lfw" / "pairsDevTest.txt")
    names = sorted({name for pair in pairs for name in (pair.a, pair.b)})[: options.lfw]
    for dataset, paths in (("London", london), ("LFW view 1", [options.data / "lfw" / "images" / n for n in names])):
        compare(dataset, paths)


def compare(dataset: str, paths: Sequence[Path]) -> None:
    """One table."""
    detector, heads = load_detector(), [load_head(name) for name in ("landmarks68", "pose")]
    rows: list[tuple[dict[str, tuple[float, float]], dict[str, tuple[float, float]]]] = []
    spent: list[float] = []
    for path in paths:
        image = open_photo(path).decode()
        face = central(detector.detect(image))
        if face is None:
            continue
        cuts = Cuts(image, face)
        for head in heads:
            cuts.faces = cuts.faces.with_columns({head.card.name: head.look(cuts)})
        start = time.process_time()
        (portrait,) = portraits(cuts)
        ours = {
            name: (value := components[name].measure(portrait), components[name].convert(value)) for name in components
        }
        spent.append(time.process_time() - start)
        rows.append((ours, theirs(portrait)))
    print(
        f"\n{dataset}: {len(rows)} faces of {len(paths)}; {1000 * np.median(spent):.1f} ms a face for all components\n"
    )
    print("| component | Spearman | mean difference | largest | equal |\n|---|---:|---:|---:|---:|")
    for name, own in NAMES.items():
        pairs = np.array([(a[own], b[name]) for a, b in rows if name in b], np.float64)
        native, quality = pairs[..., 0], np.abs(pairs[:, 0, 1] - pairs[:, 1, 1])
        spread = np.ptp(native, axis=0).min() > 0
        rho = f"{spearmanr(native[:, 0], native[:, 1])[0]:.3f}" if spread else "– (all alike)"
        print(f"| {own} | {rho} | {quality.mean():.1f} | {quality.max():.0f} | {np.mean(quality <= 1):.0%} |")


def theirs(portrait: Portrait) -> dict[str, tuple[float, float]]:
    """Native and quality value of each component, from ofiqpy's measures."""
    from ofiqpy.measures import geometry, pixel
    from ofiqpy.measures.core import Measures

    seen = session(portrait)
    whole = Measures(None)
    groups: list[Callable[[Any], Any]] = [
        pixel.under_exposure,
        pixel.over_exposure,
        pixel.dynamic_range,
        pixel.luminance_variance,
        pixel.illumination_uniformity,
        pixel.natural_colour,
        geometry.inter_eye_distance,
        geometry.crop_of_face,
        geometry.eyes_open,
        geometry.mouth_closed,
        whole.luminance_mean,
        whole.head_size,
        whole.head_pose,
    ]
    values = [value for group in groups for value in _as_tuple(group(seen))]
    return {value.name: (value.raw, value.scalar) for value in values if value.available}


def session(portrait: Portrait) -> SimpleNamespace:
    """What ofiqpy's measures look at; its slots for yaw and pitch are the other way round, as OFIQ's are."""
    from ofiqpy.align import align, landmarked_region

    points = written_out(portrait.landmarks)
    bgr = np.ascontiguousarray(portrait.image.pixels[..., ::-1])
    aligned, aligned_points, matrix = align(bgr, points)
    yaw, pitch, roll = portrait.angles
    return SimpleNamespace(
        image=bgr,
        landmarks=points,
        aligned_face=aligned,
        aligned_landmarks=aligned_points,
        affine=matrix,
        landmarked_region=landmarked_region(aligned_points),
        occlusion_mask=np.ones(aligned.shape[:2], np.uint8),
        pitch=yaw,
        yaw=pitch,
        roll=roll,
    )


def written_out(points: F8) -> F8:
    """The 98 points of WFLW from the 68 of 300-W, those between two of these at their middle."""
    found = np.zeros((98, 2))
    found[0:33:2] = points[:17]
    found[1:32:2] = (points[:16] + points[1:17]) / 2
    for start, first in ((33, 17), (42, 22)):
        found[start : start + 9] = points[first + np.minimum(np.arange(9), 4)]
    found[51:60] = points[27:36]
    for start, first in ((60, 36), (68, 42)):
        p = points[first : first + 6]
        between = [(p[1] + p[2]) / 2, (p[4] + p[5]) / 2]
        found[start : start + 8] = [p[0], p[1], between[0], p[2], p[3], p[4], between[1], p[5]]
    found[76:96] = points[48:68]
    found[96], found[97] = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    return found


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


if __name__ == "__main__":
    main()
