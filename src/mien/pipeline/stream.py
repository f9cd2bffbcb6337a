"""Many pictures: one worker a core, faces pooled across pictures, order kept, memory bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np

from mien.errors import FaceError, MienError
from mien.image import Limits, Photo, PhotoSource, open_photo
from mien.pipeline.acquire import Policy
from mien.pipeline.pipeline import CROP, Pipeline
from mien.runtime.threads import quiet_libraries, usable_cores
from mien.types.arrays import Crops, Embeddings
from mien.types.faces import Faces
from mien.types.outcome import Failure
from mien.types.template import Templates


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture that the caller's `skip` turned down before decoding: its name, content and upright size."""

    source: str
    sha256: str
    size: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Acquired(Seen):
    """A picture and the templates of its faces; none where it shows nobody and the policy takes all."""

    templates: Templates


Outcome: TypeAlias = Acquired | Seen | Failure


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A picture whose faces wait for the embedder; the picture itself is let go."""

    seen: Seen
    faces: Faces
    crops: Crops


def stream(
    pipeline: Pipeline,
    sources: Iterable[PhotoSource],
    *,
    policy: Policy = Policy.ALL,
    skip: Callable[[Photo], bool] | None = None,
    workers: int | None = None,
    limits: Limits | None = None,
) -> Iterator[Outcome]:
    """Outcomes of the sources, in their order.

    At any time at most eight pictures a worker are under way, whatever the number of sources.

    Args:
        pipeline: detector and embedder, opened for throughput.
        sources: paths, bytes or files.
        policy: which faces to take; under ``all`` a picture without a face gives an empty Acquired, not a Failure.
        skip: called in a worker with each picture before it is decoded; True = answer Seen.
        workers: threads; one a core by default.
        limits: what a picture may be.
    """
    workers = workers or usable_cores()

    def prepare(source: PhotoSource) -> Outcome | _Prepared:
        return _prepare(pipeline, source, policy, skip, limits or Limits())

    with quiet_libraries(), ThreadPoolExecutor(workers) as pool:
        try:
            yield from _ordered(pipeline, iter(sources), prepare, pool, workers)
        finally:
            pool.shutdown(cancel_futures=True)


def _ordered(
    pipeline: Pipeline,
    sources: Iterator[PhotoSource],
    prepare: Callable[[PhotoSource], Outcome | _Prepared],
    pool: ThreadPoolExecutor,
    workers: int,
) -> Iterator[Outcome]:
    """Two queues in picture order: prepared pictures, and pictures whose faces are with the embedder."""
    preparing = deque(pool.submit(prepare, source) for source in islice(sources, 4 * workers))
    waiting: list[Outcome | _Prepared] = []
    embedding: deque[tuple[list[Outcome | _Prepared], Future[Embeddings] | None]] = deque()
    while preparing:
        waiting.append(preparing.popleft().result())
        preparing.extend(pool.submit(prepare, source) for source in islice(sources, 1))
        faces = sum(len(item.faces) for item in waiting if isinstance(item, _Prepared))
        if faces >= pipeline.embedder.batch or len(waiting) >= 4 * workers or not preparing:
            embedding.append((waiting, _embed(pipeline, waiting, pool)))
            waiting = []
        while embedding and (len(embedding) > workers or not preparing):
            yield from _finished(pipeline, *embedding.popleft())


def _prepare(
    pipeline: Pipeline,
    source: PhotoSource,
    policy: Policy,
    skip: Callable[[Photo], bool] | None,
    limits: Limits,
) -> Outcome | _Prepared:
    try:
        photo = open_photo(source, limits=limits)
        seen = Seen(photo.source, photo.sha256, photo.size)
        if skip is not None and skip(photo):
            return seen
        return _Prepared(seen, *_crops(pipeline, photo, policy))
    except MienError as error:
        return Failure.of(error)


def _crops(pipeline: Pipeline, photo: Photo, policy: Policy) -> tuple[Faces, Crops]:
    try:
        return pipeline.crops(photo, policy)
    except FaceError as error:
        if error.code == "no-face" and policy is Policy.ALL:
            return Faces.none(photo.size, photo.source), np.empty((0, CROP, CROP, 3), np.uint8)
        raise


def _embed(pipeline: Pipeline, items: list[Outcome | _Prepared], pool: ThreadPoolExecutor) -> Future[Embeddings] | None:
    crops = [item.crops for item in items if isinstance(item, _Prepared) and len(item.crops)]
    return pool.submit(pipeline.embedder.embed, np.concatenate(crops)) if crops else None


def _finished(
    pipeline: Pipeline, items: list[Outcome | _Prepared], future: Future[Embeddings] | None
) -> Iterator[Outcome]:
    vectors = future.result() if future else np.empty((0, pipeline.embedder.contract.dimension), np.float32)
    row = 0
    for item in items:
        if isinstance(item, _Prepared):
            seen, end = item.seen, row + len(item.faces)
            yield Acquired(seen.source, seen.sha256, seen.size, pipeline.finish(item.faces, vectors[row:end]))
            row = end
        else:
            yield item
