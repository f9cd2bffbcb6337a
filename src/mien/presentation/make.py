"""Attack material from the photographs of a folder; an interrupted run goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from mien.errors import ConflictError, FaceError, MienError, StoreError
from mien.image import encode_jpeg, find_photos, open_photo
from mien.models.detectors import Detector
from mien.presentation.maker import maker
from mien.presentation.manifest import MANIFEST, Made, append, read_manifest, write_manifest
from mien.presentation.scene import SIDE
from mien.presentation.species import Species, species
from mien.types.arrays import FloatArray, Pixels
from mien.types.faces import Faces
from mien.types.outcome import Failure

Progress = Callable[[int, int], None]
"""Called with (done, total)."""
FRAME = 2.3
"""Sides of the square that is taken of a photograph, in longer sides of the face's box."""
QUALITY = (85, 97)
"""Of the JPEG that the camera writes."""


@dataclass(frozen=True, slots=True)
class Making:
    """What came of it.

    Args:
        rows: every picture in the folder that this call asked for.
        kept: how many of them were there before.
        failures: photographs that gave nothing.
    """

    rows: tuple[Made, ...]
    kept: int
    failures: tuple[Failure, ...]


def person_of(path: Path) -> str:
    """Who is in a picture by its name: ``001`` in 001_03.jpg, ``Ada_Byron`` in Ada_Byron_0001.jpg."""
    return path.stem.rpartition("_")[0] or path.stem


def chosen(root: Path, people: tuple[int, int] | None, each: int | None) -> tuple[list[Path], tuple[Failure, ...]]:
    """Photographs of a folder.

    Args:
        root: the folder.
        people: the first and the last of them to take, counted from 1 in the order of their names; None for all.
        each: pictures of a person at most; one of several is taken in turn, so that people differ in which.

    Returns:
        Paths, sorted, and what could not be looked at.
    """
    paths, failures = find_photos(root)
    grouped: dict[str, list[Path]] = {}
    for path in paths:
        grouped.setdefault(person_of(path), []).append(path)
    names = sorted(grouped)
    first, last = people or (1, len(names))
    taken: list[Path] = []
    for number, name in enumerate(names[first - 1 : last], first):
        own = grouped[name]
        count = min(each or len(own), len(own))
        taken += [own[(number + i) % len(own)] for i in range(count)]
    return sorted(taken), failures


def make(
    root: Path,
    out: Path,
    names: Sequence[str],
    makers: Sequence[int],
    detector: Detector,
    *,
    seed: int = 1,
    people: tuple[int, int] | None = None,
    each: int | None = None,
    in_turn: bool = False,
    progress: Progress | None = None,
) -> Making:
    """Every species from every photograph by every maker.

    Args:
        root: bona fide photographs, one person each, named PERSON_….jpg.
        out: made if it is not there; pictures and manifest.csv.
        names: of `species`.
        makers: their seeds.
        detector: finds the face.
        seed: of everything that is not the maker's.
        people: as `chosen` takes it.
        each: as `chosen` takes it.
        in_turn: each photograph by one of the makers instead of by all of them.
        progress: told how far it is.

    Raises:
        NotFoundError: no such folder or species.
        ConflictError: the folder holds pictures of another seed or of other photographs.
        StoreError: it cannot be written.
    """
    makes = {name: species[name] for name in names}
    paths, unread = chosen(root, people, each)
    folder = _Folder(out, {row.file: row for row in _begun(out)})
    failures, rows = list(unread), []
    for number, path in enumerate(paths):
        try:
            source = _Source.of(path, root, detector, seed)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, str(path)))
            continue
        finally:
            if progress:
                progress(number + 1, len(paths))
        numbers = [makers[number % len(makers)]] if in_turn else makers
        rows += [folder.row(source, name, material, by) for name, material in makes.items() for by in numbers]
    return Making(tuple(rows), folder.kept, tuple(failures))


@dataclass(frozen=True, slots=True)
class _Source:
    """A photograph as material is made of it."""

    name: str
    person: str
    sha256: str
    pixels: Pixels
    points: FloatArray
    seed: int

    @classmethod
    def of(cls, path: Path, root: Path, detector: Detector, seed: int) -> _Source:
        photo = open_photo(path)
        image = photo.decode()
        faces = detector.detect(image)
        if not faces:
            raise FaceError(f"{path}: no face is found", code="no-face", source=str(path))
        pixels, points = framed(image.pixels, faces)
        return cls(path.relative_to(root).as_posix(), person_of(path), photo.sha256, pixels, points, seed)

    def draw(self, name: str, by: int) -> np.random.Generator:
        """The same for the same photograph, species, maker and seed, whatever else is made."""
        text = f"{self.sha256} {name} {by} {self.seed}".encode()
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:16], "big"))


@dataclass(slots=True)
class _Folder:
    """Where pictures go.

    Args:
        path: the folder.
        known: what it listed before, by file.
        kept: how many of those were asked for again.
    """

    path: Path
    known: dict[str, Made]
    kept: int = 0

    def row(self, source: _Source, name: str, material: Species, by: int) -> Made:
        """The picture's line, after it was made if it is not there."""
        file = f"{name}/{by:03d}/{Path(source.name).stem}.jpg"
        before = self.known.get(file)
        if before and (before.source_sha256, before.seed) != (source.sha256, source.seed):
            raise ConflictError(
                f"{self.path / file} was made with another seed or of another photograph: give another folder",
                source=str(self.path),
            )
        if before:
            self.kept += 1
            return before
        draw = source.draw(name, by)
        picture = material(source.pixels, source.points, maker(by), draw)
        data = encode_jpeg(picture, int(draw.integers(*QUALITY)))
        sha256 = hashlib.sha256(data).hexdigest()
        row = Made(file, name, by, source.seed, source.person, source.name, source.sha256, sha256)
        self._write(row, data)
        return row

    def _write(self, row: Made, data: bytes) -> None:
        path = self.path / row.file
        part = path.with_name(f".{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            part.replace(path)
            append(self.path, row)
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be written ({error.strerror}); check space and rights", source=str(path)
            ) from error


def framed(pixels: Pixels, faces: Faces) -> tuple[Pixels, FloatArray]:
    """A square about the largest face, (810, 810, 3) uint8, and its five points in it.

    The square lies inside the picture, so that of a portrait it is nearly the whole.
    """
    height, width = pixels.shape[:2]
    box, points = (values[int(np.argmax(faces.widths))] for values in (faces.boxes, faces.points))
    side = int(min(FRAME * float((box[2:] - box[:2]).max()), height, width))
    low = np.clip((box[:2] + box[2:]) / 2 - side / 2, 0, (width - side, height - side)).astype(int)
    part = pixels[low[1] : low[1] + side, low[0] : low[0] + side]
    method = cv2.INTER_AREA if side > SIDE else cv2.INTER_CUBIC
    square = part if side == SIDE else cv2.resize(part, (SIDE, SIDE), interpolation=method)
    return np.ascontiguousarray(square), ((points - low) * (SIDE / side)).astype(np.float32)


def _begun(out: Path) -> tuple[Made, ...]:
    """What is there already; the list loses lines that were cut off, and those of pictures that are gone."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        listed = read_manifest(out) if (out / MANIFEST).exists() else ()
        rows = tuple(row for row in listed if (out / row.file).is_file())
        write_manifest(out, rows)
    except OSError as error:
        if isinstance(error, MienError):
            raise
        raise StoreError(f"{out}: cannot be written ({error.strerror}); check its rights", source=str(out)) from error
    return rows
