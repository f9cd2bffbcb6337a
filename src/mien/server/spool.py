"""Uploaded pictures that wait for a job: files with names of our own, readable by the server only."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import apsw

from mien.errors import StoreFullError
from mien.gallery.store.database import os_error

KEPT_S = 60.0
"""A file that nobody knows may be one that is just coming in; after so long it is left over."""
FREE = 1 << 30
"""Bytes that stay free on the disk, for galleries and the state."""
_ENDING = ".picture"


class Spool:
    """A folder of uploaded files.

    Args:
        folder: made, for its owner only, if it is not there.
        capacity: bytes that all files may have together.
    """

    def __init__(self, folder: Path, capacity: int) -> None:
        self.folder = folder
        self.capacity = capacity
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise os_error(error, folder) from error

    def put(self, data: bytes) -> str:
        """Keep the bytes of a picture; its name, when it is on the disk."""
        name = secrets.token_hex(16)
        path = self.path(name)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            self.erase([name])
            raise os_error(error, path) from error
        return name

    def require_space(self, used: int, size: int) -> None:
        """Raise StoreFullError unless `size` bytes can be kept besides the `used` ones."""
        if used + size > self.capacity or shutil.disk_usage(self.folder).free < size + FREE:
            raise StoreFullError("too many pictures wait for their jobs; come back when some are done")

    def path(self, name: str) -> Path:
        """Where the bytes of a name are."""
        return self.folder / (name + _ENDING)

    def erase(self, names: Iterable[str]) -> None:
        """Erase files; one that is gone already is fine."""
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                self.path(name).unlink()

    def erase_others(self, known: Collection[str]) -> None:
        """Erase what a server left that was ended in the middle."""
        for path in self.folder.glob("*" + _ENDING):
            with contextlib.suppress(FileNotFoundError):
                if path.stem not in known and path.stat().st_mtime < time.time() - KEPT_S:
                    path.unlink()


@contextlib.contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether no other process is in here with the same path; ends with the process, however that ends."""
    connection = apsw.Connection(str(path))  # its locks work everywhere
    try:
        yield _taken(connection)
    finally:
        connection.close()


def _taken(connection: apsw.Connection) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except apsw.BusyError:
        return False
    return True
