"""How well and how fast a detector finds faces.

    python benchmarks/bench_detection.py ../shared/data --detector yunet --side 640 --side 1600

prints, for each side, the average precision of the official WIDER FACE evaluation (easy, medium, hard), milliseconds of
processor time a picture, precision and recall by height of the face at the operating score; then how many tight crops,
portraits and LFW pictures give no face or several.

WIDER FACE: Yang et al., CVPR 2016. The evaluation follows the published tools: a find counts when its IoU with a face
is 0.5 or more, areas count the last pixel; faces outside the setting are neither missed nor wrongly found; 1,000
thresholds over scores stretched to 0..1; the area under the curve after Pascal VOC 2010.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.image import Limits, open_photo
from mien.models import LoadSettings, load_detector
from mien.types.faces import Faces

SETTINGS = ("easy", "medium", "hard")
HEIGHTS = (10, 20, 40, 80, 160, 320, 100_000)
FLOOR = 0.02
"""Lowest score that enters the precision-recall curve."""

Array = NDArray[Any]


def overlaps(boxes: Array, truth: Array) -> Array:
    """(n, m) IoU of boxes x0 y0 x1 y1 whose last pixel counts, as in the official tools."""
    low, high = np.maximum(boxes[:, None, :2], truth[None, :, :2]), np.minimum(boxes[:, None, 2:], truth[None, :, 2:])
    shared = np.prod(np.maximum(high - low + 1, 0), axis=2)
    area, true_area = (np.prod(b[:, 2:] - b[:, :2] + 1, axis=1) for b in (boxes, truth))
    result: Array = shared / (area[:, None] + true_area[None] - shared)
    return result


def matches(boxes: Array, truth: Array, counts: Array) -> tuple[Array, Array]:
    """For the boxes of one picture, surest first: faces found so far, and whether the box counts as a find at all."""
    over = overlaps(boxes, truth)
    hit, nearest = over.max(axis=1) >= 0.5, over.argmax(axis=1)
    found, total, proposal = np.zeros(len(truth), bool), np.zeros(len(boxes), int), np.ones(len(boxes), bool)
    for i in range(len(boxes)):
        if hit[i] and counts[nearest[i]]:
            found[nearest[i]] = True
        elif hit[i]:
            proposal[i] = False
        total[i] = found.sum()
    return total, proposal


def average_precision(faces: list[Faces], pictures: list[dict[str, Any]], setting: str) -> float:
    """Area under the precision-recall curve of a setting, in 0..1."""
    scores = np.concatenate([f.scores for f in faces])
    low, span = scores.min(), np.ptp(scores)
    thresholds = 1 - np.arange(1, 1001) / 1000
    proposals, found, wanted = np.zeros(1000), np.zeros(1000), 0
    for face, picture in zip(faces, pictures, strict=True):
        truth, counts = corners(picture), np.zeros(len(picture["boxes_xywh"]), bool)
        counts[picture[setting]] = True
        wanted += int(counts.sum())
        if len(truth) and len(face):
            total, proposal = matches(face.boxes, truth, counts)
            above = np.searchsorted(-(face.scores - low) / span, -thresholds, side="right")
            proposals += np.concatenate([[0], np.cumsum(proposal)])[above]
            found += np.concatenate([[0], total])[above]
    precision = np.divide(found, proposals, out=np.zeros(1000), where=proposals > 0)
    recall = np.concatenate([[0], found / wanted, [1]])
    envelope = np.maximum.accumulate(np.concatenate([[0], precision, [0]])[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope[1:]))


def corners(picture: dict[str, Any]) -> Array:
    """(m, 4) annotated boxes as x0 y0 x1 y1."""
    boxes = np.array(picture["boxes_xywh"], float).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def operating(faces: list[Faces], pictures: list[dict[str, Any]], score: float) -> tuple[float, list[float]]:
    """At a score: the share of finds that overlap an annotated face, and recall by height of the face (IoU 0.4)."""
    finds, good = 0, 0
    found: list[Array] = []
    heights: list[Array] = []
    for face, picture in zip(faces, pictures, strict=True):
        truth, sure = corners(picture), face[face.scores >= score]
        over = overlaps(sure.boxes, truth) >= 0.4
        finds, good = finds + len(sure), good + int(over.any(axis=0).sum())
        found.append(over.any(axis=0))
        heights.append(truth[:, 3] - truth[:, 1])
    hit, height = np.concatenate(found), np.concatenate(heights)
    bands = [(height >= low) & (height < high) for low, high in pairwise(HEIGHTS)]
    return good / finds, [float(hit[band].mean()) for band in bands]


def crop_sets(data: Path) -> Iterator[tuple[str, list[Path]]]:
    """Sets of pictures of one face each (LFW: at least one)."""
    for name in ("utkface", "mtfl", "fer2013", "london", "lfw"):
        yield name, sorted((data / name).rglob("*.jpg"))


def bench_wider(detector: Any, data: Path) -> None:
    pictures = json.loads((data / "widerface" / "ground_truth.json").read_text())
    finds, seconds = [], []
    every = replace(detector, score=FLOOR, most=100_000)
    for picture in pictures:
        image = open_photo(data / "widerface" / "images" / picture["file"]).decode()
        finds.append(every.detect(image))
        start = time.process_time()
        detector.detect(image)
        seconds.append(time.process_time() - start)
    ap = [average_precision(finds, pictures, setting) for setting in SETTINGS]
    precision, recall = operating(finds, pictures, detector.score)
    print(
        f"side {detector.side}: AP " + " / ".join(f"{100 * v:.2f}" for v in ap),
        f"| {1000 * statistics.mean(seconds):.1f} CPU ms a picture",
        f"| score {detector.score}: {sum(len(f[f.scores >= detector.score]) for f in finds)} finds,",
        f"precision {100 * precision:.1f} %, recall by height",
        ", ".join(f"{low} px {100 * v:.1f}" for low, v in zip(HEIGHTS, recall, strict=False)),
        flush=True,
    )


def bench_crops(detector: Any, data: Path, most: int) -> None:
    for name, paths in crop_sets(data):
        paths = paths[:: max(1, len(paths) // most)]
        photos = [open_photo(path, limits=Limits(min_side=1)) for path in paths]
        start = time.process_time()
        counts = np.array([len(detector.detect(photo.decode(detector.side))) for photo in photos])
        each = 1000 * (time.process_time() - start) / len(paths)
        print(
            f"{name}: {len(paths)} pictures, {np.sum(counts == 0)} without a face, {np.sum(counts > 1)} with several,",
            f"{each:.1f} CPU ms with decoding",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--side", type=int, action="append", help="long side of the finest look; may be repeated")
    parser.add_argument("--crops", type=int, default=100_000, help="about so many pictures of each set of crops")
    options = parser.parse_args()
    detector: Any = load_detector(options.detector, LoadSettings(engine=options.engine))
    print(options.detector, detector.session.engine, detector.session.precision)
    for side in options.side or [detector.side]:
        bench_wider(replace(detector, side=side), options.data)
    bench_crops(detector, options.data, options.crops)


if __name__ == "__main__":
    main()
