"""Pictures to one vector each, failures kept in their rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.cores import usable_cores
from mien.errors import ImageError, MienError
from mien.geometry.align import align_faces
from mien.image import PhotoSource, open_photo
from mien.models import Embedder
from mien.pipeline import Acquired, Pipeline, Policy, stream
from mien.pipeline.pipeline import CROP
from mien.runtime.threads import quiet_libraries
from mien.types.arrays import Crops, Embeddings, FloatArray, Points
from mien.types.outcome import Failure

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """One row a picture, in the order asked for.

    Args:
        vectors: (n, d) float32, rows of length 1; zero where the picture failed.
        failed: (n,) bool, failure to acquire.
        reasons: n stable codes such as ``no-face``; empty where there is a vector.
        quality: (n,) float32 in 0..1, the detector's confidence; 0 where the picture failed.
    """

    vectors: FloatArray
    failed: NDArray[np.bool_]
    reasons: tuple[str, ...]
    quality: FloatArray


def embed_files(
    pipeline: Pipeline,
    paths: Sequence[PhotoSource],
    *,
    policy: Policy = Policy.CENTRAL,
    progress: Progress | None = None,
) -> Embedded:
    """One vector of each picture.

    Args:
        pipeline: detector and embedder, opened for throughput.
        paths: pictures, or anything that opens as one; what cannot be used makes a failed row, not an error.
        policy: which face of a picture to take.
        progress: called with (done, total) pictures.

    Raises:
        ValueError: the policy is ``all``, which gives no single row a picture.
    """
    if policy is Policy.ALL:
        raise ValueError("the policy must choose one face of a picture")
    rows = _Rows(len(paths), pipeline.embedder.contract.dimension, progress)
    for outcome in stream(pipeline, paths, policy=policy):
        if isinstance(outcome, Acquired):
            rows.add(outcome.templates.vectors[0], outcome.templates.faces[0].score)
        elif isinstance(outcome, Failure):
            rows.fail(outcome.reason)
    return rows.embedded()


def embed_aligned(
    embedder: Embedder,
    sources: Sequence[PhotoSource],
    points: Points | None = None,
    *,
    quality: FloatArray | None = None,
    progress: Progress | None = None,
) -> Embedded:
    """One vector of each picture whose face need not be looked for.

    Args:
        embedder: opened for throughput.
        sources: pictures; without `points` each is an aligned crop of 112 x 112 pixels, as benchmarks ship them.
        points: (n, 5, 2) where the eyes, nose and mouth corners are, in pixels.
        quality: (n,) the confidence that goes with the points; 1 by default.
        progress: called with (done, total) pictures.
    """

    def work(chunk: range) -> tuple[list[str], Embeddings]:
        crops, reasons = [], []
        for i in chunk:
            try:
                crops.append(_crop(sources[i], None if points is None else points[i]))
                reasons.append("")
            except MienError as error:
                reasons.append(error.code)
        return reasons, embedder.embed(np.stack(crops) if crops else np.empty((0, CROP, CROP, 3), np.uint8))

    rows = _Rows(len(sources), embedder.contract.dimension, progress)
    size = max(1, embedder.batch)
    chunks = [range(start, min(start + size, len(sources))) for start in range(0, len(sources), size)]
    with quiet_libraries(), ThreadPoolExecutor(usable_cores()) as pool:
        for reasons, vectors in pool.map(work, chunks):
            found = iter(vectors)
            for reason in reasons:
                sure = 1.0 if quality is None else float(quality[rows.done])
                rows.fail(reason) if reason else rows.add(next(found), sure)
    return rows.embedded()


def _crop(source: PhotoSource, points: Points | None) -> Crops:
    """(112, 112, 3) uint8 RGB."""
    pixels = open_photo(source).decode().pixels
    if points is not None:
        crop: Crops = align_faces(pixels, points[None])[0]
        return crop
    if pixels.shape[:2] != (CROP, CROP):
        size = f"{pixels.shape[1]}x{pixels.shape[0]}"
        raise ImageError(f"an aligned face has {CROP}x{CROP} pixels, this picture has {size}", code="not-aligned")
    return pixels


class _Rows:
    """An Embedded while it fills."""

    def __init__(self, total: int, dimension: int, progress: Progress | None) -> None:
        self.done = 0
        self._vectors = np.zeros((total, dimension), np.float32)
        self._quality = np.zeros(total, np.float32)
        self._reasons = [""] * total
        self._progress = progress

    def add(self, vector: FloatArray, quality: float) -> None:
        self._vectors[self.done] = vector
        self._quality[self.done] = quality
        self._next()

    def fail(self, reason: str) -> None:
        self._reasons[self.done] = reason
        self._next()

    def _next(self) -> None:
        self.done += 1
        if self._progress:
            self._progress(self.done, len(self._reasons))

    def embedded(self) -> Embedded:
        failed = np.array([bool(reason) for reason in self._reasons], np.bool_)
        return Embedded(self._vectors, failed, tuple(self._reasons), self._quality)
