"""Pictures as DeepFace takes them, and the faces in them as it describes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from mien.compat.deepface.errors import DataTypeError, FaceNotDetected, ImgNotFound
from mien.compat.deepface.naming import SKIP
from mien.compat.photos import photo_of
from mien.compat.warned import warn_once
from mien.errors import FaceError, NotFoundError, UsageError
from mien.geometry.align import ARCFACE
from mien.image import Photo, thumbnail
from mien.pipeline.pipeline import CROP, Pipeline
from mien.service.engine import Models
from mien.types.arrays import Crops
from mien.types.faces import Face, Faces
from mien.types.template import Templates

NOWHERE = dict.fromkeys(("x", "y", "w", "h", "left_eye", "right_eye"))
"""The facial area of something that is no picture."""


def open_image(source: object) -> Photo:
    """A picture: path, bytes, open file, data URI, or BGR array.

    Raises:
        ImgNotFound: no such file.
        DataTypeError: nothing that can be a picture.
        ImageError: it cannot be used.
    """
    try:
        return photo_of(source, bgr=True)
    except NotFoundError as error:
        raise ImgNotFound(error.message, source=error.source) from error
    except UsageError as error:
        raise DataTypeError(error.message, code=error.code) from error


def cut_faces(pipeline: Pipeline, photo: Photo, detector_backend: str, *, enforce: bool) -> tuple[Faces, Crops]:
    """All faces of a picture and their aligned crops, (n, 112, 112, 3) uint8 RGB.

    Raises:
        FaceNotDetected: there is none, and `enforce`.
    """
    if detector_backend == SKIP:
        return whole(photo)
    try:
        return pipeline.crops(photo)
    except FaceError as error:
        if enforce:
            raise FaceNotDetected(
                f"{error.message}; use another picture, or enforce_detection=False", source=error.source
            ) from error
        return Faces.none(photo.size, photo.source), np.empty((0, CROP, CROP, 3), np.uint8)


def whole(photo: Photo) -> tuple[Faces, Crops]:
    """A picture that is said to be one aligned face, such as `extract_faces` gives; its middle if it is not square."""
    warn_once("detector_backend='skip': the picture is taken for an aligned face; error rates do not hold if it is not")
    pixels = photo.decode().pixels
    box = np.array([[0, 0, *photo.size]], np.float32)
    points = ARCFACE[None] * (np.array(photo.size, np.float32) / np.float32(CROP))
    faces = Faces(box, np.zeros(1, np.float32), points, photo.size, photo.source)
    return faces, thumbnail(pixels, (0, 0, *photo.size), size=CROP, margin=0)[None]


def templates_of(models: Models, source: object, detector_backend: str, *, enforce: bool) -> tuple[Templates, Photo]:
    """Templates of all faces of a picture."""
    pipeline, photo = models.pipeline(), open_image(source)
    faces, crops = cut_faces(pipeline, photo, detector_backend, enforce=enforce)
    return pipeline.finish(faces, pipeline.embedder.embed(crops)), photo


def area_of(face: Face, size: tuple[int, int] | None = None) -> dict[str, Any]:
    """`facial_area`: whole pixels within the picture; left and right are the person's own.

    Args:
        face: in pixels of the full upright picture.
        size: (width, height) of that; None where it is not known any more.
    """
    width, height = size or (1 << 30, 1 << 30)
    left, top, right, bottom = face.box
    x, y = max(0, int(left)), max(0, int(top))
    eyes = [(int(px), int(py)) if 0 <= px < width and 0 <= py < height else None for px, py in face.points[:2]]
    return {
        "x": x,
        "y": y,
        "w": min(width - x - 1, int(right - left)),
        "h": min(height - y - 1, int(bottom - top)),
        "left_eye": eyes[1] if eyes else None,
        "right_eye": eyes[0] if eyes else None,
    }
