"""DeepFace's names of models and detectors, and who answers for them in mien."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from mien.compat.deepface.errors import UnimplementedError
from mien.compat.settings import current
from mien.compat.warned import warn_once
from mien.errors import NotFoundError, UsageError
from mien.models import find_card
from mien.registry import unknown_name
from mien.service.engine import Models

MODELS: Final = (
    "VGG-Face",
    "Facenet",
    "Facenet512",
    "OpenFace",
    "DeepFace",
    "DeepID",
    "Dlib",
    "ArcFace",
    "SFace",
    "GhostFaceNet",
    "Buffalo_L",
)
DETECTORS: Final = (
    "opencv",
    "mtcnn",
    "ssd",
    "dlib",
    "retinaface",
    "mediapipe",
    *(f"yolov{family}{size}" for family, sizes in (("8", "nml"), ("11", "nsml"), ("12", "nsml")) for size in sizes),
    "yunet",
    "fastmtcnn",
    "centerface",
)
SKIP: Final = "skip"
SAME: Final = {"SFace": "sface", "yunet": "yunet", "centerface": "centerface"}
"""Names under which both have the same network."""


def models_for(model_name: str | None, detector_backend: str) -> Models:
    """The models that answer; warns once where they are not what was named.

    Args:
        model_name: one of DeepFace's, or the name of an embedder card; None: no embedder is needed.
        detector_backend: one of DeepFace's, or the name of a detector card.

    Raises:
        UsageError: neither knows the name.
    """
    models = current().models
    substituted = []
    detector = models.detector if detector_backend == SKIP else _card(detector_backend, "detector", DETECTORS)
    if detector is None:
        detector = models.detector
        substituted.append(f"detector '{detector_backend}' is answered by mien's '{detector}'")
    embedder = None
    if model_name is not None:
        embedder = _card(model_name, "embedder", MODELS)
        if embedder is None:
            embedder = models.embedder_card.name
            substituted.append(f"model '{model_name}' is answered by mien's '{embedder}', with its own thresholds")
    warn_once(*substituted)
    return replace(models, detector=detector, embedder=embedder)


def _card(name: str, kind: str, names: tuple[str, ...]) -> str | None:
    """The card of a name; None for a network that mien has not."""
    if name in names:
        return SAME.get(name)
    try:
        return find_card(name, kind).name
    except NotFoundError as error:
        raise UsageError(unknown_name(kind, name, list(names)), code="unknown-model") from error


def check_preparation(
    *, align: bool = True, expand_percentage: float = 0, normalization: str = "base", anti_spoofing: bool = False
) -> None:
    """Say what mien prepares in its own way whatever is asked, because its error rates were measured so.

    Raises:
        UnimplementedError: a spoof check is asked for; to leave it out would be dangerous.
    """
    if anti_spoofing:
        raise UnimplementedError("anti_spoofing: mien has no model that detects presentation attacks; pass False")
    ignored = [("align=False", not align), ("expand_percentage", expand_percentage != 0)]
    ignored.append(("normalization", normalization != "base"))
    for name, asked in ignored:
        if asked:
            warn_once(f"{name} is not followed: faces are aligned and normalised as the model was measured")
