"""A folder of morphed or made faces beside untouched ones, with a list of what each picture is.

    OUT/material.json     what was asked for
    OUT/pictures/         JPEG files
    OUT/manifest.csv      a row a picture; written last, so its presence means that all is there

The bona fide pictures go through the same compression, or print and scan, as the others: else a detector would learn
that. All chance is drawn from the seed and the file's own name, so that the same command makes the same bytes, in
whatever order, and one that was broken off goes on.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from mien.errors import ConflictError, NotFoundError, StoreCorruptError, StoreError

Kind: TypeAlias = Literal["bona-fide", "morph", "made"]
Part: TypeAlias = Literal["train", "test"]
Progress = Callable[[int, int], None]
"""Called with (done, total)."""

MANIFEST, ASKED, PICTURES = "manifest.csv", "material.json", "pictures"


@dataclass(frozen=True, slots=True)
class Item:
    """One picture.

    Args:
        file: its name in ``pictures``.
        kind: what it is.
        part: which half of the people it is of.
        first, second: people; `second` only of a morph.
        maker: how it was made; empty for bona fide.
        after: what was done to it before it was saved.
        remover: what was done against detection.
        cosine: of the two references of a morph, else 1.
        sha256: of the file; empty before it is there.
    """

    file: str
    kind: Kind
    part: Part
    first: str
    second: str = ""
    maker: str = ""
    after: str = "q95"
    remover: str = "none"
    cosine: float = 1.0
    sha256: str = ""

    @property
    def people(self) -> frozenset[str]:
        """Who is in it."""
        return frozenset({self.first, self.second} - {""})

    def chance(self, seed: int) -> np.random.Generator:
        """This picture's own generator."""
        return np.random.default_rng([seed, zlib.crc32(self.file.encode())])


def begin(out: Path, asked: dict[str, object]) -> None:
    """Make the folder, or check that it was begun by the same request.

    Raises:
        ConflictError: it was begun by another.
        StoreError: it cannot be written.
    """
    text = json.dumps(asked, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    try:
        (out / PICTURES).mkdir(parents=True, exist_ok=True)
        begun = (out / ASKED).read_text("utf-8") if (out / ASKED).exists() else None
    except OSError as error:
        raise StoreError(f"{out}: {error.strerror or error}; name a folder that can be written") from error
    if begun is None:
        write_whole(out / ASKED, text.encode())
    elif begun != text:
        raise ConflictError(f"{out}: made with other settings; name another folder", source=str(out))


def finish(out: Path, items: Iterable[Item]) -> list[Item]:
    """Hash every picture and write the manifest.

    Raises:
        StoreError: a picture is missing, or the folder cannot be written.
    """
    try:
        done = [_with_digest(out, item) for item in items]
    except OSError as error:
        raise StoreError(f"{out}: {error.strerror or error}; make it again") from error
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow([field.name for field in fields(Item)])
    rows.writerows(asdict(item).values() for item in done)
    write_whole(out / MANIFEST, text.getvalue().encode())
    return done


def read_material(folder: Path) -> tuple[dict[str, object], list[Item]]:
    """What was asked for, and every picture of it.

    Raises:
        NotFoundError: no finished material there.
        StoreCorruptError: the list cannot be understood.
    """
    if not (folder / MANIFEST).is_file():
        raise NotFoundError(f"{folder}: no {MANIFEST}; `mien morph make` or `fake` writes it", source=str(folder))
    try:
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as lines:
            items = [_item(row) for row in csv.DictReader(lines)]
        return json.loads((folder / ASKED).read_text("utf-8")), items
    except (OSError, TypeError, KeyError, ValueError) as error:
        raise StoreCorruptError(f"{folder}: the list of its pictures is damaged ({error}); make it again") from error


def _item(row: dict[str, Any]) -> Item:
    if Path(row["file"]).name != row["file"]:
        raise ValueError(f"'{row['file']}' is no name of a picture")
    return Item(**(row | {"cosine": float(row["cosine"])}))


def write_whole(path: Path, data: bytes) -> None:
    """All of it or nothing, also when the process is killed.

    Raises:
        StoreError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(data)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}; name a folder that can be written") from error


def missing(out: Path, items: Sequence[Item]) -> list[Item]:
    """Those whose picture is not there yet."""
    there = {path.name for path in (out / PICTURES).iterdir()}
    return [item for item in items if item.file not in there]


def _with_digest(out: Path, item: Item) -> Item:
    digest = hashlib.sha256((out / PICTURES / item.file).read_bytes()).hexdigest()
    return Item(**(asdict(item) | {"sha256": digest}))
