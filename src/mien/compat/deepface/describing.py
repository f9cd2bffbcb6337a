"""DeepFace's `represent`, `extract_faces` and `analyze`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mien.compat.deepface.errors import FaceNotDetected, UnimplementedError
from mien.compat.deepface.looking import area_of, cut_faces, open_image, whole
from mien.compat.deepface.naming import SKIP, check_preparation, models_for
from mien.compat.photos import pictures_in
from mien.errors import UsageError
from mien.geometry.align import ARCFACE, align_faces, similarity
from mien.image import Photo
from mien.pipeline.pipeline import CROP, Pipeline
from mien.service.engine import Models
from mien.types.arrays import AnyArray, Crops, Pixels, Points
from mien.types.faces import Face, Faces

ACTIONS = ("emotion", "age", "gender", "race")
_GREY = np.array([0.299, 0.587, 0.114])
"""Luma of ITU-R BT.601."""


def represent(
    img_path: object,
    model_name: str = "VGG-Face",
    enforce_detection: bool = True,
    detector_backend: str = "opencv",
    align: bool = True,
    expand_percentage: int = 0,
    normalization: str = "base",
    anti_spoofing: bool = False,
    max_faces: int | None = None,
    l2_normalize: bool = False,
    minmax_normalize: bool = False,
    return_face: bool = False,
) -> Any:
    """An embedding of each face.

    Args:
        img_path: one picture (see `verify`) or several: a list, or an array of four axes.
        model_name: see `verify`.
        enforce_detection: a picture without a face is an error; otherwise its list is empty.
        detector_backend: see `verify`.
        align: faces are always aligned.
        expand_percentage: not followed.
        normalization: not followed.
        anti_spoofing: refused.
        max_faces: only the largest so many.
        l2_normalize: embeddings have length 1 anyway.
        minmax_normalize: give (x + 1) / 2 instead of x, which lies in 0..1.
        return_face: add ``face``, what the network sees: (112, 112, 3) float32 BGR in 0..1.

    Returns:
        A list of ``embedding`` (list of floats), ``facial_area`` and ``face_confidence``; of several pictures a list of
        such lists.
    """
    del l2_normalize
    check_preparation(
        align=align, expand_percentage=expand_percentage, normalization=normalization, anti_spoofing=anti_spoofing
    )
    models = models_for(model_name, detector_backend)
    pictures, several = pictures_in(img_path)
    rows = []
    for picture in pictures:
        photo, pipeline = open_image(picture), models.pipeline()
        faces, crops = _largest(*cut_faces(pipeline, photo, detector_backend, enforce=enforce_detection), max_faces)
        rows.append(_described(pipeline, faces, crops, minmax=minmax_normalize, return_face=return_face))
    return rows if several and len(rows) != 1 else rows[0]


def _largest(faces: Faces, crops: Crops, most: int | None) -> tuple[Faces, Crops]:
    if most is None or most >= len(faces):
        return faces, crops
    rows = np.argsort(-faces.widths * faces.heights, kind="stable")[:most]
    return faces[rows], crops[rows]


def _described(
    pipeline: Pipeline, faces: Faces, crops: Crops, *, minmax: bool, return_face: bool
) -> list[dict[str, Any]]:
    vectors = pipeline.embedder.embed(crops).astype(np.float64)
    vectors = (vectors + 1) / 2 if minmax else vectors
    rows = []
    for face, vector, crop in zip(faces, vectors, crops, strict=True):
        row = {
            "embedding": vector.tolist(),
            "facial_area": area_of(face, faces.size),
            "face_confidence": round(face.score, 2),
        }
        rows.append({**row, "face": crop[:, :, ::-1] / np.float32(255)} if return_face else row)
    return rows


def extract_faces(
    img_path: object,
    detector_backend: str = "opencv",
    enforce_detection: bool = True,
    align: bool = True,
    expand_percentage: int = 0,
    grayscale: bool = False,
    color_face: str = "rgb",
    normalize_face: bool = True,
    anti_spoofing: bool = False,
) -> Any:
    """Pictures of the faces.

    Args:
        img_path: one picture or several, see `represent`.
        detector_backend: see `verify`.
        enforce_detection: a picture without a face is an error; otherwise its list is empty.
        align: turn faces upright, as the recogniser sees them, square and at their own resolution; False: cut the box.
        expand_percentage: how much more than that to show.
        grayscale: the same as ``color_face="gray"``.
        color_face: ``rgb``, ``bgr`` or ``gray``.
        normalize_face: float64 in 0..1; False: uint8.
        anti_spoofing: refused.

    Returns:
        A list of ``face``, ``facial_area`` and ``confidence``; of several pictures a list of such lists.
    """
    check_preparation(anti_spoofing=anti_spoofing)
    colour = "gray" if grayscale else color_face
    if colour not in ("rgb", "bgr", "gray"):
        raise UnimplementedError(f"color_face is rgb, bgr or gray, not {color_face!r}")
    models = models_for(None, detector_backend)
    pictures, several = pictures_in(img_path)
    expand = max(0.0, expand_percentage / 100)
    rows = []
    for picture in pictures:
        photo = open_image(picture)
        faces = _detected(models, photo, detector_backend, enforce=enforce_detection)
        pixels = photo.decode().pixels
        upright = align and detector_backend != SKIP
        cut = [_cut(pixels, faces, row, upright, expand) for row in range(len(faces))]
        rows.append(
            [
                {
                    "face": _coloured(crop, colour, normalize_face),
                    "facial_area": area_of(face, photo.size),
                    "confidence": round(face.score, 2),
                }
                for face, crop in zip(faces, cut, strict=True)
                if crop.size
            ]
        )
    return rows if several else rows[0]


def _detected(models: Models, photo: Photo, detector_backend: str, *, enforce: bool) -> Faces:
    if detector_backend == SKIP:
        return whole(photo)[0]
    detector = models.load_detector()
    faces = detector.detect(photo.decode(detector.side))
    if not faces and enforce:
        raise FaceNotDetected(
            f"{photo.source}: no face found; use another picture, or enforce_detection=False", source=photo.source
        )
    return faces


def _cut(pixels: Pixels, faces: Faces, row: int, align: bool, expand: float) -> Pixels:
    face = faces.face(row)
    if not align:
        return _boxed(pixels, face, expand)
    side = max(CROP, round(max(face.box[2] - face.box[0], face.box[3] - face.box[1])))
    crop: Pixels = align_faces(pixels, _widened(faces.points[[row]], expand), side)[0]
    return crop


def _boxed(pixels: Pixels, face: Face, expand: float) -> Pixels:
    left, top, right, bottom = face.box
    across, down = (right - left) * expand / 2, (bottom - top) * expand / 2
    height, width = pixels.shape[:2]
    x0, x1 = (int(np.clip(x, 0, width)) for x in (left - across, right + across))
    y0, y1 = (int(np.clip(y, 0, height)) for y in (top - down, bottom + down))
    return pixels[y0:y1, x0:x1]


def _widened(points: Points, expand: float) -> Points:
    """Points whose alignment shows that much more around the face: spread about the middle of its crop."""
    matrix = similarity(points, ARCFACE)[0]
    middle = np.linalg.solve(matrix[:, :2], np.full(2, CROP / 2) - matrix[:, 2])
    return np.asarray(middle + (points - middle) * (1 + expand), np.float32)


def _coloured(pixels: Pixels, colour: str, normalize: bool) -> AnyArray:
    shown: AnyArray = pixels[:, :, ::-1] if colour == "bgr" else pixels
    if colour == "gray":
        shown = np.asarray(np.rint(pixels @ _GREY), np.uint8)
    return shown / 255 if normalize else shown


def analyze(
    img_path: object,
    actions: Sequence[str] = ACTIONS,
    enforce_detection: bool = True,
    detector_backend: str = "opencv",
    align: bool = True,
    expand_percentage: int = 0,
    silent: bool = False,
    anti_spoofing: bool = False,
) -> Any:
    """Age, gender, emotion and race, which mien has no measured model for.

    Raises:
        UnimplementedError: always, naming what was asked for.
        UsageError: an action that DeepFace has not.
    """
    del img_path, enforce_detection, detector_backend, align, expand_percentage, silent
    check_preparation(anti_spoofing=anti_spoofing)
    asked = (actions,) if isinstance(actions, str) else tuple(actions)
    unknown = [action for action in asked if action not in ACTIONS]
    if unknown or not asked:
        raise UsageError(f"actions are some of {', '.join(ACTIONS)}, got {unknown or 'none'}")
    raise UnimplementedError(f"analyze: mien has no model for {', '.join(asked)}; leave these actions to DeepFace")
