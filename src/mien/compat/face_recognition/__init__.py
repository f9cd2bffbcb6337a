"""face_recognition's functions, answered by mien; written against face_recognition 1.3.

    from mien.compat import face_recognition

    picture = face_recognition.load_image_file("a.jpg")
    face_recognition.face_encodings(picture)

The tolerance 0.6 is the measured operating point of mien's embedder: encodings are scaled so that two faces at its
threshold are 0.6 apart. docs/compat.md lists what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.compat.lazy import lazily

if TYPE_CHECKING:
    from mien.compat.face_recognition.encoding import compare_faces, face_distance, face_encodings
    from mien.compat.face_recognition.locating import (
        batch_face_locations,
        face_landmarks,
        face_locations,
        load_image_file,
    )

__all__ = [
    "batch_face_locations",
    "compare_faces",
    "face_distance",
    "face_encodings",
    "face_landmarks",
    "face_locations",
    "load_image_file",
]

__getattr__ = lazily(
    __name__,
    {
        "batch_face_locations": "mien.compat.face_recognition.locating",
        "compare_faces": "mien.compat.face_recognition.encoding",
        "face_distance": "mien.compat.face_recognition.encoding",
        "face_encodings": "mien.compat.face_recognition.encoding",
        "face_landmarks": "mien.compat.face_recognition.locating",
        "face_locations": "mien.compat.face_recognition.locating",
        "load_image_file": "mien.compat.face_recognition.locating",
    },
)
