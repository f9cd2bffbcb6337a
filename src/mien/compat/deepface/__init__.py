"""DeepFace's functions, answered by mien; written against deepface 0.0.103.

    from mien.compat import deepface as DeepFace

    DeepFace.verify("a.jpg", "b.jpg")["verified"]
    DeepFace.find("a.jpg", db_path="people/")

Arguments and keys are DeepFace's. Models are mien's, with one warning; thresholds are measured ones. docs/compat.md
lists what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.compat.lazy import lazily

if TYPE_CHECKING:
    from mien.compat.deepface.comparing import verify
    from mien.compat.deepface.database import build_index, identify, register, search
    from mien.compat.deepface.describing import analyze, extract_faces, represent
    from mien.compat.deepface.errors import (
        DataTypeError,
        DimensionMismatchError,
        DuplicateEntryError,
        EmptyDatasource,
        FaceNotDetected,
        ImgNotFound,
        InvalidEmbeddingsShapeError,
        PathNotFound,
        SpoofDetected,
        UnimplementedError,
    )
    from mien.compat.deepface.finding import find
    from mien.compat.deepface.networks import build_model

_ERRORS = (
    "DataTypeError",
    "DimensionMismatchError",
    "DuplicateEntryError",
    "EmptyDatasource",
    "FaceNotDetected",
    "ImgNotFound",
    "InvalidEmbeddingsShapeError",
    "PathNotFound",
    "SpoofDetected",
    "UnimplementedError",
)
_HOMES = {
    "analyze": "mien.compat.deepface.describing",
    "build_index": "mien.compat.deepface.database",
    "build_model": "mien.compat.deepface.networks",
    "extract_faces": "mien.compat.deepface.describing",
    "find": "mien.compat.deepface.finding",
    "identify": "mien.compat.deepface.database",
    "register": "mien.compat.deepface.database",
    "represent": "mien.compat.deepface.describing",
    "search": "mien.compat.deepface.database",
    "verify": "mien.compat.deepface.comparing",
    **dict.fromkeys(_ERRORS, "mien.compat.deepface.errors"),
}
_ABSENT = {
    "stream": "it shows a camera in a window, and the OpenCV that mien uses has none; read frames, pass them to find()",
    "detectFace": "it is deprecated in DeepFace too; use extract_faces()",
}

__all__ = [
    "DataTypeError",
    "DimensionMismatchError",
    "DuplicateEntryError",
    "EmptyDatasource",
    "FaceNotDetected",
    "ImgNotFound",
    "InvalidEmbeddingsShapeError",
    "PathNotFound",
    "SpoofDetected",
    "UnimplementedError",
    "analyze",
    "build_index",
    "build_model",
    "extract_faces",
    "find",
    "identify",
    "register",
    "represent",
    "search",
    "verify",
]

__getattr__ = lazily(__name__, _HOMES, _ABSENT)
