"""DeepFace's `find`: the pictures of a folder that show the people of a picture."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path
from typing import Any, Final

from mien.compat.deepface.errors import EmptyDatasource, PathNotFound, UnimplementedError
from mien.compat.deepface.looking import area_of, templates_of
from mien.compat.deepface.metrics import Metric, check_metric
from mien.compat.deepface.naming import SKIP, check_preparation, models_for
from mien.compat.deepface.searching import Found, Search, as_frames, measured_threshold, wants_frames
from mien.errors import UsageError
from mien.image import find_photos
from mien.service import LocalGallery, Models, open_gallery

FORMATS: Final = ("npz", "feather", "parquet")
COLUMNS: Final = (
    "identity",
    "hash",
    *(f"{side}_{key}" for side in ("target", "source") for key in "xywh"),
    "threshold",
    "distance",
    "confidence",
)

_log = logging.getLogger(__name__)


def find(
    img_path: object,
    db_path: str | os.PathLike[str],
    model_name: str = "VGG-Face",
    distance_metric: Metric = "cosine",
    enforce_detection: bool = True,
    detector_backend: str = "opencv",
    align: bool = True,
    similarity_search: bool = False,
    k: int | None = None,
    expand_percentage: int = 0,
    threshold: float | None = None,
    normalization: str = "base",
    silent: bool = False,
    refresh_database: bool = True,
    anti_spoofing: bool = False,
    datastore_format: str = "npz",
    return_type: str | None = None,
) -> list[Any]:
    """The pictures of a folder that show the people of a picture.

    Args:
        img_path: the picture, see `verify`.
        db_path: a folder; mien keeps a gallery file in it, one for each pair of models.
        model_name: see `verify`.
        distance_metric: cosine, euclidean, euclidean_l2 or angular.
        enforce_detection: a picture without a face is an error; otherwise the result is empty.
        detector_backend: see `verify`; not ``skip``.
        align: faces are always aligned.
        similarity_search: give those beyond the threshold too.
        k: only the nearest so many, for each face.
        expand_percentage: not followed.
        threshold: largest distance that matches. None: measured, at the FPIR of `mien.compat.configure` for as many
            faces as the folder shows.
        normalization: not followed.
        silent: pictures of the folder that cannot be used are not logged.
        refresh_database: look for new, changed and removed pictures; False: search what was stored.
        anti_spoofing: refused.
        datastore_format: one of DeepFace's; a gallery is what is written.
        return_type: ``pandas`` or ``dict``; None: DataFrames where pandas is installed.

    Returns:
        For each face of the picture its rows (at most 1000), nearest first: ``identity`` (path), ``hash`` (SHA-256 of
        the file), ``target_x`` to ``target_h``, ``source_x`` to ``source_h``, ``threshold, distance, confidence``.

    Raises:
        PathNotFound: no such folder.
        EmptyDatasource: no picture of a face in it.
        FaceNotDetected: no face in `img_path`, and `enforce_detection`.
    """
    check_metric(distance_metric, threshold, may_call=False)
    check_preparation(
        align=align, expand_percentage=expand_percentage, normalization=normalization, anti_spoofing=anti_spoofing
    )
    if datastore_format not in FORMATS:
        raise UsageError(f"datastore_format is one of {', '.join(FORMATS)}, not {datastore_format!r}")
    if detector_backend == SKIP:
        raise UnimplementedError("find: the pictures of a folder are searched for faces; 'skip' is for single pictures")
    frames, models, folder = wants_frames(return_type), models_for(model_name, detector_backend), _folder(db_path)
    templates, photo = templates_of(models, img_path, detector_backend, enforce=enforce_detection)
    paths = _pictures(folder) if refresh_database else ()
    with open_gallery(_datastore(models, folder, refresh_database), models=models) as gallery:
        if refresh_database:
            _refresh(gallery, folder, paths, silent)
        limit = measured_threshold(gallery, str(distance_metric)) if threshold is None else threshold
        search = Search(str(distance_metric), limit, similarity_search, k)
        found = search.run(gallery, templates)
    areas = [_prefixed("source", area_of(face, photo.size)) for face in templates.faces]
    rows = [[_row(hit, area, limit) for hit in hits] for hits, area in zip(found, areas, strict=True)]
    return as_frames(rows, COLUMNS) if frames else rows


def _row(found: Found, source: dict[str, Any], threshold: float) -> dict[str, Any]:
    target = _prefixed("target", area_of(found.reference.face))
    facts = {"identity": found.reference.face.source, "hash": found.reference.sha256, **target, **source}
    return {**facts, "threshold": threshold, "distance": found.distance, "confidence": found.confidence}


def _prefixed(side: str, area: dict[str, Any]) -> dict[str, Any]:
    return {f"{side}_{key}": area[key] for key in "xywh"}


def _folder(db_path: str | os.PathLike[str]) -> Path:
    if "://" in os.fspath(db_path):
        raise UnimplementedError(f"find: {os.fspath(db_path):.80} is no local folder, and mien fetches nothing")
    folder = Path(db_path)
    if not folder.is_dir():
        raise PathNotFound(f"no such folder: {folder}", source=str(folder))
    return folder


def _datastore(models: Models, folder: Path, refresh: bool) -> Path:
    """The folder's gallery file."""
    path = folder / f"ds_{models.detector}_{models.embedder_card.name}.mien"
    if not refresh and not path.exists():
        raise EmptyDatasource(f"{path} is not there; use refresh_database=True", source=str(path))
    return path


def _pictures(folder: Path) -> tuple[Path, ...]:
    paths, _ = find_photos(folder)
    if not paths:
        raise EmptyDatasource(f"{folder}: no pictures in it", source=str(folder))
    return paths


def _refresh(gallery: LocalGallery, folder: Path, paths: tuple[Path, ...], silent: bool) -> None:
    """Make the gallery agree with the pictures that are there; what is gone from the folder is erased."""
    digests = {str(path): _digest(path) for path in paths}
    stale = {row.subject for row in gallery.store.references() if digests.get(row.face.source) != row.sha256}
    for subject in sorted(stale):
        gallery.forget(subject)
    if all(gallery.store.knows(digest) for digest in digests.values() if digest):
        return
    report = gallery.index(folder)
    for failure in () if silent else report.failures:
        _log.warning("%s", failure.message)


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty when it cannot be read, which indexing says better."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
