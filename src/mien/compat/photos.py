"""Pictures in the forms that other libraries take, as mien's."""

from __future__ import annotations

import base64
import binascii
import os
import re
from typing import Any, BinaryIO, cast

import numpy as np

from mien.compat.settings import current
from mien.errors import ImageError, UsageError
from mien.image import Photo, open_photo
from mien.types.arrays import AnyArray, Pixels

_DATA_URI = re.compile(r"data:image/[\w.+-]+(?:;[\w=.-]+)*;base64,", re.IGNORECASE)
_URL = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)


def photo_of(source: object, *, bgr: bool) -> Photo:
    """An opened picture.

    Args:
        source: path, bytes, a file opened for bytes, ``data:image/…;base64,…``, or an array (h, w, 3) or (h, w) of
            uint8 or of floats in 0..1.
        bgr: channel order of arrays; encoded pictures know their own.

    Raises:
        NotFoundError: no such file.
        ImageError: the picture cannot be used.
        UsageError: a URL, or nothing that can be a picture.
    """
    limits = current().models.limits
    if isinstance(source, np.ndarray):
        pixels = as_bytes(source)
        return open_photo(pixels[:, :, ::-1] if bgr and pixels.ndim == 3 else pixels, limits=limits)
    if isinstance(source, str) and source[:5].lower() == "data:":
        return open_photo(_decoded(source), name="<data URI>", limits=limits)
    if isinstance(source, str) and _URL.match(source):
        raise UsageError(
            f"{source:.80}: mien fetches no URLs; fetch it yourself and pass the bytes", code="url-refused"
        )
    if isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(source, "read"):
        _rewind(source)
        return open_photo(cast("str | BinaryIO", source), limits=limits)
    raise UsageError(f"a picture is a path, bytes, an open file, a data URI or an array; got {type(source).__name__}")


def pictures_in(source: object) -> tuple[list[Any], bool]:
    """The pictures of an argument that may be one or several (a list, or an array of four axes), and whether it was."""
    if isinstance(source, np.ndarray) and source.ndim == 4:
        return list(source), True
    if isinstance(source, list | tuple):
        return list(source), True
    return [source], False


def as_bytes(array: AnyArray) -> Pixels:
    """The array, or (0..1 floats times 255) as uint8."""
    if array.dtype.kind != "f":
        return array
    if array.size and not (array.min() >= 0 and array.max() <= 1):  # false also for NaN
        raise UsageError("an array of floats must lie in 0..1; pass uint8 pixels otherwise")
    return np.asarray(np.rint(array * 255), np.uint8)


def _decoded(uri: str) -> bytes:
    head = _DATA_URI.match(uri)
    if not head:
        raise ImageError("a data URI must begin with data:image/<type>;base64,", code="image-unrecognised")
    try:
        return base64.b64decode(uri[head.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"the data URI is not base64 ({error})", code="image-unrecognised") from error


def _rewind(source: object) -> None:
    """A file that was read before is read from its beginning, as the originals do."""
    seekable = getattr(source, "seekable", None)
    if callable(seekable) and seekable():
        cast(BinaryIO, source).seek(0)
