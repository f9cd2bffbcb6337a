"""What both compatible interfaces need: whose gallery, which faces, which thresholds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from starlette.requests import Request

from mien.compare import at_fmr, at_fpir, fmr_for_pairs, smallest_fmr
from mien.errors import FaceError
from mien.gallery import Gallery, PictureRecord
from mien.pipeline import Policy, Seen
from mien.server.access import Operation, allowed, context_of
from mien.server.context import Context
from mien.server.decoding import Found, Picture
from mien.server.engine import Engine, jpegs_for
from mien.server.keys import Key
from mien.server.problems import Problem
from mien.server.served import ServedGallery
from mien.types.arrays import Crops
from mien.types.faces import Faces
from mien.types.score import OperatingPoint, OperatingTable
from mien.types.template import Templates


def gallery_for(operation: Operation) -> Callable[[Request], ServedGallery]:
    """The dependency of a route: the one gallery that the request's key opens, if its role may do that."""
    check = allowed(operation)

    def find(request: Request) -> ServedGallery:
        return only_gallery(context_of(request), check(request))

    return find


def engine_for(operation: Operation) -> Callable[[Request], Engine]:
    """The dependency of a route that needs no gallery: the engine of the key's own one, or of the server's models."""
    check = allowed(operation)

    def find(request: Request) -> Engine:
        context, key = context_of(request), check(request)
        names = _opened(context, key)
        return context.galleries[names[0]].engine if len(names) == 1 else context.engine

    return find


def only_gallery(context: Context, key: Key) -> ServedGallery:
    """The gallery of a key that opens one.

    Raises:
        Problem: it opens none, or several (403).
    """
    names = _opened(context, key)
    if len(names) != 1:
        raise Problem(
            403,
            "gallery-ambiguous",
            f"this key opens {len(names)} galleries, and such requests name none: use a key of one gallery "
            "(`mien keys create --gallery`)",
        )
    return context.gallery(names[0])


def _opened(context: Context, key: Key) -> list[str]:
    return [name for name in context.galleries if key.opens(name)]


def point_for_pairs(table: OperatingTable, fmr: float, pairs: int) -> OperatingPoint:
    """Where one of so many pairs matches, so that any of them falsely does at `fmr`, or at the least rate measured."""
    return at_fmr(table, max(fmr_for_pairs(fmr, max(1, pairs)), smallest_fmr(table)))


def point_for_search(served: ServedGallery, fpir: float) -> OperatingPoint:
    """Where a candidate matches, so that a stranger is found at a rate of `fpir`."""
    return at_fpir(served.table(), fpir, served.reader.store.searched().references)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which faces of a picture.

    Args:
        most: only the largest so many; 0 = all.
        least_score: of the detector; None = its own.
        whole: the picture is an aligned face already.
        none: it may show nobody.
    """

    most: int = 0
    least_score: float | None = None
    whole: bool = False
    none: bool = False


@dataclass(frozen=True, slots=True)
class Looked:
    """Faces of a picture, the largest first.

    Args:
        seen: the picture.
        faces: n of them; may be none.
        templates: of these faces; None when they were not asked for.
        crops: what the embedder saw of them; None when templates were not asked for.
        detector_s, embedder_s: seconds that each took.
    """

    seen: Seen
    faces: Faces
    templates: Templates | None
    crops: Crops | None
    detector_s: float
    embedder_s: float

    @property
    def made(self) -> Templates:
        """The templates that were asked for."""
        assert self.templates is not None
        return self.templates

    def jpegs(self, store: Gallery) -> list[bytes]:
        """The crops as files, where the gallery keeps them; otherwise none."""
        return [] if self.crops is None else jpegs_for(store, self.crops)

    @property
    def record(self) -> PictureRecord:
        """The picture as a gallery keeps it."""
        return PictureRecord(self.seen.sha256, self.seen.source, self.seen.size)

    def require(self) -> Looked:
        """Raise FaceError ``no-face`` when there is none."""
        if not self.faces:
            raise FaceError(f"{self.seen.source}: no face found", code="no-face", source=self.seen.source)
        return self

    def require_one(self) -> Looked:
        """Raise FaceError ``no-face`` or ``several-faces`` unless there is exactly one."""
        if len(self.require().faces) > 1:
            raise FaceError(
                f"{self.seen.source}: {len(self.faces)} faces found where one is wanted",
                code="several-faces",
                source=self.seen.source,
            )
        return self


def look(engine: Engine, picture: Picture, wanted: Wanted, *, embed: bool = True) -> Looked:
    """The wanted faces of a picture.

    Raises:
        ImageError: the picture cannot be used.
        FaceError: there is none to take, unless none may be wanted.
        LimitError: everything is busy.
    """
    began = time.perf_counter()
    found = _find(engine, picture, wanted, cut=embed)
    rows = np.argsort(-found.faces.widths * found.faces.heights, kind="stable")
    if wanted.least_score is not None and not wanted.whole:
        rows = rows[found.faces.scores[rows] >= wanted.least_score]
    rows = rows[: wanted.most or None]
    faces, detected = found.faces[rows], time.perf_counter()
    crops = found.crops[rows] if embed and found.crops is not None else None
    templates = None if crops is None else _embed(engine, crops, faces)
    looked = Looked(found.seen, faces, templates, crops, detected - began, time.perf_counter() - detected)
    return looked if wanted.none else looked.require()


def _find(engine: Engine, picture: Picture, wanted: Wanted, *, cut: bool) -> Found:
    if wanted.whole:
        return engine.decoders.whole(picture)
    return engine.decoders.look(picture, Policy.ALL if cut else None, nobody=wanted.none)


def _embed(engine: Engine, crops: Crops, faces: Faces) -> Templates:
    embedder = engine.batcher.embedder
    vectors = engine.batcher.embed(crops) if len(crops) else np.empty((0, embedder.contract.dimension), np.float32)
    return Templates(vectors, embedder.precision, embedder.contract, tuple(faces))
