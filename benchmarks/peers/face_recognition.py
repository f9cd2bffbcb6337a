"""face_recognition: dlib's HOG detector and its ResNet, at their defaults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import face_recognition

PACKAGES = ("face_recognition", "dlib-bin", "numpy")
SETTINGS = "HOG on the picture at twice its size (its default); ResNet-29, f32"


def open_system(weights: Path, variant: str):
    del weights  # its own
    assert not variant

    def process(pictures: Iterable[str]) -> Iterator[tuple[int, list] | None]:
        for picture in pictures:
            image = face_recognition.load_image_file(picture)
            places = face_recognition.face_locations(image)
            yield len(places), face_recognition.face_encodings(image, places)

    return SETTINGS, process
