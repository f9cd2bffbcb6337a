"""A folder of photographs in which nobody can be found any more, checked on what was written."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np

from mien.compare.operating import at_fpir, check_rate
from mien.cores import usable_cores
from mien.errors import ImageError, NotFoundError, StoreError, UsageError
from mien.image import Limits, find_photos, open_photo
from mien.image.formats import encode_as
from mien.pipeline import Acquired
from mien.pipeline.hide import Cover, How, hide
from mien.pipeline.stream import worker_threads
from mien.runtime.threads import quiet_libraries
from mien.service.acquire import acquire_all
from mien.service.engine import Models, Progress, model_id
from mien.service.journal import Journal
from mien.service.left import Checker, Left, Originals
from mien.types.anonymized import Anonymization, Anonymized
from mien.types.outcome import Failure
from mien.version import __version__

SIDE = 2560
"""Finest look for faces in pixels of the long side, where nobody chose one: a face that is missed shows."""
FPIR = 0.1
"""Of the check, where nobody chose another: high, so that a faint likeness counts as one."""
CHECK = 0.6
"""Times the detector's own score: what counts as a face that is left."""
PASSES = 6
"""Most times that a picture is hidden and checked; the four levels, and two for what is found late."""
VIDEOS = frozenset({".3gp", ".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".webm", ".wmv"})


def anonymize(
    folder: str | PathLike[str],
    out: str | PathLike[str],
    *,
    how: str = How.BLUR,
    fpir: float = FPIR,
    models: Models | None = None,
    progress: Progress | None = None,
) -> Anonymization:
    """Write a copy of every photograph of a folder with its faces hidden, and look for them in the copies.

    First all originals are looked at, so that each copy can be compared with everybody. A copy that fails is hidden
    again, more strongly, at most `PASSES` times. Copies keep name, format, size and what is up; metadata is left out.
    A second run skips what is done, as long as the originals and the settings are the same.

    Args:
        folder: photographs, with all below it.
        out: where the copies go; neither in `folder` nor around it.
        how: ``blur``, ``pixelate``, ``fill`` or ``replace``.
        fpir: the rate at which a face of nobody in the run may match; it sets the threshold of the check.
        models: which detector and embedder.
        progress: called with (done, total), each picture once when looked at and once when written.

    Raises:
        NotFoundError: no such folder.
        UsageError: a method or rate that there is not, a video, folders within each other, or an embedder without a
            measured operating table.
        StoreError: ``output-unwritable``.
    """
    start = time.perf_counter()
    method = _method(how)
    check_rate(fpir, "fpir")
    root, target = _apart(Path(folder), Path(out))
    models = models or Models()
    models = replace(models, side=models.side or SIDE)
    models.table()  # before the work: without one there is nothing to check against
    paths, unreadable = find_photos(folder)
    failures = [*unreadable, *_videos(root)]
    seen: list[Acquired] = []
    for done, outcome in enumerate(acquire_all(models, paths), 1):
        if isinstance(outcome, Acquired):
            seen.append(outcome)
        elif isinstance(outcome, Failure):
            failures.append(outcome)
        if progress:
            progress(done, 2 * len(paths))
    checker = _checker(models, seen, method, fpir)
    run = _Run(root, target, checker, _journal(target), models.limits, _facts(checker, models, fpir, seen))
    pictures: list[Anonymized] = []
    skipped = 0
    for done, result in enumerate(_each(run, seen), 2 * len(paths) - len(seen) + 1):
        if isinstance(result, Failure):
            failures.append(result)
        else:
            pictures.append(result[0])
            skipped += result[1]
        if progress:
            progress(done, 2 * len(paths))
    originals = checker.originals
    return Anonymization(
        method.value,
        tuple(pictures),
        skipped,
        tuple(failures),
        len(originals.sources),
        fpir,
        originals.point,
        checker.detector.score / CHECK,
        checker.detector.score,
        time.perf_counter() - start,
        model_id(checker.embedder),
    )


def _checker(models: Models, seen: Sequence[Acquired], how: How, fpir: float) -> Checker:
    """What compares every copy with all of the originals."""
    pipeline = models.pipeline(batch=True)
    detector, embedder = pipeline.detector, pipeline.embedder
    sources = tuple(picture.source for picture in seen for _ in picture.templates.faces)
    point = at_fpir(models.table(), fpir, len(sources)) if sources else None
    vectors = [np.empty((0, embedder.contract.dimension), np.float32), *(p.templates.vectors for p in seen)]
    originals = Originals(np.concatenate(vectors), sources, point)
    return Checker(detector.with_score(CHECK * detector.score), embedder, originals, how)


def _facts(checker: Checker, models: Models, fpir: float, seen: Sequence[Acquired]) -> str:
    """A digest of all that decides what the copies look like and what is found in them."""
    contract = checker.embedder.contract.digest
    facts = [__version__, checker.how, fpir, checker.detector.name, checker.detector.score, models.side, contract]
    return _digest(facts, [picture.sha256 for picture in seen])


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: from where, to where, and what is the same for all its pictures."""

    root: Path
    target: Path
    checker: Checker
    journal: Journal
    limits: Limits
    facts: str

    def one(self, seen: Acquired) -> tuple[Anonymized, bool] | Failure:
        """The picture and whether it was done before, or why it is not written."""
        try:
            name = os.path.relpath(seen.source, self.root)
            key = _digest([self.facts], [seen.sha256])
            place = self._place(name, seen.source)
            before = self.journal.done(name, key)
            if before is not None:
                return before, True
            if not self.journal.may_write(name):
                hint = f"{place} is there and no earlier run wrote it; move it or choose another folder"
                raise ImageError(f"{seen.source}: {hint}", code="output-exists", source=seen.source)
            data, picture = self._made(seen, place)
            with _writing(place):
                self.journal.add(name, key, data, picture)
                _write(place, data)
            return picture, False
        except (ImageError, NotFoundError) as error:
            return Failure.of(error, seen.source)

    def _place(self, name: str, source: str) -> Path:
        place = self.target / name
        if self.target not in (place.parent.resolve() / place.name).parents:
            hint = f"{place.parent} leads out of {self.target}; choose another folder"
            raise ImageError(f"{source}: {hint}", code="output-elsewhere", source=source)
        return place

    def _made(self, seen: Acquired, place: Path) -> tuple[bytes, Anonymized]:
        """Hide and check until nothing is left that can be helped."""
        photo = open_photo(seen.source, limits=self.limits)
        if photo.sha256 != seen.sha256:
            raise ImageError(f"{seen.source}: changed during the run; run again", code="image-changed")
        if photo.frames > 1:
            hint = f"{photo.frames} frames or pages, of which only the first could be kept; split it first"
            raise ImageError(f"{seen.source}: {hint}", code="image-frames", source=seen.source)
        pixels = photo.decode().pixels
        first = int(seen.sha256[:8], 16)  # another drawn face in each picture, the same one in every run
        covers = tuple(Cover(face, first + PASSES * i) for i, face in enumerate(seen.templates.faces))
        passes = 0
        while True:
            passes += 1
            data = encode_as(hide(pixels, covers, self.checker.how), photo.format, seen.source)
            left = self.checker.left(data, seen.source, covers)
            if not left.findable or passes == PASSES:
                break
            covers = _stronger(covers, left, first)
            if passes == PASSES - 1:  # faces side by side can fail by turns, each a level at a time
                covers = tuple(cover.strongest() for cover in covers)
        result = Anonymized(
            seen.source, str(place), len(covers), passes, left.missed, left.found, left.recognised, left.findable
        )
        return data, result


def _stronger(covers: Sequence[Cover], left: Left, first: int) -> tuple[Cover, ...]:
    """The covers of the next pass: those that failed go up; what was missed, or is known beside them, gets one."""
    kept = [cover.stronger() if again else cover for cover, again in zip(covers, left.again, strict=True)]
    hidden = {cover.face for cover in covers}
    faces = [*left.missed, *(one.face for one in left.recognised if one.face not in hidden)]
    late = [Cover(face, first + PASSES * (len(kept) + i)) for i, face in enumerate(faces)]
    return (*kept, *late)


def _each(run: _Run, seen: Sequence[Acquired]) -> Iterator[tuple[Anonymized, bool] | Failure]:
    """What becomes of every picture, in order; several at once."""
    with quiet_libraries(), ThreadPoolExecutor(worker_threads(usable_cores())) as pool:
        try:
            yield from pool.map(run.one, seen)
        finally:
            pool.shutdown(cancel_futures=True)


def _method(how: str) -> How:
    if how not in list(How):
        raise UsageError(f"how takes {', '.join(How)}, not '{how}'")
    return How(how)


def _apart(folder: Path, out: Path) -> tuple[Path, Path]:
    """The folder as it was given, and the real place of the copies."""
    if folder.suffix.lower() in VIDEOS and folder.is_file():
        raise UsageError(_video(str(folder)), code="video-unsupported")
    source, target = folder.resolve(), out.resolve()
    if source == target or source in target.parents or target in source.parents:
        raise UsageError(f"{out} and {folder} lie within each other; the copies need a folder of their own")
    if target.exists() and not target.is_dir():
        raise UsageError(f"{out} is a file; give a folder for the copies")
    return folder, target


def _videos(root: Path) -> list[Failure]:
    """Videos are said to be left out, so that nobody takes them for done."""
    found = sorted(p for p in root.rglob("*") if p.suffix.lower() in VIDEOS and not p.name.startswith("."))
    return [Failure(str(path), "video-unsupported", _video(str(path))) for path in found]


def _video(name: str) -> str:
    return f"{name}: a video; only photographs are anonymised, take its frames out first"


def _digest(facts: Sequence[object], pictures: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps([*map(str, facts), *sorted(pictures)]).encode()).hexdigest()


def _journal(target: Path) -> Journal:
    with _writing(target):
        target.mkdir(parents=True, exist_ok=True)
        return Journal(target)


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing; a link in the place is replaced, what it points to is not touched."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    os.replace(part, path)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """A full disk or a folder that may not be written ends the run; it is not about one picture."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StoreError):
            raise
        reason = f"{path}: cannot be written ({error.strerror}); free space or choose another folder"
        raise StoreError(reason, code="output-unwritable", source=str(path)) from error
