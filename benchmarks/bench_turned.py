"""Heads held aslant: LFW view 1, every picture turned in the plane, aligned by the detector's points or by landmarks.

    python benchmarks/bench_turned.py --lfw lfw --turn 30

Each picture is turned by an angle of its own, drawn evenly from -turn to turn by seed; corners become black.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.evaluate.heads import central
from mien.evaluate.metrics.accuracy import fold_accuracy
from mien.evaluate.protocols.lfw import read_lfw
from mien.evaluate.rates import clopper_pearson
from mien.geometry.align import align_faces
from mien.image import open_photo
from mien.models import LoadSettings, load_detector, load_embedder, load_head
from mien.models.heads.landmarks import five_points
from mien.models.views import Cuts
from mien.types.arrays import FloatArray, Pixels
from mien.types.image import Image

SETTINGS = LoadSettings(precision="f32")
FOLDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, required=True)
    parser.add_argument("--turn", type=float, default=30, help="degrees at most")
    parser.add_argument("--detector", default="yunet")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    task = read_lfw(options.lfw, view=1)
    angles = np.random.default_rng(options.seed).uniform(-options.turn, options.turn, len(task.sources))
    paths = [Path(str(source)) for source in task.sources]
    crops = [aligned(path, angle, options.detector) for path, angle in zip(paths, angles, strict=True)]
    for number, name in enumerate((f"points of {options.detector}", "five points of landmarks68")):
        print(name, measured([pair and pair[number] for pair in crops], task.a, task.b, task.mated))


def aligned(path: Path, angle: float, detector: str) -> tuple[Pixels, Pixels] | None:
    """The face of a turned picture, aligned in both ways; None where none is found."""
    photo = open_photo(path).decode()
    height, width = photo.pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1)
    image = Image(np.asarray(cv2.warpAffine(photo.pixels, matrix, (width, height)), np.uint8), photo.size, str(path))
    face = central(load_detector(detector, SETTINGS).detect(image))
    if face is None:
        return None
    landmarks = load_head("landmarks68", SETTINGS).look(Cuts(image, face)).values
    both = np.concatenate([face.points, five_points(landmarks).astype(np.float32)])
    first, second = align_faces(image.pixels, both)
    return first, second


def measured(crops: list[Pixels | None], a: NDArray[np.int64], b: NDArray[np.int64], mated: NDArray[np.bool_]) -> str:
    """Accuracy over ten folds with its interval, and the mean cosines."""
    found = np.array([crop is not None for crop in crops])
    embedder = load_embedder("sface", SETTINGS)
    vectors: FloatArray = np.zeros((len(crops), 128), np.float32)
    vectors[found] = embedder.embed(np.stack([crop for crop in crops if crop is not None]))
    scores, lost = np.einsum("ij,ij->i", vectors[a], vectors[b]), ~(found[a] & found[b])
    folds = fold_accuracy(scores, mated, lost, np.arange(len(a)) % FOLDS)
    low, high = clopper_pearson(int(folds.right.sum()), len(a))
    means = f"mated {scores[mated & ~lost].mean():.3f}, others {scores[~mated & ~lost].mean():.3f}"
    return f"accuracy {folds.mean:.4f} ({low:.4f} to {high:.4f}; {len(a)} pairs, {lost.sum()} lost), cosines {means}"


if __name__ == "__main__":
    main()
