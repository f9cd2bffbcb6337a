"""WebDataset shards: tar files in which ``KEY.jpg`` and ``KEY.cls`` (or ``KEY.json``) are one sample.

The files are not unpacked: their places are listed once, and each picture is read from its place.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mien.errors import NotFoundError, UsageError
from mien.image import SUFFIXES
from mien.train.data.base import Pictures, number_people
from mien.train.data.sources import sources
from mien.train.data.sources.archive import read_at

LABEL_BYTES: Final = 1 << 20
"""Of a label file at most."""
_LABELS: Final = ("cls", "txt", "json")


@dataclass(frozen=True, slots=True)
class Place:
    """A picture within a shard."""

    shard: Path
    offset: int
    size: int
    name: str


@sources.register("webdataset")
def read_webdataset(path: Path) -> Pictures:
    """The pictures of one shard, or of all in a folder in the order of their names.

    The person is the text of ``KEY.cls`` or ``KEY.txt``, or the entry ``label`` of ``KEY.json``; without, unlabelled.

    Args:
        path: a .tar file, or a folder of them.

    Raises:
        NotFoundError: no shard there.
        UsageError: a shard that is none or is compressed, a label that cannot be read, no picture.
    """
    shards = sorted(path.glob("*.tar")) if path.is_dir() else [path]
    if not shards or not all(shard.is_file() for shard in shards):
        raise NotFoundError(f"{path}: no shard there; give a .tar file or a folder of them", source=str(path))
    found = [sample for shard in shards for sample in _samples(shard)]
    if not found:
        raise UsageError(f"{path}: no picture in {len(shards)} shards", code="list-empty", source=str(path))
    places = [place for place, _ in found]
    labels, people = number_people(person for _, person in found)

    def fetch(row: int) -> bytes:
        place = places[row]
        return read_at(place.shard, place.offset, place.size, place.name)

    return Pictures([place.name for place in places], labels, people, fetch, {"kind": "webdataset"})


def _samples(shard: Path) -> Iterator[tuple[Place, str]]:
    """Picture and person of each sample; the members of one follow each other."""
    key, place, person = "", None, ""
    for member in _members(shard):
        folder, _, base = member.name.rpartition("/")
        stem, _, ending = base.partition(".")
        if f"{folder}/{stem}" != key:
            if place is not None:
                yield place, person
            key, place, person = f"{folder}/{stem}", None, ""
        ending = ending.lower()
        name = f"{shard.name}/{member.name}"
        if f".{ending}" in SUFFIXES and place is None:
            place = Place(shard, member.offset_data, member.size, name)
        elif ending in _LABELS:
            person = _label(shard, member, name) or person
    if place is not None:
        yield place, person


def _members(shard: Path) -> Iterator[tarfile.TarInfo]:
    try:
        with tarfile.open(shard, "r:") as archive:
            yield from (member for member in archive if member.isreg() and not member.issparse())
    except (tarfile.TarError, OSError) as error:
        raise UsageError(
            f"{shard}: no tar file, or cut off ({error}); shards are not compressed", code="shard", source=str(shard)
        ) from error


def _label(shard: Path, member: tarfile.TarInfo, name: str) -> str:
    if member.size > LABEL_BYTES:
        raise UsageError(f"{name}: a label of {member.size:,} bytes", code="shard", source=name)
    data = read_at(shard, member.offset_data, member.size, name)
    try:
        if not member.name.endswith(".json"):
            return data.decode("utf-8").strip()
        document = json.loads(data)
    except ValueError as error:
        raise UsageError(f"{name}: a label must be UTF-8 text or JSON ({error})", code="shard", source=name) from error
    label = document.get("label", "") if isinstance(document, dict) else ""
    return "" if label is None else str(label)
