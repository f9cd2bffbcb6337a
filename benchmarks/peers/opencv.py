"""OpenCV's own loop: FaceDetectorYN, alignCrop, FaceRecognizerSF, all of it C++, threads as OpenCV sets them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2

PACKAGES = ("opencv-python-headless", "numpy")
SETTINGS = "YuNet at the picture's own size up to 1600, score 0.7; SFace, f32"
SIDE = 1600


def open_system(weights: Path, variant: str):
    assert not variant
    detector = cv2.FaceDetectorYN.create(str(weights / "face_detection_yunet_2023mar.onnx"), "", (320, 320), 0.7)
    recognizer = cv2.FaceRecognizerSF.create(str(weights / "face_recognition_sface_2021dec.onnx"), "")

    def process(pictures: Iterable[str]) -> Iterator[tuple[int, list] | None]:
        for picture in pictures:
            image = cv2.imread(picture)
            if image is None:
                yield None
                continue
            height, width = image.shape[:2]
            scale = min(1.0, SIDE / max(height, width))
            size = round(width * scale), round(height * scale)
            detector.setInputSize(size)
            _, faces = detector.detect(image if scale == 1.0 else cv2.resize(image, size))
            if faces is None:
                yield 0, []
                continue
            faces[:, :14] /= scale
            yield len(faces), [recognizer.feature(recognizer.alignCrop(image, face))[0] for face in faces]

    return SETTINGS, process
