"""A picture's bytes from wherever they are, read once and only if they are a regular file."""

from __future__ import annotations

import os
import stat
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from mien.errors import ImageError, NotFoundError, UsageError
from mien.image.limits import Limits

EncodedSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""Path, encoded bytes, or a file opened for bytes."""
PhotoSource = EncodedSource | NDArray[np.uint8]
"""The same, or an array (h, w, 3) RGB or (h, w) grey."""
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


def read_bytes(source: EncodedSource, name: str, limits: Limits) -> tuple[bytes, str]:
    """The bytes of a picture, and its name for messages.

    Raises:
        NotFoundError: no such file.
        ImageError: ``image-empty``, ``image-too-large``, ``image-not-a-file``, ``image-unreadable``, ``image-changed``.
        UsageError: neither a path, nor bytes, nor a file opened for bytes.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        data, name = bytes(source), name or "<bytes>"
    elif isinstance(source, str | os.PathLike):
        name = name or os.fspath(source)
        data = _read_file(os.fspath(source), name, limits)
    else:
        name = name or str(getattr(source, "name", "<stream>"))
        data = _read_stream(source, name, limits)
    if not data:
        raise ImageError(f"{name}: the file is empty; copy it again", code="image-empty", source=name)
    _check_length(len(data), name, limits)
    return data, name


def _read_file(path: str, name: str, limits: Limits) -> bytes:
    try:
        # Looked at before it is opened, since opening a device can act on it; and after, since it may have changed.
        check_regular(os.stat(path), name)
        with open(path, "rb", opener=lambda p, _: os.open(p, _FLAGS)) as file:
            status = os.fstat(file.fileno())
            check_regular(status, name)
            _check_length(status.st_size, name, limits)
            data = file.read(status.st_size + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"no such file: {name}", source=name) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise ImageError(f"{name}: cannot be read ({reason})", code="image-unreadable", source=name) from error
    except ImageError:
        raise
    except ValueError as error:  # a path that no file can have: a NUL, a lone surrogate
        raise NotFoundError(f"no such file: {name!r} ({error})", source=name) from error
    if len(data) != status.st_size:
        raise ImageError(f"{name}: changed while it was read; try again", code="image-changed", source=name)
    return data


def _read_stream(stream: BinaryIO, name: str, limits: Limits) -> bytes:
    data = stream.read(limits.max_bytes + 1) if hasattr(stream, "read") else None
    if not isinstance(data, bytes):
        raise UsageError(f"a picture is a path, bytes, or a file opened with 'rb'; got {type(stream).__name__}")
    return data


def check_regular(status: os.stat_result, name: str) -> None:
    """Refuse what is no regular file: ImageError ``image-not-a-file``."""
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, pipe or socket"
        hint = f"is {kind}; give a picture file"
        raise ImageError(f"{name}: {hint}", code="image-not-a-file", source=name)


def _check_length(length: int, name: str, limits: Limits) -> None:
    if length > limits.max_bytes:
        hint = f"more than {limits.max_bytes >> 20} MiB; make it smaller first"
        raise ImageError(f"{name}: {hint}", code="image-too-large", source=name)
