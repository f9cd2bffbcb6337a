"""Faces written one after the other so that nothing done is lost, however the process ends.

A face goes to faces.npy, and only when it is on the disk does its line go to the journal. What a killed process left is
cut back to the last line that is whole and whose face is there.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import IO, Any, Final

from mien.errors import ConflictError, MienError, StoreCorruptError, StoreError, StoreFullError, StoreLockedError
from mien.pipeline.pipeline import CROP
from mien.types.arrays import Pixels

FACES: Final = "faces.npy"
JOURNAL: Final = "journal.jsonl"
FACE_BYTES: Final = CROP * CROP * 3
NPY_BYTES: Final = 128
"""Of the header of faces.npy, whatever the number of faces."""
FLUSH_S: Final = 2.0
"""Seconds of work that a killed process loses at most."""
FLUSH_FACES: Final = 1024
"""Faces held in memory at most: 39 MB."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of a picture: a face (`reason` is empty), or a failure."""

    sha256: str = ""
    score: float = 1.0
    height: float = float(CROP)
    reason: str = ""
    message: str = ""

    @property
    def kept(self) -> bool:
        """Whether it gave a face."""
        return not self.reason


class Journal:
    """The faces and the journal of a folder, open for adding.

    Args:
        folder: made if it is not there.
        source: facts that must be the same when the work is taken up again.

    Attributes:
        entries: of the pictures done so far, in the order of the source.

    Raises:
        StoreLockedError: another process writes there.
        ConflictError: it was begun with another source or detector, or is no such folder.
        StoreError: it cannot be read or written.
    """

    def __init__(self, folder: Path, source: dict[str, Any]) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self._lines: list[str] = []
        self._crops: list[Pixels] = []
        self._flushed = time.monotonic()
        self._broken = False
        with ExitStack() as files:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._journal = files.enter_context(_open(folder / JOURNAL))
                if not locked(self._journal):
                    raise StoreLockedError(f"{folder}: another process prepares it; wait for it to end")
                self._faces = files.enter_context(_open(folder / FACES))
                self._take_up(json.dumps(source, sort_keys=True) + "\n")
            except MienError:
                raise
            except OSError as error:
                raise store_error(error, folder) from error
            self._files = files.pop_all()

    def add(self, entry: Entry, crop: Pixels | None = None) -> None:
        """The next picture: an entry, with a face if it is kept.

        Raises:
            StoreFullError: no space is left; all that was flushed stays.
            StoreError: writing failed.
        """
        if crop is not None:
            self._crops.append(crop)
        self._lines.append(json.dumps(_short(entry), ensure_ascii=False) + "\n")
        self.entries.append(entry)
        if len(self._crops) >= FLUSH_FACES or time.monotonic() - self._flushed > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Bring what was added to the disk; raises as `add`."""
        self._broken = True  # until both writes are through: an interrupt between them leaves it to the next run
        try:
            if self._crops:
                _write(self._faces, b"".join(crop.tobytes() for crop in self._crops))
                os.fsync(self._faces.fileno())
            _write(self._journal, "".join(self._lines).encode())
        except OSError as error:
            raise store_error(error, self.folder) from error
        self._broken = False
        self._lines, self._crops, self._flushed = [], [], time.monotonic()

    def close(self) -> None:
        """Flush what can be, and let go of the files."""
        with self._files:
            if not self._broken:
                self.flush()

    def _take_up(self, header: str) -> None:
        """Cut both files back to what is whole."""
        lines = self._journal.readall().decode("utf-8", "replace").splitlines(keepends=True)
        if not lines or not lines[0].endswith("\n"):
            if self._faces.seek(0, os.SEEK_END) > NPY_BYTES:
                raise StoreCorruptError(f"{self.folder}: faces without a journal; remove the folder", code="no-journal")
            lines = [header]
            self._journal.seek(0)
            self._journal.truncate()
            _write(self._journal, header.encode())
            self._faces.seek(0)
            _write(self._faces, npy_header(0))
        elif lines[0] != header:
            raise ConflictError(
                f"{self.folder} was begun with other pictures, another detector or other settings: repeat those, or "
                "give another folder",
                source=str(self.folder),
            )
        room = (self._faces.seek(0, os.SEEK_END) - NPY_BYTES) // FACE_BYTES
        size = len(lines[0].encode())
        for line in lines[1:]:
            entry = _entry(line)
            if entry is None or (entry.kept and room == 0):
                break
            room -= entry.kept
            size += len(line.encode())
            self.entries.append(entry)
        self._journal.truncate(size)
        self._journal.seek(size)
        self._faces.truncate(NPY_BYTES + FACE_BYTES * sum(entry.kept for entry in self.entries))
        self._faces.seek(0, os.SEEK_END)


def npy_header(count: int) -> bytes:
    """The 128 bytes before the pixels in a .npy file, version 1.0."""
    shape = (count, CROP, CROP, 3)
    text = repr({"descr": "|u1", "fortran_order": False, "shape": shape})
    return b"\x93NUMPY\x01\x00" + (NPY_BYTES - 10).to_bytes(2, "little") + text.ljust(NPY_BYTES - 11).encode() + b"\n"


def store_error(error: OSError, path: Path) -> StoreError:
    """What a failed call of the operating system is called here."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(
            f"{path}: no space is left; what was done is kept, free some and give the same command", source=str(path)
        )
    return StoreError(f"{path}: cannot be written ({error.strerror}); check its rights", source=str(path))


def _open(path: Path) -> FileIO:
    """For reading and writing, made if it is not there; without a buffer that could fail when it is closed."""
    return FileIO(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+")


def _write(file: FileIO, content: bytes) -> None:
    """All of it: one call may write less."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def locked(file: IO[bytes]) -> bool:
    """Take the lock if nobody has it; it goes with the process, however that ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _short(entry: Entry) -> dict[str, Any]:
    """Without what is as by default."""
    return {key: value for key, value in asdict(entry).items() if value != getattr(Entry(), key)}


def _entry(line: str) -> Entry | None:
    """The entry of a line, or None if it is not whole."""
    if not line.endswith("\n"):
        return None
    try:
        return Entry(**json.loads(line))
    except (ValueError, TypeError):
        return None
