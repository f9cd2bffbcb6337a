"""What a set of faces is, whatever it is stored in, and sets made of other sets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Protocol, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from mien.errors import ImageError, UsageError
from mien.image import Photo, PhotoSource, open_photo
from mien.pipeline.pipeline import CROP
from mien.types.arrays import Crops, Pixels
from mien.types.outcome import Failure

Rows: TypeAlias = NDArray[np.int64]
"""(n,) int64, numbers of pictures."""
UNLABELLED = -1
"""Label of a picture whose person is not known."""


class FaceData(Protocol):
    """Pictures of faces in a fixed order; safe to read from several threads."""

    @property
    def labels(self) -> Rows:
        """(n,) int64, rows of `people`; -1 where the person is not known."""
        ...

    @property
    def people(self) -> Sequence[str]:
        """Names by label; each has at least one picture."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """N names of pictures, for messages and lists; below the root where there is one."""
        ...

    @property
    def aligned(self) -> bool:
        """Whether the pictures are known to be aligned crops of 112 x 112 pixels."""
        ...

    @property
    def facts(self) -> Mapping[str, str]:
        """What else decides the pixels: the kind of source, the detector that aligned, a reduced resolution."""
        ...

    @property
    def failures(self) -> Sequence[Failure]:
        """What was found and could not be taken."""
        ...

    def __len__(self) -> int: ...

    def photo(self, row: int) -> PhotoSource:
        """What opens the picture as it was found."""
        ...

    def read(self, row: int) -> Pixels:
        """(112, 112, 3) uint8 RGB.

        Raises:
            ImageError: it cannot be decoded, or is no aligned face (``not-aligned``).
        """
        ...

    def crops(self, rows: Rows) -> Crops:
        """(b, 112, 112, 3) uint8 RGB, what `read` gives for each row."""
        ...

    def sha256(self, row: int) -> str:
        """Hexadecimal SHA-256 of the picture as it was found."""
        ...


@dataclass(frozen=True, slots=True)
class Pictures:
    """Encoded pictures: files, records of an archive.

    Args:
        names: n names.
        labels: (n,) int64.
        people: names by label.
        fetch: opens one by its row.
        facts: of the source; at least ``kind``.
        aligned: they are known to be crops of 112 x 112 pixels.
        failures: what was found and could not be taken.
    """

    names: Sequence[str]
    labels: Rows
    people: Sequence[str]
    fetch: Callable[[int], PhotoSource]
    facts: Mapping[str, str]
    aligned: bool = False
    failures: Sequence[Failure] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def photo(self, row: int) -> PhotoSource:
        """What opens the picture."""
        return self.fetch(row)

    def read(self, row: int) -> Pixels:
        """(112, 112, 3) uint8 RGB; raises ImageError."""
        return aligned_pixels(open_photo(self.fetch(row), name=self.names[row]))

    def crops(self, rows: Rows) -> Crops:
        """(b, 112, 112, 3) uint8 RGB; raises ImageError."""
        out = np.empty((len(rows), CROP, CROP, 3), np.uint8)
        for crop, row in zip(out, rows.tolist(), strict=True):
            crop[:] = self.read(row)
        return out

    def sha256(self, row: int) -> str:
        """Hexadecimal SHA-256 of the encoded picture."""
        return open_photo(self.fetch(row), name=self.names[row]).sha256


@dataclass(frozen=True, slots=True)
class View:
    """Some pictures of another set, under labels of its own, and changed on the way if asked.

    Args:
        data: where they are.
        rows: (n,) int64 rows of `data`.
        labels: (n,) int64.
        people: names by label.
        more: facts beside those of `data`.
        change: applied to crops (b, 112, 112, 3); the same whatever the batch.
    """

    data: FaceData
    rows: Rows
    labels: Rows
    people: Sequence[str]
    more: Mapping[str, str] = field(default_factory=dict)
    change: Callable[[Crops], Crops] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> Sequence[str]:
        """N names of pictures."""
        return Picked(self.data.names, self.rows)

    @property
    def aligned(self) -> bool:
        """As in the other set."""
        return self.data.aligned

    @property
    def facts(self) -> Mapping[str, str]:
        """Those of the other set, and this one's."""
        return {**self.data.facts, **self.more}

    @property
    def failures(self) -> Sequence[Failure]:
        """As in the other set."""
        return self.data.failures

    def photo(self, row: int) -> PhotoSource:
        """What opens the picture, unchanged."""
        return self.data.photo(int(self.rows[row]))

    def read(self, row: int) -> Pixels:
        """(112, 112, 3) uint8 RGB; raises ImageError."""
        pixels: Pixels = self.crops(np.array([row]))[0]
        return pixels

    def crops(self, rows: Rows) -> Crops:
        """(b, 112, 112, 3) uint8 RGB; raises ImageError."""
        crops = self.data.crops(self.rows[rows])
        return crops if self.change is None else self.change(crops)

    def sha256(self, row: int) -> str:
        """Hexadecimal SHA-256 of the picture as it was found."""
        return self.data.sha256(int(self.rows[row]))


@dataclass(frozen=True, slots=True)
class Joined:
    """Several sets as one, in order; made by `join`."""

    parts: tuple[FaceData, ...]
    starts: Rows
    labels: Rows
    people: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def names(self) -> Sequence[str]:
        """N names of pictures."""
        return [name for part in self.parts for name in part.names]

    @property
    def aligned(self) -> bool:
        """Whether those of all parts are."""
        return all(part.aligned for part in self.parts)

    @property
    def facts(self) -> Mapping[str, str]:
        """Those of each part under its number."""
        return {f"{n} {key}": value for n, part in enumerate(self.parts) for key, value in part.facts.items()}

    @property
    def failures(self) -> Sequence[Failure]:
        """Of all parts."""
        return [failure for part in self.parts for failure in part.failures]

    def photo(self, row: int) -> PhotoSource:
        """What opens the picture."""
        part, within = self._place(row)
        return part.photo(within)

    def read(self, row: int) -> Pixels:
        """(112, 112, 3) uint8 RGB; raises ImageError."""
        part, within = self._place(row)
        return part.read(within)

    def crops(self, rows: Rows) -> Crops:
        """(b, 112, 112, 3) uint8 RGB; raises ImageError."""
        out = np.empty((len(rows), CROP, CROP, 3), np.uint8)
        where = np.searchsorted(self.starts, rows, side="right") - 1
        for number in np.unique(where).tolist():
            mine = where == number
            out[mine] = self.parts[number].crops(rows[mine] - self.starts[number])
        return out

    def sha256(self, row: int) -> str:
        """Hexadecimal SHA-256 of the picture as it was found."""
        part, within = self._place(row)
        return part.sha256(within)

    def _place(self, row: int) -> tuple[FaceData, int]:
        number = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.parts[number], row - int(self.starts[number])


class Picked(Sequence[str]):
    """Some of a sequence's strings, looked up when asked for."""

    def __init__(self, strings: Sequence[str], rows: Rows) -> None:
        self._strings, self._rows = strings, rows

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[str]: ...
    def __getitem__(self, row: int | slice) -> str | Sequence[str]:
        if isinstance(row, slice):
            return Picked(self._strings, self._rows[row])
        return self._strings[int(self._rows[row])]


def aligned_pixels(photo: Photo) -> Pixels:
    """(112, 112, 3) uint8 RGB of a picture that is an aligned face already.

    Raises:
        ImageError: it cannot be decoded, or has another size.
    """
    if photo.size != (CROP, CROP):
        size = f"{photo.size[0]}x{photo.size[1]}"
        raise ImageError(
            f"{photo.source}: an aligned face has {CROP}x{CROP} pixels, this picture has {size}; "
            "`mien prepare` finds and aligns faces",
            code="not-aligned",
            source=photo.source,
        )
    return photo.decode().pixels


def number_people(people: Iterable[str]) -> tuple[Rows, tuple[str, ...]]:
    """Labels (n,) int64 of the names in sorted order, and those names; an empty name is unlabelled, -1."""
    names = np.array(list(people), object)
    labels = np.full(len(names), UNLABELLED, np.int64)
    known = np.array([bool(name) for name in names], np.bool_)
    found, numbers = np.unique(names[known], return_inverse=True)
    labels[known] = numbers.ravel()
    return labels, tuple(found.tolist())


def compact(labels: Rows, people: Sequence[str]) -> tuple[Rows, tuple[str, ...]]:
    """The same labels without the people that nobody has: a class without pictures cannot be learnt."""
    used = np.unique(labels[labels >= 0])
    dense = np.where(labels < 0, UNLABELLED, np.searchsorted(used, labels))
    return dense.astype(np.int64), tuple(people[number] for number in used.tolist())


def pick(data: FaceData, rows: Rows | NDArray[np.bool_], **facts: str) -> View:
    """Some pictures of a set, in the order given, with their people numbered anew.

    Args:
        data: the set.
        rows: (n,) int64 rows, or (len(data),) bool.
        facts: what to note about the choice.
    """
    chosen = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64)
    labels, people = compact(data.labels[chosen], data.people)
    return View(data, chosen, labels, people, facts)


def join(*parts: FaceData) -> FaceData:
    """Sets one after the other; a name that two of them use stays two people.

    Raises:
        UsageError: no set.
    """
    if not parts:
        raise UsageError("no data to join; name at least one set")
    if len(parts) == 1:
        return parts[0]
    starts = [0, *accumulate(len(part) for part in parts)][:-1]
    firsts = [0, *accumulate(len(part.people) for part in parts)][:-1]
    labels = [np.where(p.labels < 0, UNLABELLED, p.labels + first) for p, first in zip(parts, firsts, strict=True)]
    people = tuple(name for part in parts for name in part.people)
    return Joined(parts, np.array(starts, np.int64), np.concatenate(labels), people)


def data_digest(data: FaceData) -> str:
    """Hexadecimal SHA-256 of what a run learns from: facts, and of each picture in order its label and SHA-256.

    Names do not count. A prepared set knows its SHA-256s; of any other every picture is read.
    """
    total = hashlib.sha256(json.dumps(dict(data.facts), sort_keys=True).encode())
    for row, label in enumerate(data.labels.tolist()):
        total.update(f"{label}\t{data.sha256(row)}\n".encode())
    return total.hexdigest()
