"""Pictures to aligned faces on disk, once: what training then reads again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from mien.cores import usable_cores
from mien.errors import ConflictError, MienError, UsageError
from mien.image import Limits, Photo, open_photo
from mien.models import LoadSettings, find_card, load_detector
from mien.models.detectors import Detector
from mien.pipeline import Policy, choose
from mien.pipeline.pipeline import cut
from mien.pipeline.stream import worker_threads
from mien.runtime.threads import quiet_libraries
from mien.train.data.base import FaceData, aligned_pixels
from mien.train.data.journal import Entry, Journal, store_error
from mien.train.data.ordered import ordered
from mien.train.data.store import MANIFEST, Prepared, open_prepared, write_finished
from mien.types.arrays import Pixels
from mien.types.faces import Faces
from mien.types.image import Image

BATCH: Final = 8
"""Pictures a task."""
AHEAD: Final = 3
"""Tasks a thread, under way or waiting for their turn."""
TOGETHER: Final = 1 << 20
"""Pixels of the pictures that one call of the detector looks at; a larger picture is looked at alone."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total)."""
Made: TypeAlias = "tuple[Entry, Pixels | None]"


@dataclass(frozen=True, slots=True)
class Aligner:
    """What finds the one face of a picture.

    Args:
        detector: opened for throughput.
        digest: SHA-256 of its weights.
        policy: which face to take where there are several; ``central`` suits sets of portraits such as LFW.
    """

    detector: Detector
    digest: str
    policy: Policy = Policy.CENTRAL

    def __post_init__(self) -> None:
        if self.policy is Policy.ALL:
            raise UsageError("one face a picture is kept: choose central, largest or one")

    @property
    def facts(self) -> dict[str, str]:
        """What decides the pixels of a crop."""
        return {
            "detector": self.detector.name,
            "detector_sha256": self.digest,
            "side": str(self.detector.side),
            "policy": self.policy.value,
        }


def load_aligner(
    detector: str = "yunet",
    *,
    policy: Policy = Policy.CENTRAL,
    side: int | None = None,
    settings: LoadSettings | None = None,
) -> Aligner:
    """The aligner with a detector by name; raises as `load_detector`."""
    loaded = load_detector(detector, settings or LoadSettings())
    if side is not None:
        loaded = loaded.with_side(side)
    return Aligner(loaded, find_card(detector, "detector").file.sha256, policy)


def prepare(
    source: FaceData,
    out: Path,
    *,
    aligner: Aligner | None,
    limits: Limits | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Store the aligned face of every picture; what was done before an interruption is not done again.

    The same pictures, detector and settings give the same bytes, whatever the number of threads.

    Args:
        source: pictures.
        out: a folder; made if it is not there.
        aligner: finds and aligns the faces; None = the pictures are aligned crops of 112 x 112 pixels already.
        limits: what a picture may be.
        threads: that work; three for every two cores by default.
        progress: called with (done, total) pictures of this call.

    Raises:
        ConflictError: `out` holds faces of another source, or made otherwise.
        StoreFullError: no space is left; what was done is kept.
        StoreError: `out` cannot be written, or another process writes there.
    """
    facts = {**source.facts, **(aligner.facts if aligner else {"aligned": "by the source"})}
    header: dict[str, Any] = {"facts": facts, "pictures": len(source), "list": list_digest(source)}
    if (out / MANIFEST).exists():
        return _finished(out, facts, header)
    journal = Journal(out, header)
    try:
        _fill(journal, source, aligner, limits or Limits(), threads or worker_threads(usable_cores()), progress)
    finally:
        journal.close()
    try:
        write_finished(out, source, journal.entries, {**facts, "list": header["list"]})
    except OSError as error:
        raise store_error(error, out) from error
    return open_prepared(out)


def list_digest(source: FaceData) -> str:
    """Hexadecimal SHA-256 of names and labels: another list of pictures is another preparation."""
    total = hashlib.sha256()
    for name, label in zip(source.names, source.labels.tolist(), strict=True):
        total.update(f"{name}\0{label}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _finished(out: Path, facts: dict[str, str], header: dict[str, Any]) -> Prepared:
    done = open_prepared(out)
    if dict(done.facts) != {**facts, "list": header["list"]}:
        raise ConflictError(
            f"{out} holds faces of other pictures, or made by another detector; give another folder", source=str(out)
        )
    return done


def _fill(
    journal: Journal,
    source: FaceData,
    aligner: Aligner | None,
    limits: Limits,
    threads: int,
    progress: Progress | None,
) -> None:
    first = len(journal.entries)
    tasks = (range(start, min(start + BATCH, len(source))) for start in range(first, len(source), BATCH))

    def work(rows: range) -> list[Made]:
        if aligner is None:
            return [_checked(source, row, limits) for row in rows]
        return list(_aligned(source, rows, aligner, limits))

    with quiet_libraries():
        for made in ordered(work, tasks, threads=threads, ahead=AHEAD * threads):
            for entry, crop in made:
                journal.add(entry, crop)
            if progress:
                progress(len(journal.entries) - first, len(source) - first)


def _checked(source: FaceData, row: int, limits: Limits) -> Made:
    """A picture that should be an aligned face."""
    try:
        photo = open_photo(source.photo(row), name=source.names[row], limits=limits)
        return Entry(photo.sha256), aligned_pixels(photo)
    except MienError as error:
        return _failed(error), None


def _aligned(source: FaceData, rows: range, aligner: Aligner, limits: Limits) -> Iterator[Made]:
    """Pictures in which the face is looked for, small ones together."""
    held: list[tuple[Photo, Image] | Entry] = []
    room = TOGETHER
    for row in rows:
        try:
            photo = open_photo(source.photo(row), name=source.names[row], limits=limits)
            image = photo.decode(aligner.detector.side)
        except MienError as error:
            held.append(_failed(error))
            continue
        pixels = image.size[0] * image.size[1]
        if pixels > room:
            yield from _cut_all(held, aligner)
            held, room = [], TOGETHER
        held.append((photo, image))
        room -= pixels
    yield from _cut_all(held, aligner)


def _cut_all(held: Sequence[tuple[Photo, Image] | Entry], aligner: Aligner) -> Iterator[Made]:
    found = iter(_detect(aligner.detector, [item[1] for item in held if not isinstance(item, Entry)]))
    for item in held:
        yield (item, None) if isinstance(item, Entry) else _cut(*item, next(found), aligner.policy)


def _detect(detector: Detector, images: Sequence[Image]) -> list[Faces | MienError]:
    """The faces of each; when it fails for several, each is tried alone, so that only the culprit fails."""
    try:
        return [*detector.detect_many(images)] if images else []
    except MienError as error:
        if len(images) == 1:
            return [error]
        return [result for image in images for result in _detect(detector, [image])]


def _cut(photo: Photo, image: Image, found: Faces | MienError, policy: Policy) -> Made:
    try:
        if isinstance(found, MienError):
            raise found
        faces = choose(found, policy)
        crop = cut(photo, image, faces)[0]
    except MienError as error:
        return _failed(error), None
    height = float(np.round(faces.heights[0], 1))
    return Entry(photo.sha256, round(float(faces.scores[0]), 4), height), crop


def _failed(error: MienError) -> Entry:
    return Entry(reason=error.code, message=error.message)
