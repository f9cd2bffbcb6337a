"""DeepFace's `verify`."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.compare import similarity
from mien.compat.deepface.errors import DataTypeError, DimensionMismatchError
from mien.compat.deepface.looking import NOWHERE, area_of, templates_of
from mien.compat.deepface.metrics import Metric, check_metric, confidence_of, distance_of, distances_of, point_for_pairs
from mien.compat.deepface.naming import check_preparation, models_for
from mien.compat.settings import current
from mien.gallery.search.probes import check_probes
from mien.service.engine import Models, model_id
from mien.types.arrays import AnyArray, Embeddings
from mien.types.score import OperatingPoint, OperatingTable


@dataclass(frozen=True, slots=True)
class Side:
    """What is compared: n templates and where they are."""

    vectors: Embeddings
    areas: list[dict[str, Any]]


def verify(
    img1_path: object,
    img2_path: object,
    model_name: str = "VGG-Face",
    detector_backend: str = "opencv",
    distance_metric: Metric = "cosine",
    enforce_detection: bool = True,
    align: bool = True,
    expand_percentage: int = 0,
    normalization: str = "base",
    silent: bool = False,
    threshold: float | None = None,
    anti_spoofing: bool = False,
) -> dict[str, Any]:
    """Whether two pictures show the same person.

    Args:
        img1_path: path, bytes, open file, data URI, BGR array, or an embedding of the same model (list of floats).
        img2_path: the same.
        model_name: answered by a model of mien, see `mien.compat.deepface.naming`.
        detector_backend: the same; ``skip``: the pictures are aligned faces.
        distance_metric: cosine, euclidean, euclidean_l2, angular, or a function of two vectors, with a threshold.
        enforce_detection: a picture without a face is an error; otherwise it matches nobody.
        align: faces are always aligned.
        expand_percentage: not followed.
        normalization: not followed.
        silent: nothing is printed anyway.
        threshold: largest distance that matches. None: measured, at the FMR of `mien.compat.configure`, and lowered for
            the number of pairs of faces.
        anti_spoofing: refused.

    Returns:
        As DeepFace ``verified, distance, threshold, confidence, model, detector_backend, similarity_metric,
        facial_areas, time``, of the closest pair of faces; and ``mien``: who decided, how many pairs were compared, and
        the measured operating point (None with a threshold of the caller's).

    Raises:
        ImgNotFound: no such file.
        FaceNotDetected: no face, and `enforce_detection`.
        UsageError: the number of pairs is more than the measured table supports at this FMR.
    """
    del silent
    began = time.perf_counter()
    check_metric(distance_metric, threshold)
    check_preparation(
        align=align, expand_percentage=expand_percentage, normalization=normalization, anti_spoofing=anti_spoofing
    )
    models = models_for(model_name, detector_backend)
    sides = [_side(models, source, detector_backend, enforce_detection) for source in (img1_path, img2_path)]
    answer = judge(models, sides[0], sides[1], distance_metric, threshold)
    return {**answer, "detector_backend": models.detector, "time": round(time.perf_counter() - began, 2)}


def judge(
    models: Models,
    one: Side,
    two: Side,
    metric: Metric,
    threshold: float | None = None,
    table: OperatingTable | None = None,
) -> dict[str, Any]:
    """The decision on the closest pair, as `verify` gives it.

    Args:
        models: who made the templates.
        one: n templates.
        two: m templates.
        metric: how.
        threshold: largest distance that matches; None: from `table`.
        table: what was measured; None: the embedder's own.
    """
    distances = distances_of(one.vectors, two.vectors, similarity(one.vectors, two.vectors), metric)
    point = None
    if threshold is None:
        point = point_for_pairs(table or models.table(), distances.size)
        threshold = distance_of(point.threshold, str(metric))
    distance, first, second = _closest(distances)
    areas = [NOWHERE if row is None else side.areas[row] for side, row in ((one, first), (two, second))]
    return {
        "verified": distance <= threshold,
        "distance": distance,
        "threshold": threshold,
        "confidence": confidence_of(distance, threshold, metric),
        "model": models.embedder_card.name,
        "similarity_metric": metric,
        "facial_areas": {"img1": dict(areas[0]), "img2": dict(areas[1])},
        "mien": evidence(models, point, distances.size),
    }


def evidence(models: Models, point: OperatingPoint | None, pairs: int) -> dict[str, Any]:
    """Who decided and on what."""
    return {
        "model": model_id(models.pipeline().embedder).to_dict(),
        "fmr": current().fmr if point else None,
        "pairs": pairs,
        "operating_point": point.to_dict() if point else None,
    }


def _closest(distances: AnyArray) -> tuple[float, int | None, int | None]:
    if not distances.size:
        return math.inf, None, None
    row, column = np.unravel_index(int(distances.argmin()), distances.shape)
    return float(distances[row, column]), int(row), int(column)


def _side(models: Models, source: object, detector_backend: str, enforce: bool) -> Side:
    if isinstance(source, list | tuple):
        return Side(_given(models, source), [NOWHERE])
    templates, photo = templates_of(models, source, detector_backend, enforce=enforce)
    return Side(templates.vectors, [area_of(face, photo.size) for face in templates.faces])


def _given(models: Models, numbers: list[Any] | tuple[Any, ...]) -> Embeddings:
    """An embedding that came from `represent`; nothing but its length can be checked."""
    if not all(isinstance(number, float | int) for number in numbers):
        raise DataTypeError("an embedding is a list of floats")
    dimension = models.pipeline().embedder.contract.dimension
    if len(numbers) != dimension:
        raise DimensionMismatchError(
            f"embeddings of {models.embedder_card.name} have {dimension} numbers, this one has {len(numbers)}"
        )
    return check_probes(np.array([numbers], np.float64), dimension)
