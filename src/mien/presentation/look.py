"""Cues of many pictures, as they are and as smaller JPEGs, to fit a detector to."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from mien.errors import FaceError, MienError
from mien.image import encode_jpeg, open_photo
from mien.image.cues import cues
from mien.models.detectors import Detector
from mien.presentation.fit import Shown
from mien.types.arrays import AnyArray, FloatArray, Pixels
from mien.types.outcome import Failure

FACE: Final = (70, 300)
"""Pixels: widths of the face in the smaller copies."""
QUALITY: Final = (60, 96)
"""Of their JPEGs."""


def look(
    pictures: Sequence[tuple[Path, str]],
    detector: Detector,
    *,
    copies: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Shown, tuple[Failure, ...]]:
    """The cues of pictures and of smaller copies of them: on the web faces are smaller than in a studio.

    Args:
        pictures: path and species of each.
        detector: finds the face; the largest is taken.
        copies: smaller ones of each picture; their sizes follow from the file's name.
        progress: told how far it is.

    Returns:
        The cues, and pictures that gave none.
    """
    rows: list[FloatArray] = []
    names: list[str] = []
    failures: list[Failure] = []
    for number, (path, name) in enumerate(pictures):
        try:
            found = _rows(path, detector, copies)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, str(path)))
            continue
        finally:
            if progress:
                progress(number + 1, len(pictures))
        rows += found
        names += [name] * len(found)
    return Shown(np.stack(rows) if rows else np.empty((0, 0), np.float32), tuple(names)), tuple(failures)


def _rows(path: Path, detector: Detector, copies: int) -> list[FloatArray]:
    image = open_photo(path).decode()
    faces = detector.detect(image)
    if not faces:
        raise FaceError(f"{path}: no face is found", code="no-face", source=str(path))
    largest = int(np.argmax(faces.widths))
    box, points = faces.boxes[largest], faces.points[largest]
    draw = np.random.default_rng(zlib.crc32("/".join(path.parts[-3:]).encode()))
    rows = [cues(image.pixels, box, points)]
    for _ in range(copies):
        factor = min(1.0, float(np.exp(draw.uniform(*np.log(FACE)))) / float(box[2] - box[0]))
        rows.append(cues(_smaller(image.pixels, factor, int(draw.integers(*QUALITY))), box * factor, points * factor))
    return rows


def _smaller(pixels: Pixels, factor: float, quality: int) -> Pixels:
    size = tuple(max(2, round(side * factor)) for side in pixels.shape[1::-1])
    reduced: AnyArray = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return open_photo(encode_jpeg(reduced, quality)).decode().pixels
