"""insightface's `FaceAnalysis`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mien.compat.insightface.face import Face
from mien.compat.photos import photo_of
from mien.compat.settings import current
from mien.compat.warned import warn_once
from mien.errors import UsageError
from mien.geometry.align import align_faces
from mien.image import Photo, draw_faces
from mien.models import Detector
from mien.service.engine import Models
from mien.types.arrays import AnyArray, FloatArray, Pixels
from mien.types.faces import Faces
from mien.types.image import Image

__all__ = ["Face", "FaceAnalysis"]

DET_THRESH = 0.5
"""insightface's default; stands for the score that mien's detector card gives."""
METRICS = ("default", "max")


class FaceAnalysis:
    """A detector and an embedder behind one call.

    Args:
        name: of insightface's packs, answered by mien's models with a warning; or the name of an embedder card.
        root: not followed: weights are in mien's own cache.
        allowed_modules: ``detection`` and, for embeddings, ``recognition``; None: both.
        addons: refused: mien has none.
        liveness_mode: not followed without add-ons.
        liveness_threshold: not followed without add-ons.
        providers: not followed: `mien.compat.configure(models=…)` chooses engines.
    """

    def __init__(
        self,
        name: str = "buffalo_l",
        root: str = "~/.insightface",
        allowed_modules: Collection[str] | None = None,
        *,
        addons: object = None,
        liveness_mode: str = "normal",
        liveness_threshold: float = 0.8,
        providers: object = None,
        **kwargs: Any,
    ) -> None:
        del root, liveness_mode, liveness_threshold, kwargs
        if addons:
            raise UsageError("mien has no add-ons; a liveness check cannot be had", code="unimplemented")
        if providers is not None:
            warn_once("providers are not followed: mien.compat.configure(models=…) chooses what runs the networks")
        wanted = {"detection", "recognition"} if allowed_modules is None else set(allowed_modules)
        if "detection" not in wanted:
            raise UsageError("allowed_modules must hold 'detection': without boxes nothing can be recognised")
        self._models = models_of(name)
        self.recognises = "recognition" in wanted
        self.det_thresh = DET_THRESH
        self.det_size: tuple[int, int] | None = None

    def prepare(self, ctx_id: int = 0, det_thresh: float = DET_THRESH, det_size: tuple[int, int] | None = None) -> None:
        """Load the models.

        Args:
            ctx_id: not followed: mien runs on the CPU unless `mien.compat.configure` says otherwise.
            det_thresh: 0.5: the detector's own; anything else is its least score, on its own scale.
            det_size: its longer side is the long side of the finest look at a picture; None: the detector's own.
        """
        del ctx_id
        self.det_thresh, self.det_size = det_thresh, det_size
        self._detector()
        if self.recognises:
            self._models.pipeline()

    def get(self, img: object, max_num: int = 0, det_metric: str = "default") -> list[Face]:
        """The faces of a picture, surest first.

        Args:
            img: (h, w, 3) uint8 BGR; a path will do too.
            max_num: only so many; 0: all.
            det_metric: which those are: ``max`` the largest, ``default`` the largest and most central.
        """
        photo = photo_of(img, bgr=True)
        detector = self._detector()
        faces = largest(detector.detect(photo.decode(detector.side)), max_num, det_metric)
        rows = [
            Face(bbox=b, kps=k, det_score=s) for b, k, s in zip(faces.boxes, faces.points, faces.scores, strict=True)
        ]
        if self.recognises and faces:
            for row, vector in zip(rows, self._embedded(photo, faces), strict=True):
                row["embedding"] = vector
        return rows

    def draw_on(self, img: Pixels, faces: Sequence[Face]) -> Pixels:
        """A copy of a BGR picture with boxes, points and detection scores."""
        image = Image(np.ascontiguousarray(img[:, :, ::-1]))
        found = Faces(
            np.array([face.bbox for face in faces], np.float32).reshape(-1, 4),
            np.array([face.det_score for face in faces], np.float32),
            np.array([face.kps for face in faces], np.float32).reshape(-1, 5, 2),
            image.size,
        )
        return np.ascontiguousarray(draw_faces(image, found)[:, :, ::-1])

    def _detector(self) -> Detector:
        return tuned(self._models, self.det_thresh, self.det_size)

    def _embedded(self, photo: Photo, faces: Faces) -> FloatArray:
        return self._models.pipeline().embedder.embed(align_faces(photo.decode().pixels, faces.points))


def models_of(name: str) -> Models:
    """The models behind a name of insightface or of an embedder card."""
    from mien.models import cards

    models = current().models
    if name.endswith(".toml") or name in {card.name for card in cards("embedder")}:
        return replace(models, embedder=name)
    warn_once(f"model '{name}' is answered by mien's '{models.detector}' and '{models.embedder_card.name}'")
    return models


def tuned(models: Models, least: float, size: tuple[int, int] | None) -> Detector:
    """The detector as `prepare` is asked for."""
    detector = models.load_detector()
    if size and max(size) > 0:  # (0, 0) leaves it to the detector
        detector = detector.with_side(max(size))
    if least != DET_THRESH:
        if not 0 < least < 1:
            raise UsageError(f"det_thresh lies between 0 and 1, got {least}")
        detector = detector.with_score(least)
    return detector


def largest(faces: Faces, most: int, metric: str) -> Faces:
    """At most so many faces, by insightface's rule; all with 0."""
    if metric not in METRICS:
        raise UsageError(f"det_metric is one of {', '.join(METRICS)}, not {metric!r}")
    if not 0 < most < len(faces):
        return faces
    value: AnyArray = faces.widths * faces.heights
    if metric == "default":
        off = (faces.boxes[:, :2] + faces.boxes[:, 2:] - np.array(faces.size)) / 2
        value = value - 2 * (off**2).sum(axis=1)
    return faces[np.argsort(-value, kind="stable")[:most]]
