"""DeepFace.represent with YuNet and SFace, from the same weights."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

os.environ["yunet_score_threshold"] = "0.7"  # noqa: SIM112 - deepface's own name

from deepface import DeepFace
from deepface.modules.exceptions import FaceNotDetected

PACKAGES = ("deepface", "onnxruntime", "opencv-contrib-python-headless", "numpy")
SETTINGS = "YuNet at 640 (deepface's own), score 0.7; SFace, f32, ONNX Runtime, no TensorFlow"


def open_system(weights: Path, variant: str):
    assert not variant
    os.environ["DEEPFACE_HOME"] = str(weights.parents[1])  # it looks in .deepface/weights below

    def process(pictures: Iterable[str]) -> Iterator[tuple[int, list] | None]:
        for picture in pictures:
            try:
                found = DeepFace.represent(picture, model_name="SFace", detector_backend="yunet")
            except FaceNotDetected:
                yield 0, []
                continue
            # Of a single face it gives a row of one row.
            vectors = [face["embedding"] for face in found]
            yield len(found), [vector[0] if len(vector) == 1 else vector for vector in vectors]

    return SETTINGS, process
