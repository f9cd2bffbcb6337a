"""Writes search files, as drafts that get their name when they are whole, and destroys them."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import numpy as np

from mien.gallery.search.file import (
    CHUNK,
    PAGE,
    Facts,
    Header,
    Section,
    UnusableError,
    digest_all,
    open_regular,
    search_path,
)
from mien.gallery.store.database import sync_folder
from mien.types.arrays import AnyArray

DRAFT = ".new"


def begin_draft(gallery: Path) -> tuple[Path, IO[bytes]]:
    """An empty file for a new search file, with the rights of the gallery.

    It has to be there before the gallery is read for it: whoever erases somebody destroys all drafts that are there.
    """
    kept = gallery.stat()
    path = search_path(gallery)
    draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}{DRAFT}")
    descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with contextlib.suppress(OSError, AttributeError):  # not on every system, nor for everybody
        os.fchown(descriptor, -1, kept.st_gid)
    with contextlib.suppress(OSError, AttributeError):
        os.fchmod(descriptor, kept.st_mode & 0o666)
    return draft, os.fdopen(descriptor, "r+b", buffering=0)


def write_file(file: IO[bytes], facts: Facts, arrays: Mapping[str, AnyArray], stopped: Callable[[], bool]) -> bool:
    """Fill a draft and bring it to the medium.

    Args:
        file: open for writing and empty.
        facts: what it belongs to.
        arrays: as an index gives them.
        stopped: asked now and then; True to give up.

    Returns:
        False when it was stopped.
    """
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    sections = _place(plain)
    digests = bytearray()
    for section in sections:
        data = memoryview(plain[section.name].reshape(-1).view(np.uint8).data) if section.size else memoryview(b"")
        digests += digest_all(data, [(b - section.offset, e - section.offset) for b, e in section.spans()])
        file.seek(section.offset)
        for start in range(0, len(data), 16 * CHUNK):
            if stopped():
                return False
            _write(file, data[start : start + 16 * CHUNK])
    header = Header(facts, sections, hashlib.sha256(digests).hexdigest())
    file.truncate(header.end)
    file.seek(0)
    _write(file, memoryview(header.encode() + digests))
    os.fsync(file.fileno())
    return True


def _place(arrays: Mapping[str, AnyArray]) -> tuple[Section, ...]:
    chunks = sum(-(-array.nbytes // CHUNK) for array in arrays.values())
    offset, first = -(-(PAGE + 32 * chunks) // CHUNK) * CHUNK, 0
    sections = []
    for name, array in arrays.items():
        sections.append(Section(name, array.dtype.str, array.shape, offset, first))
        used = -(-array.nbytes // CHUNK)
        offset, first = offset + used * CHUNK, first + used
    return tuple(sections)


def _write(file: IO[bytes], data: memoryview) -> None:
    while data:
        data = data[file.write(data) :]


def destroy_drafts(gallery: Path) -> None:
    """Overwrite and remove search files that are being made; whoever makes one notices and gives up.

    Raises:
        OSError: one is still there.
    """
    path = search_path(gallery)
    for draft in path.parent.glob(f"{glob.escape(path.name)}.*{DRAFT}"):
        discard(draft)


def discard(path: Path) -> None:
    """Overwrite and remove a file; anything else of that name is left alone."""
    if path.is_file() or path.is_symlink():
        _overwrite(path)
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def _overwrite(path: Path) -> None:
    try:
        file = open_regular(path, "r+b")
    except (OSError, UnusableError):  # no right to write it, or a link: removing the name is all there is to do
        return
    with file:
        size, zeros = os.fstat(file.fileno()).st_size, memoryview(bytes(16 * CHUNK))
        for start in range(0, size, len(zeros)):
            _write(file, zeros[: size - start])
        os.fsync(file.fileno())
