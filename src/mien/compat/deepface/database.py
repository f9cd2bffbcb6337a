"""DeepFace's `register`, `search`, `identify` and `build_index`: a gallery file where it has a database server."""

from __future__ import annotations

import logging
import os
import time
import uuid
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

import numpy as np

from mien.compat.deepface.comparing import Side, judge
from mien.compat.deepface.errors import ImgNotFound
from mien.compat.deepface.looking import area_of, templates_of
from mien.compat.deepface.metrics import check_metric
from mien.compat.deepface.naming import check_preparation, models_for
from mien.compat.deepface.searching import Found, Search, as_frames, measured_threshold, wants_frames
from mien.compat.photos import pictures_in
from mien.errors import UsageError
from mien.gallery.people.records import PictureRecord, Reference
from mien.service import LocalGallery, Models, open_gallery

COLUMNS: Final = (
    "id",
    "img_name",
    "model_name",
    "detector_backend",
    "aligned",
    "l2_normalized",
    "search_method",
    *(f"target_{key}" for key in "xywh"),
    "threshold",
    "distance_metric",
    "distance",
    "confidence",
)
METHODS: Final = ("exact", "ann")

_log = logging.getLogger(__name__)


def register(
    img: object,
    img_name: str | None = None,
    model_name: str = "VGG-Face",
    detector_backend: str = "opencv",
    enforce_detection: bool = True,
    align: bool = True,
    l2_normalize: bool = False,
    expand_percentage: int = 0,
    normalization: str = "base",
    anti_spoofing: bool = False,
    database_type: str = "postgres",
    connection_details: object = None,
    connection: LocalGallery | None = None,
) -> dict[str, int]:
    """Store the faces of a picture.

    Args:
        img: one picture or several, see `represent`.
        img_name: what it is called in results; somebody who is alone in the picture gets this name in the gallery.
            None: the path where there is one.
        model_name: see `verify`.
        detector_backend: see `verify`.
        enforce_detection: a picture without a face is an error; otherwise nothing is stored of it.
        align: faces are always aligned.
        l2_normalize: embeddings have length 1 anyway.
        expand_percentage: not followed.
        normalization: not followed.
        anti_spoofing: refused.
        database_type: not followed: it is a gallery file.
        connection_details: path of the gallery file, such as ``people.mien``.
        connection: an open gallery (`mien.open`) instead.

    Returns:
        ``inserted``: how many faces are new; a picture that is stored already adds none, and is logged.

    Raises:
        FaceNotDetected: no face, and `enforce_detection`.
        UsageError: no gallery is given.
    """
    del l2_normalize, database_type
    check_preparation(
        align=align, expand_percentage=expand_percentage, normalization=normalization, anti_spoofing=anti_spoofing
    )
    models = models_for(model_name, detector_backend)
    inserted = 0
    with _gallery(models, connection_details, connection) as gallery:
        for picture in pictures_in(img)[0]:
            templates, photo = templates_of(models, picture, detector_backend, enforce=enforce_detection)
            if gallery.store.knows(photo.sha256):
                _log.warning("%s is registered already", photo.source)
                continue
            name = img_name or (photo.source if isinstance(picture, str | os.PathLike) else str(uuid.uuid4()))
            record = PictureRecord(photo.sha256, name, photo.size)
            alone = img_name if len(templates) == 1 else None
            inserted += len(gallery.store.add_picture(record, templates, subject=alone))
    return {"inserted": inserted}


def search(
    img: object,
    model_name: str = "VGG-Face",
    detector_backend: str = "opencv",
    distance_metric: str = "cosine",
    enforce_detection: bool = True,
    align: bool = True,
    l2_normalize: bool = False,
    expand_percentage: int = 0,
    normalization: str = "base",
    anti_spoofing: bool = False,
    similarity_search: bool = False,
    k: int | None = None,
    database_type: str = "postgres",
    connection_details: object = None,
    connection: LocalGallery | None = None,
    search_method: str = "exact",
    return_type: str | None = None,
) -> list[Any]:
    """The stored faces that show the people of a picture; each person once, by the nearest face.

    Args:
        img: one picture or several, see `represent`.
        model_name: see `verify`.
        detector_backend: see `verify`.
        distance_metric: cosine, euclidean, euclidean_l2 or angular.
        enforce_detection: a picture without a face is an error; otherwise nothing is found.
        align: faces are always aligned.
        l2_normalize: embeddings have length 1 anyway.
        expand_percentage: not followed.
        normalization: not followed.
        anti_spoofing: refused.
        similarity_search: give those beyond the threshold too.
        k: only the nearest so many, for each face.
        database_type: not followed.
        connection_details: see `register`.
        connection: see `register`.
        search_method: ``exact`` or ``ann``; either way the gallery's own index answers.
        return_type: see `find`.

    Returns:
        For each face its rows (at most 1000), nearest first: ``id, img_name, model_name, detector_backend, aligned,
        l2_normalized, search_method, target_x`` to ``target_h`` (of the face in `img`, as with DeepFace), ``threshold,
        distance_metric, distance, confidence``. The threshold holds the FPIR of `mien.compat.configure`.

    Raises:
        EmptyDatasource: nobody is stored.
    """
    del l2_normalize, database_type
    check_metric(distance_metric, None, may_call=False)
    check_preparation(
        align=align, expand_percentage=expand_percentage, normalization=normalization, anti_spoofing=anti_spoofing
    )
    if search_method not in METHODS:
        raise UsageError(f"search_method is one of {', '.join(METHODS)}, not {search_method!r}")
    frames, models = wants_frames(return_type), models_for(model_name, detector_backend)
    rows: list[list[dict[str, Any]]] = []
    with _gallery(models, connection_details, connection) as gallery:
        ask = Search(distance_metric, measured_threshold(gallery, distance_metric), similarity_search, k)
        common = {**_described(models, ask), "search_method": search_method}
        for picture in pictures_in(img)[0]:
            templates, photo = templates_of(models, picture, detector_backend, enforce=enforce_detection)
            for face, found in zip(templates.faces, ask.run(gallery, templates), strict=True):
                area = area_of(face, photo.size)
                rows.append([_row(hit, {**common, **{f"target_{key}": area[key] for key in "xywh"}}) for hit in found])
    return as_frames(rows, COLUMNS) if frames else rows


def identify(
    img: object,
    identity_id: str | int,
    model_name: str = "VGG-Face",
    detector_backend: str = "opencv",
    distance_metric: str = "cosine",
    enforce_detection: bool = True,
    align: bool = True,
    l2_normalize: bool = False,
    expand_percentage: int = 0,
    normalization: str = "base",
    anti_spoofing: bool = False,
    database_type: str = "postgres",
    connection_details: object = None,
    connection: LocalGallery | None = None,
) -> dict[str, Any]:
    """Whether a picture shows the person of one stored face; arguments as those of `search`.

    Args:
        img: one picture.
        identity_id: the ``id`` of a row of `search`.
        model_name: see `verify`.
        detector_backend: see `verify`.
        distance_metric: see `search`.
        enforce_detection: see `verify`.
        align: see `verify`.
        l2_normalize: see `search`.
        expand_percentage: see `verify`.
        normalization: see `verify`.
        anti_spoofing: refused.
        database_type: not followed.
        connection_details: see `register`.
        connection: see `register`.

    Returns:
        As `verify`, and ``id, img_name``; ``facial_areas["img2"]`` is None.

    Raises:
        ImgNotFound: no such stored face.
    """
    del l2_normalize, database_type
    began = time.perf_counter()
    check_metric(distance_metric, None, may_call=False)
    check_preparation(
        align=align, expand_percentage=expand_percentage, normalization=normalization, anti_spoofing=anti_spoofing
    )
    pictures, _ = pictures_in(img)
    if len(pictures) != 1:
        raise UsageError(f"identify takes one picture, got {len(pictures)}")
    models = models_for(model_name, detector_backend)
    with _gallery(models, connection_details, connection) as gallery:
        reference = _reference(gallery, identity_id)
        templates, photo = templates_of(models, pictures[0], detector_backend, enforce=enforce_detection)
        stored = gallery.store.grouped()
        vector = stored.vectors[np.searchsorted(stored.ids, [reference.id])]
        table = gallery.store.operating()
    probe = Side(templates.vectors, [area_of(face, photo.size) for face in templates.faces])
    answer = judge(models, probe, Side(vector, [{}]), distance_metric, table=table)
    answer["facial_areas"]["img2"] = None
    seconds = round(time.perf_counter() - began, 2)
    named = {"id": reference.id, "img_name": reference.face.source, "detector_backend": models.detector}
    return {**answer, **named, "time": seconds}


def build_index(
    model_name: str = "VGG-Face",
    detector_backend: str = "opencv",
    align: bool = True,
    l2_normalize: bool = False,
    database_type: str = "postgres",
    connection: LocalGallery | None = None,
    connection_details: object = None,
    max_neighbors_per_node: int = 32,
) -> None:
    """Make searches of a large gallery faster; small ones need it not, and `search` does without.

    Args:
        model_name: see `verify`.
        detector_backend: see `verify`.
        align: not followed.
        l2_normalize: not followed.
        database_type: not followed.
        connection: see `register`.
        connection_details: see `register`.
        max_neighbors_per_node: not followed: the index is chosen by the size of the gallery and measured.
    """
    del align, l2_normalize, database_type, max_neighbors_per_node
    with _gallery(models_for(model_name, detector_backend), connection_details, connection) as gallery:
        gallery.store.optimize()


def _gallery(models: Models, details: object, connection: LocalGallery | None) -> AbstractContextManager[LocalGallery]:
    """The gallery meant; one that was open before stays open."""
    if isinstance(connection, LocalGallery):
        return nullcontext(connection)
    if connection is not None:
        raise UsageError(f"connection is an open gallery (mien.open), not {type(connection).__name__}")
    if not isinstance(details, str | os.PathLike) or "://" in os.fspath(details):
        raise UsageError(
            "people are kept in a gallery file here, not in a database server: connection_details='people.mien'"
        )
    return open_gallery(details, models=models)


def _described(models: Models, ask: Search) -> dict[str, Any]:
    return {
        "model_name": models.embedder_card.name,
        "detector_backend": models.detector,
        "aligned": True,
        "l2_normalized": True,
        "threshold": ask.threshold,
        "distance_metric": ask.metric,
    }


def _row(found: Found, common: dict[str, Any]) -> dict[str, Any]:
    facts = {"id": found.reference.id, "img_name": found.reference.face.source}
    row = {**facts, **common, "distance": found.distance, "confidence": found.confidence}
    return {column: row[column] for column in COLUMNS}


def _reference(gallery: LocalGallery, identity: str | int) -> Reference:
    found = next((row for row in gallery.store.references() if str(row.id) == str(identity)), None)
    if found is None:
        raise ImgNotFound(f"{gallery.store.path} has no stored face {identity!r}", source=str(identity))
    return found
