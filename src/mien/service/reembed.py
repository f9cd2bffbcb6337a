"""Move a gallery to another model."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from mien.errors import ConflictError, MienError
from mien.gallery import Gallery, Reference
from mien.geometry.align import align_faces
from mien.image import open_photo
from mien.models import contract_of
from mien.service.engine import Models, Progress
from mien.types.arrays import Embeddings
from mien.types.outcome import Failure
from mien.types.results import IndexReport


def reembed(path: Path, *, models: Models, drop_missing: bool = False, progress: Progress | None = None) -> IndexReport:
    """Make every template of a gallery anew with another embedder; people, names and corrections stay.

    The pictures are read again from where they were, and must be the same bytes; the faces are those that were stored.
    Nothing changes unless all of them can be made.

    Args:
        path: the gallery file.
        models: the new embedder.
        drop_missing: remove the references whose picture is gone, instead of stopping.
        progress: called with (done, total) pictures.

    Raises:
        NotFoundError: no such gallery.
        ConflictError: pictures are gone or changed; the message says how many and the first of them.
    """
    start = time.perf_counter()
    with Gallery.open(path) as gallery:
        by_picture: dict[tuple[str, str], list[Reference]] = defaultdict(list)
        for reference in gallery.references():
            by_picture[reference.face.source, reference.sha256].append(reference)
        embedder = models.pipeline().embedder
        made: list[tuple[int, Embeddings]] = []
        missing: list[int] = []
        failures: list[Failure] = []
        for done, ((source, sha256), references) in enumerate(by_picture.items(), 1):
            try:
                vectors = embedder.embed(_crops(source, sha256, references, models))
                made += [(r.id, vector) for r, vector in zip(references, vectors, strict=True)]
            except MienError as error:
                if error.exit_code not in (3, 4, 5):  # not about this picture
                    raise
                failures.append(Failure.of(error, source))
                missing += [reference.id for reference in references]
            if progress:
                progress(done, len(by_picture))
        if missing and not drop_missing:
            raise ConflictError(
                f"{path}: {len(missing)} references cannot be made anew, the first because {failures[0].message}; "
                "put the pictures back, or leave those references out with --drop-missing",
                source=str(path),
            )
        with gallery.batch():
            gallery.remove(missing)
            gallery.replace_templates(contract_of(models.embedder_card), ((i, v, embedder.precision) for i, v in made))
    return IndexReport(len(by_picture), len(made), 0, len(made), tuple(failures), time.perf_counter() - start)


def _crops(
    source: str, sha256: str, references: list[Reference], models: Models
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The stored faces of a picture, aligned anew from the same bytes."""
    if not source:
        raise ConflictError(f"reference {references[0].id} has no picture path", source=source)
    photo = open_photo(source, limits=models.limits)
    if photo.sha256 != sha256:
        raise ConflictError(f"{source} has changed since it was added", source=source)
    points = np.array([reference.face.points for reference in references], np.float32)
    return align_faces(photo.decode().pixels, points)
