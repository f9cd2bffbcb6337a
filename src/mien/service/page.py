"""From groups to the page that shows them."""

from __future__ import annotations

import datetime
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shlex import quote

import numpy as np

from mien.cores import usable_cores
from mien.image import encode_jpeg, encode_webp, open_photo, preview, thumbnail
from mien.pages import PageFace, PagePerson, PagePhoto, PeoplePage, preview_side, write_people
from mien.runtime import quiet_libraries
from mien.service.engine import Models
from mien.types.faces import Face
from mien.types.results import Groups, Person
from mien.version import __version__

SHARP, PLAIN = 144, 96
"""Pixels of a face's picture: shown at 96, sharp on dense screens while there are few enough."""
MANY_FACES = 3000


def write_page(
    result: Groups,
    out: Path,
    *,
    folder: Path,
    gallery: Path | None = None,
    models: Models | None = None,
) -> None:
    """Write the people of a folder as one self-contained page.

    Args:
        result: what `group` gave.
        out: the file; links to the photographs are relative to it.
        folder: where the photographs lie, for their shown names.
        gallery: the gallery that keeps the names, for the commands that give one.
        models: whose limits the pictures are opened under.

    Raises:
        StoreError: the file cannot be written.
    """
    faces = [face for person in result.groups for face in person.faces] + list(result.ungrouped)
    by_photo: dict[str, list[Face]] = defaultdict(list)
    for face in faces:
        by_photo[face.source].append(face)
    builder = _Photos(
        folder, preview_side(len(by_photo)), SHARP if len(faces) <= MANY_FACES else PLAIN, models or Models()
    )
    with quiet_libraries(), ThreadPoolExecutor(usable_cores()) as pool:
        made = list(pool.map(builder.make, by_photo, by_photo.values()))
    shown = {face: tile for _, tiles in made for face, tile in tiles.items()}
    numbers = {photo: number for number, photo in enumerate(by_photo)}

    def tile(face: Face) -> PageFace:
        return PageFace(numbers[face.source], face.box, shown[face])

    page = PeoplePage(
        heading=f"People in {folder.resolve().name}",
        people=tuple(_person(person, tuple(map(tile, person.faces)), gallery) for person in result.groups),
        alone=tuple(map(tile, result.ungrouped)),
        photos=tuple(photo for photo, _ in made),
        failures=result.failures,
        files=result.files,
        basis=f"{result.model.name}, {result.model.precision}; {result.basis}",
        made=f"mien {__version__}, {datetime.datetime.now().astimezone():%Y-%m-%d %H:%M}",
    )
    write_people(page, out)


class _Photos:
    """Small pictures of photographs and of the faces in them."""

    def __init__(self, folder: Path, side: int, crop: int, models: Models) -> None:
        self.folder = folder
        self.side = side
        self.crop = crop
        self.limits = models.limits

    def make(self, source: str, faces: list[Face]) -> tuple[PagePhoto, dict[Face, bytes]]:
        """A photograph, and the picture of each of its faces."""
        photo = open_photo(source, limits=self.limits)
        smallest = min(face.box[2] - face.box[0] for face in faces)
        image = photo.decode(max(self.side, self._needed(smallest, max(photo.size)), 1))
        x, y = image.scale
        tiles = {}
        for face in faces:
            x0, y0, x1, y1 = face.box
            pixels = thumbnail(image.pixels, (x0 * x, y0 * y, x1 * x, y1 * y), size=self.crop)
            tiles[face] = encode_jpeg(pixels, 82)
        small = encode_webp(preview(image.pixels, self.side), 72) if self.side else b""
        path = Path(source)
        name = path.relative_to(self.folder) if path.is_relative_to(self.folder) else Path(path.name)
        return PagePhoto(path, str(name), photo.size, small), tiles

    def _needed(self, face_px: float, long_side: int) -> int:
        """Long side at which the smallest face has as many pixels as its picture."""
        return int(np.clip(self.crop / max(face_px, 1) * long_side, 1, long_side))


def _person(person: Person, faces: tuple[PageFace, ...], gallery: Path | None) -> PagePerson:
    label = person.name
    named = label is not None and not label.startswith("#")
    rename = f"mien gallery rename {quote(str(gallery))} {quote(label)} NAME" if gallery and label and not named else ""
    return PagePerson(faces, label, named, rename)
