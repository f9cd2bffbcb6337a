"""Bytes from the middle of a large file."""

from __future__ import annotations

from pathlib import Path

from mien.errors import ImageError


def read_at(path: Path, offset: int, size: int, name: str) -> bytes:
    """`size` bytes from `offset`.

    The file is opened for each: 10 µs, and threads, forks and Windows need no care.

    Raises:
        ImageError: they are not there (any more).
    """
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            data = file.read(size)
    except OSError as error:
        raise ImageError(
            f"{name}: {path} cannot be read ({error.strerror})", code="image-unreadable", source=name
        ) from error
    if data is None or len(data) != size:
        raise ImageError(f"{name}: {path} ends before it; copy it again", code="image-truncated", source=name)
    return data
