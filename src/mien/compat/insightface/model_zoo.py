"""insightface's `model_zoo.get_model`, for mien's cards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien.compat.insightface.app import DET_THRESH, largest, tuned
from mien.compat.insightface.face import Face
from mien.compat.photos import photo_of
from mien.compat.settings import current
from mien.errors import UsageError
from mien.geometry.align import align_faces
from mien.models import Embedder, find_card
from mien.pipeline.pipeline import CROP
from mien.service.engine import Models
from mien.types.arrays import AnyArray, FloatArray, Pixels


@dataclass(slots=True)
class DetectionModel:
    """A detector.

    Args:
        models: which.
        det_thresh, input_size: see `FaceAnalysis.prepare`.
    """

    models: Models
    det_thresh: float = DET_THRESH
    input_size: tuple[int, int] | None = None
    taskname = "detection"

    def prepare(
        self, ctx_id: int = 0, *, input_size: tuple[int, int] | None = None, det_thresh: float = DET_THRESH
    ) -> None:
        """See `FaceAnalysis.prepare`."""
        del ctx_id
        self.input_size, self.det_thresh = input_size, det_thresh

    def detect(
        self, img: object, input_size: tuple[int, int] | None = None, max_num: int = 0, metric: str = "default"
    ) -> tuple[FloatArray, FloatArray]:
        """Boxes with scores (n, 5) float32 and points (n, 5, 2) float32 of a BGR picture."""
        detector = tuned(self.models, self.det_thresh, input_size or self.input_size)
        faces = largest(detector.detect(photo_of(img, bgr=True).decode(detector.side)), max_num, metric)
        return np.column_stack([faces.boxes, faces.scores]), faces.points


@dataclass(frozen=True, slots=True)
class RecognitionModel:
    """An embedder.

    Args:
        embedder: the network.
    """

    embedder: Embedder
    taskname = "recognition"
    input_size = (CROP, CROP)

    def prepare(self, ctx_id: int = 0) -> None:
        """Nothing is left to do: it is loaded."""
        del ctx_id

    def get(self, img: object, face: Face) -> FloatArray:
        """The embedding of a face of a BGR picture, (d,) float32; it is put into the face too."""
        points = np.asarray(face["kps"], np.float32)[None]
        crops = align_faces(photo_of(img, bgr=True).decode().pixels, points)
        face["embedding"] = self.embedder.embed(crops)[0]
        vector: FloatArray = face["embedding"]
        return vector

    def get_feat(self, imgs: Pixels | Sequence[Pixels]) -> FloatArray:
        """Embeddings (n, d) float32 of aligned BGR faces of 112 x 112 pixels."""
        crops = [imgs] if isinstance(imgs, np.ndarray) else list(imgs)
        if not crops or any(crop.shape != (CROP, CROP, 3) for crop in crops):
            raise UsageError(f"get_feat takes aligned faces of ({CROP}, {CROP}, 3)")
        return self.embedder.embed(np.stack([crop[:, :, ::-1] for crop in crops]))

    def compute_sim(self, feat1: AnyArray, feat2: AnyArray) -> float:
        """Cosine of two embeddings."""
        one, two = feat1.ravel(), feat2.ravel()
        return float(one @ two / (np.linalg.norm(one) * np.linalg.norm(two)))


def get_model(name: str, **kwargs: object) -> DetectionModel | RecognitionModel:
    """The model of a card of mien, by its name or path; `kwargs` (providers, root) are not followed.

    Raises:
        NotFoundError: no such card; insightface's own names and files are none.
    """
    del kwargs
    card, models = find_card(name), current().models
    if card.kind == "detector":
        return DetectionModel(replace(models, detector=name))
    if card.kind == "embedder":
        return RecognitionModel(replace(models, embedder=name).pipeline().embedder)
    raise UsageError(f"'{name}' is a card of kind {card.kind}; get_model gives detectors and embedders")
