"""DeepFace's `build_model`: the bare networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.compat.deepface.errors import InvalidEmbeddingsShapeError, UnimplementedError
from mien.compat.deepface.naming import models_for
from mien.compat.photos import as_bytes
from mien.image import Photo
from mien.models import Detector, Embedder
from mien.pipeline.pipeline import CROP
from mien.types.arrays import AnyArray
from mien.types.faces import Face


@dataclass(frozen=True, slots=True)
class Recogniser:
    """An embedder.

    Args:
        model_name: of mien's card.
        embedder: the network.
    """

    model_name: str
    embedder: Embedder

    @property
    def input_shape(self) -> tuple[int, int]:
        """Of an aligned face."""
        return CROP, CROP

    @property
    def output_shape(self) -> int:
        """Length of an embedding."""
        return self.embedder.contract.dimension

    def forward(self, img: AnyArray) -> Any:
        """Embeddings of length 1.

        Args:
            img: (n, 112, 112, 3) or (112, 112, 3) aligned faces, BGR, floats in 0..1 or uint8.

        Returns:
            A list of floats for one face, a list of such lists for more.
        """
        crops = img[None] if img.ndim == 3 else img
        if crops.shape[1:] != (CROP, CROP, 3):
            raise InvalidEmbeddingsShapeError(f"{self.model_name} takes (n, 112, 112, 3), got {img.shape}")
        rgb = np.ascontiguousarray(as_bytes(crops)[:, :, :, ::-1])
        rows = self.embedder.embed(rgb).astype(np.float64).tolist()
        return rows[0] if len(rows) == 1 else rows


@dataclass(frozen=True, slots=True)
class Area:
    """DeepFace's FacialAreaRegion: pixels, left and right are the person's own."""

    x: int
    y: int
    w: int
    h: int
    left_eye: tuple[int, int]
    right_eye: tuple[int, int]
    confidence: float


@dataclass(frozen=True, slots=True)
class FaceDetector:
    """A detector.

    Args:
        model_name: of mien's card.
        detector: the network.
    """

    model_name: str
    detector: Detector

    def detect_faces(self, img: AnyArray) -> list[Area]:
        """The faces of an (h, w, 3) uint8 BGR picture."""
        found = self.detector.detect(Photo.from_pixels(img[:, :, ::-1]).decode())
        return [
            Area(
                **{name: int(value) for name, value in zip("xywh", _corner_and_size(face), strict=True)},
                left_eye=(int(face.points[1][0]), int(face.points[1][1])),
                right_eye=(int(face.points[0][0]), int(face.points[0][1])),
                confidence=face.score,
            )
            for face in found
        ]


def _corner_and_size(face: Face) -> tuple[float, float, float, float]:
    left, top, right, bottom = face.box
    return left, top, right - left, bottom - top


def build_model(model_name: str, task: str = "facial_recognition") -> Recogniser | FaceDetector:
    """A network by its name, loaded once in a process.

    Args:
        model_name: DeepFace's or mien's name of a model, or of a detector.
        task: ``facial_recognition`` or ``face_detector``.

    Raises:
        UnimplementedError: another task.
    """
    if task == "facial_recognition":
        models = models_for(model_name, "skip")
        return Recogniser(models.embedder_card.name, models.pipeline().embedder)
    if task == "face_detector":
        models = models_for(None, model_name)
        return FaceDetector(models.detector, models.load_detector())
    raise UnimplementedError(f"build_model: mien has no models of the task '{task}'")
