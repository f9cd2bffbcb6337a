"""Sets made of other sets: some pictures of one, several as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.image import PhotoSource
from mien.pipeline.pipeline import CROP
from mien.train.data.base import UNLABELLED, FaceData, Rows
from mien.types.arrays import Crops, Pixels
from mien.types.outcome import Failure


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
