"""Encodings whose Euclidean distance 0.6 is the threshold of a measured operating point.

A face's template t has length 1, and two templates of cosine c are sqrt(2 - 2c) apart. Encodings are r t with

    r = 0.6 / sqrt(2 - 2 threshold)

so that `face_distance` <= 0.6 means cosine >= threshold, also for who computes the distance himself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mien.compat.face_recognition.locating import Location, detect, located
from mien.compat.photos import photo_of
from mien.compat.settings import current, operating_point
from mien.compat.warned import warn_once
from mien.errors import ModelMismatchError, UsageError
from mien.geometry.align import align_faces
from mien.types.arrays import AnyArray

TOLERANCE: Final = 0.6
"""face_recognition's default; stands for the operating point."""
ROUNDING: Final = 1 + 1e-6


def face_encodings(
    face_image: object,
    known_face_locations: Sequence[Location] | None = None,
    num_jitters: int = 1,
    model: str = "small",
) -> list[NDArray[np.float64]]:
    """An encoding of each face: (d,) float64, as long as `radius`; d is 128 with the default embedder.

    Args:
        face_image: see `face_locations`.
        known_face_locations: boxes of the faces that are meant; one encoding each, in their order.
        num_jitters: not followed.
        model: ``small`` or ``large``: the same five points.

    Raises:
        FaceError: there is no face in a box.
    """
    if model not in ("small", "large"):
        raise UsageError(f"model is small or large, not {model!r}")
    if num_jitters != 1:
        warn_once("num_jitters is not followed: a face has one encoding")
    photo = photo_of(face_image, bgr=False)
    faces = located(detect(photo, 1), known_face_locations)
    if not faces:
        return []
    crops = align_faces(photo.decode().pixels, faces.points)
    return list(current().models.pipeline().embedder.embed(crops).astype(np.float64) * radius())


def face_distance(face_encodings: Sequence[AnyArray] | AnyArray, face_to_compare: AnyArray) -> NDArray[np.float64]:
    """Euclidean distances, (n,) float64.

    Raises:
        ModelMismatchError: encodings that mien did not make, such as stored ones of dlib.
    """
    known = np.asarray(face_encodings, np.float64)
    if not len(known):
        return np.empty(0)
    probe = np.asarray(face_to_compare, np.float64)
    _check(np.vstack([known, probe]) if known.shape[1:] == probe.shape else None)
    distances: NDArray[np.float64] = np.linalg.norm(known - probe, axis=1)
    return distances


def compare_faces(
    known_face_encodings: Sequence[AnyArray] | AnyArray, face_encoding_to_check: AnyArray, tolerance: float = TOLERANCE
) -> list[bool]:
    """Whether each is the same person: distance <= tolerance.

    Args:
        known_face_encodings: n encodings.
        face_encoding_to_check: one.
        tolerance: 0.6 holds the FMR of `mien.compat.configure` for each comparison; less is stricter.
    """
    distances = face_distance(known_face_encodings, face_encoding_to_check)
    return [bool(match) for match in distances <= tolerance]


def radius() -> float:
    """Length of an encoding."""
    return TOLERANCE / math.sqrt(2 - 2 * operating_point().threshold)


def _check(rows: AnyArray | None) -> None:
    """Means of several encodings are shorter than `radius`; longer are only those of another model or FMR."""
    if rows is None:
        raise ModelMismatchError("encodings of different lengths: they are of different models; encode the faces again")
    longest = float(np.linalg.norm(rows, axis=1).max())
    if not longest <= radius() * ROUNDING:
        raise ModelMismatchError(
            f"an encoding of length {longest:.3f} where mien's have {radius():.3f}: it is of another library, model or "
            "FMR; encode the face again"
        )
