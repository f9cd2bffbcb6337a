"""A few pictures at a time, from files to templates, within one worker."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from mien.errors import FaceError, MienError
from mien.image import Limits, Photo, PhotoSource, open_photo
from mien.models.detectors import Detector
from mien.pipeline.acquire import Policy, choose
from mien.pipeline.outcome import Acquired, Outcome, Seen
from mien.pipeline.pipeline import CROP, Pipeline, cut
from mien.pipeline.profile import Recorder, span
from mien.types.arrays import Crops
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.outcome import Failure

MOST_PICTURES: Final = 8
"""In a batch; with one or two faces each they fill the embedder's best batch (benchmarks/bench_pipeline.py)."""
MOST_BYTES: Final = 512 << 10
"""Of the files of a batch of several; large pictures go one by one, so that all cores have some to the end."""
MOST_PIXELS: Final = 1 << 20
"""Of the pictures of a batch that are held decoded at once; a larger one is held alone."""

Opened: TypeAlias = Photo | Seen | Failure
"""A picture to decode, or why it is not decoded."""


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A picture that waits for the detector."""

    photo: Photo
    image: Image


@dataclass(frozen=True, slots=True)
class _Cut:
    """A picture whose faces wait for the embedder; the picture itself is let go."""

    seen: Seen
    faces: Faces
    crops: Crops


def batches(sources: Iterable[PhotoSource]) -> Iterator[list[PhotoSource]]:
    """The sources in their order, a few small pictures or a single large one at a time."""
    batch: list[PhotoSource] = []
    room = MOST_BYTES
    for source in sources:
        size = _bytes(source)
        if batch and (size > room or len(batch) == MOST_PICTURES):
            yield batch
            batch, room = [], MOST_BYTES
        batch.append(source)
        room -= size
    if batch:
        yield batch


def open_all(sources: Sequence[PhotoSource], limits: Limits, recorder: Recorder | None = None) -> list[Photo | Failure]:
    """The pictures, read and checked but not decoded."""
    with span(recorder, "open", len(sources)):
        return [_open(source, limits) for source in sources]


def acquire(
    pipeline: Pipeline, opened: Sequence[Opened], policy: Policy, recorder: Recorder | None = None
) -> list[Outcome]:
    """An outcome of each; small pictures go to the detector together, and all faces to the embedder.

    Raises:
        ModelError: the embedder fails, which is not about one picture.
    """
    items = [item for part in _parts(opened) for item in _cut_all(pipeline.detector, part, policy, recorder)]
    crops = [item.crops for item in items if isinstance(item, _Cut)]
    together = np.concatenate(crops) if crops else np.empty((0, CROP, CROP, 3), np.uint8)
    with span(recorder, "embed", len(together)):
        vectors = pipeline.embedder.embed(together)
    outcomes: list[Outcome] = []
    row = 0
    for item in items:
        if isinstance(item, _Cut):
            seen, end = item.seen, row + len(item.faces)
            templates = pipeline.finish(item.faces, vectors[row:end])
            outcomes.append(Acquired(seen.source, seen.sha256, seen.size, templates))
            row = end
        else:
            outcomes.append(item)
    return outcomes


def _open(source: PhotoSource, limits: Limits) -> Photo | Failure:
    try:
        return open_photo(source, limits=limits)
    except MienError as error:
        return Failure.of(error)


def _parts(opened: Sequence[Opened]) -> Iterator[list[Opened]]:
    """The pictures in their order, few enough at a time to be held decoded."""
    part: list[Opened] = []
    room = MOST_PIXELS
    for item in opened:
        pixels = item.size[0] * item.size[1] if isinstance(item, Photo) else 0
        if part and pixels > room:
            yield part
            part, room = [], MOST_PIXELS
        part.append(item)
        room -= pixels
    if part:
        yield part


def _cut_all(
    detector: Detector, opened: Sequence[Opened], policy: Policy, recorder: Recorder | None
) -> list[_Cut | Seen | Failure]:
    """The faces of each picture, found together."""
    decoded = [_decode(item, detector.side, recorder) if isinstance(item, Photo) else item for item in opened]
    images = [item.image for item in decoded if isinstance(item, _Decoded)]
    with span(recorder, "detect", len(images)):
        found = iter(_detect(detector, images))
    return [_cut(item, next(found), policy, recorder) if isinstance(item, _Decoded) else item for item in decoded]


def _decode(photo: Photo, side: int, recorder: Recorder | None) -> _Decoded | Failure:
    try:
        with span(recorder, "decode"):
            return _Decoded(photo, photo.decode(side))
    except MienError as error:
        return Failure.of(error)


def _detect(detector: Detector, images: Sequence[Image]) -> list[Faces | Failure]:
    """The faces of each; when it fails for several, each is tried alone, so that only the culprit fails."""
    try:
        return [*detector.detect_many(images)]
    except MienError as error:
        if len(images) == 1:
            return [Failure.of(error, images[0].source)]
        return [result for image in images for result in _detect(detector, [image])]


def _cut(item: _Decoded, found: Faces | Failure, policy: Policy, recorder: Recorder | None) -> _Cut | Failure:
    if isinstance(found, Failure):
        return found
    photo = item.photo
    try:
        faces = choose(found, policy)
        return _Cut(Seen.of(photo), faces, cut(photo, item.image, faces, recorder))
    except FaceError as error:
        if error.code != "no-face" or policy is not Policy.ALL:
            return Failure.of(error)
        return _Cut(Seen.of(photo), Faces.none(photo.size, photo.source), np.empty((0, CROP, CROP, 3), np.uint8))
    except MienError as error:
        return Failure.of(error)


def _bytes(source: PhotoSource) -> int:
    """Roughly what the picture takes as a file; one that cannot be told is taken as large."""
    if isinstance(source, bytes | bytearray | memoryview):
        return len(source)
    if isinstance(source, np.ndarray):
        return source.nbytes // 8
    if isinstance(source, str | os.PathLike):
        try:
            return os.stat(source).st_size
        except (OSError, ValueError):  # opening it will say what is wrong
            return 0
    return MOST_BYTES
