"""Pictures of this machine on their way to a server."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PureWindowsPath
from typing import Final

import numpy as np

from mien.errors import ImageError, MienError
from mien.image import Limits, Photo, PhotoSource
from mien.image.reading import read_bytes
from mien.types.outcome import Failure

MOST_PICTURES: Final = 32
"""Of a request."""
MOST_BYTES: Final = 8 << 20
"""Of the pictures of a request; servers take 10 MiB."""
LONGEST_NAME: Final = 200
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture to send.

    Args:
        number: its place among all.
        source: what it is called here.
        name: what the server is told: no folders, and nothing that a form would write in another way.
        data: the file.
    """

    number: int
    source: str
    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Of the file, 64 hexadecimal digits."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def part(self) -> tuple[str, tuple[str, bytes]]:
        """The picture as a part of a form."""
        return "image", (self.name, self.data)

    def failure(self, document: dict[str, str]) -> Failure:
        """A failure that the server tells of this picture, with its name here."""
        return Failure(self.source, document["reason"], self._named(document["message"]))

    def error(self, error: ImageError) -> ImageError:
        """An error that the server tells of this picture, with its name here."""
        return type(error)(self._named(error.message), code=error.code, source=self.source)

    def _named(self, message: str) -> str:
        return message.replace(self.name, self.source, 1)


def read(number: int, source: PhotoSource) -> Upload:
    """A picture, read.

    Raises:
        NotFoundError, ImageError: as `mien.image.open_photo`.
    """
    if isinstance(source, np.ndarray):
        name, data = "<array>", _png(Photo.from_pixels(source, "<array>"))
    else:
        data, name = read_bytes(source, "", _LIMITS)
    return Upload(number, name, sent_name(name), data)


def read_all(sources: Iterable[PhotoSource], failures: dict[int, Failure]) -> Iterator[Upload]:
    """The pictures that can be read, one after the other; `failures` gets the others by their number."""
    for number, source in enumerate(sources):
        try:
            yield read(number, source)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures[number] = Failure.of(error, str(source))


def batches(uploads: Iterable[Upload]) -> Iterator[Sequence[Upload]]:
    """The pictures in their order, as many at a time as a request takes, no two of one name."""
    batch: dict[str, Upload] = {}
    room = MOST_BYTES
    for upload in uploads:
        if batch and (len(upload.data) > room or len(batch) == MOST_PICTURES or upload.name in batch):
            yield tuple(batch.values())
            batch, room = {}, MOST_BYTES
        batch[upload.name] = upload
        room -= len(upload.data)
    if batch:
        yield tuple(batch.values())


def sent_name(source: str) -> str:
    """The last part of a path, printable and not too long."""
    last = PureWindowsPath(PurePath(source).name).name
    return "".join("_" if c in '"\\%' else c for c in last if c.isprintable())[:LONGEST_NAME] or "image"


def _png(photo: Photo) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(photo.decode().pixels).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
