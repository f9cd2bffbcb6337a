"""Where faces are, in face_recognition's order: top, right, bottom, left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from mien.compat.photos import photo_of
from mien.compat.settings import current
from mien.compat.warned import warn_once
from mien.errors import FaceError, UsageError
from mien.geometry.boxes import iou
from mien.image import Photo
from mien.types.arrays import AnyArray
from mien.types.faces import Face, Faces

Location = tuple[int, int, int, int]
"""Top, right, bottom, left in pixels."""
DETECTORS: Final = ("hog", "cnn")
MOST_UPSAMPLING: Final = 4
SAME: Final = 0.3
"""Least overlap (intersection over union) of a box that is given with the face it means."""


def load_image_file(file: object, mode: str = "RGB") -> AnyArray:
    """A picture as pixels, turned upright as its metadata says.

    Args:
        file: path, bytes, open file or data URI.
        mode: ``RGB``: (h, w, 3) uint8; ``L``: (h, w) uint8, grey.

    Raises:
        NotFoundError: no such file.
        ImageError: it cannot be used.
    """
    pixels = photo_of(file, bgr=False).decode().pixels
    if mode == "RGB":
        return np.array(pixels)
    if mode == "L":
        from PIL import Image

        return np.array(Image.fromarray(pixels).convert("L"))
    raise UsageError(f"mode is RGB or L, not {mode!r}")


def face_locations(img: object, number_of_times_to_upsample: int = 1, model: str = "hog") -> list[Location]:
    """Boxes of the faces, surest first, within the picture.

    Args:
        img: (h, w, 3) RGB or (h, w) grey array; a path will do too.
        number_of_times_to_upsample: from 2 on, each doubles the size at which the picture is searched.
        model: ``hog`` or ``cnn``: mien's detector either way.
    """
    if model not in DETECTORS:
        raise UsageError(f"model is hog or cnn, not {model!r}")
    faces = detect(photo_of(img, bgr=False), number_of_times_to_upsample)
    return [location_of(face, faces.size) for face in faces]


def batch_face_locations(
    images: Sequence[object], number_of_times_to_upsample: int = 1, batch_size: int = 128
) -> list[list[Location]]:
    """`face_locations` of several pictures, of any sizes; `batch_size` is not followed."""
    del batch_size
    return [face_locations(image, number_of_times_to_upsample) for image in images]


def face_landmarks(
    face_image: object, face_locations: Sequence[Location] | None = None, model: str = "large"
) -> list[dict[str, list[tuple[int, int]]]]:
    """The five points that mien's detectors give; left and right are those of the picture, as in the original.

    Args:
        face_image: see `face_locations`.
        face_locations: only of these faces.
        model: ``small``: ``nose_tip, left_eye, right_eye``, each a list of one point; ``large``: ``mouth_corners`` too,
            but no chin, brows, bridge and lips.
    """
    if model not in ("large", "small"):
        raise UsageError(f"model is large or small, not {model!r}")
    if model == "large":
        warn_once("face_landmarks: mien finds eyes, nose and mouth corners, not the 68 points of model='large'")
    faces = located(detect(photo_of(face_image, bgr=False), 1), face_locations)
    return [_named(face, model) for face in faces]


def detect(photo: Photo, upsample: int) -> Faces:
    """All faces of a picture."""
    if not 0 <= upsample <= MOST_UPSAMPLING:
        raise UsageError(f"number_of_times_to_upsample is 0 to {MOST_UPSAMPLING}, not {upsample}")
    detector = current().models.load_detector()
    detector = detector.with_side(detector.side << upsample - 1) if upsample > 1 else detector
    return detector.detect(photo.decode(detector.side))


def located(faces: Faces, locations: Sequence[Location] | None) -> Faces:
    """Those of the faces that the boxes mean, one a box in their order; all without boxes.

    Raises:
        FaceError: there is no face in a box.
    """
    if locations is None:
        return faces
    if not locations:
        return faces[[]]
    boxes = np.array([(left, top, right, bottom) for top, right, bottom, left in locations], np.float32)
    if not faces:
        raise _empty(faces, locations[0])
    overlaps = iou(boxes, faces.boxes)
    best = overlaps.argmax(axis=1)
    for location, row, column in zip(locations, overlaps, best, strict=True):
        if row[column] < SAME:
            raise _empty(faces, location)
    return faces[best]


def location_of(face: Face, size: tuple[int, int]) -> Location:
    """The box of a face in whole pixels, clipped to a picture of (width, height)."""
    left, top, right, bottom = (round(v) for v in face.box)
    width, height = size
    return max(0, top), min(width, right), min(height, bottom), max(0, left)


def _named(face: Face, model: str) -> dict[str, list[tuple[int, int]]]:
    left, right, nose, *corners = [(round(x), round(y)) for x, y in face.points]
    small: dict[str, Any] = {"nose_tip": [nose], "left_eye": [left], "right_eye": [right]}
    return small if model == "small" else {**small, "mouth_corners": corners}


def _empty(faces: Faces, location: Location) -> FaceError:
    return FaceError(f"{faces.source}: no face at {location} (top, right, bottom, left)", source=faces.source)
