"""The list of what was made: one line a picture, written after the picture itself."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from mien.errors import NotFoundError, StoreCorruptError

MANIFEST: Final = "manifest.csv"


@dataclass(frozen=True, slots=True)
class Made:
    """One picture that was made.

    Args:
        file: in the folder of the manifest, with /.
        species: what it shows; ``bona-fide`` where it is no attack.
        maker, seed: with the source they decide every pixel.
        person: who is in the source.
        source: its path in the folder it was taken from, with /.
        source_sha256, sha256: of the source and of the picture, hex.
    """

    file: str
    species: str
    maker: int
    seed: int
    person: str
    source: str
    source_sha256: str
    sha256: str


COLUMNS: Final = tuple(field.name for field in fields(Made))


def read_manifest(folder: Path) -> tuple[Made, ...]:
    """What a folder lists; a last line that was cut off does not count.

    Raises:
        NotFoundError: there is no manifest.
        StoreCorruptError: it is none.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise NotFoundError(f"{path}: {error.strerror}: make material there first", source=str(path)) from error
    rows = list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))
    if not rows or tuple(rows[0]) != COLUMNS or any(len(row) != len(COLUMNS) for row in rows):
        raise StoreCorruptError(f"{path}: not a list of made pictures; give another folder", source=str(path))
    try:
        return tuple(Made(a, b, int(c), int(d), *rest) for a, b, c, d, *rest in rows[1:])
    except ValueError as error:
        raise StoreCorruptError(f"{path}: maker and seed must be numbers: {error}", source=str(path)) from error


def write_manifest(folder: Path, rows: Sequence[Made]) -> None:
    """A new list in place of the one there."""
    part = folder / f".{MANIFEST}.part"
    with part.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        lines.writerows(asdict(row).values() for row in rows)
    part.replace(folder / MANIFEST)


def append(folder: Path, row: Made) -> None:
    """One line more."""
    with (folder / MANIFEST).open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(asdict(row).values())
