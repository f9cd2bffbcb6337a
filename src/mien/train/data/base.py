"""What a set of faces is, whatever it is stored in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.errors import ImageError
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


def data_digest(data: FaceData) -> str:
    """Hexadecimal SHA-256 of what a run learns from: facts, and of each picture in order its label and SHA-256.

    Names do not count. A prepared set knows its SHA-256s; of any other every picture is read.
    """
    total = hashlib.sha256(json.dumps(dict(data.facts), sort_keys=True).encode())
    for row, label in enumerate(data.labels.tolist()):
        total.update(f"{label}\t{data.sha256(row)}\n".encode())
    return total.hexdigest()
