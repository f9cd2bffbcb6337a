"""Networks made ready for an engine once, kept on disk, and taken from there at the next start.

Rewriting a graph and compiling it costs a quarter to half a second at each start; reading the result back a tenth of
that. A file is used only if it is whole (its SHA-256 stands before its bytes), belongs to this user, and nobody else
may write to it; otherwise it is made anew. A folder that cannot be written costs time, nothing else.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mien.version import __version__

UNUSED_S = 60 * 24 * 3600.0
"""What nobody asked for in this time is left over from an older engine or model, and is removed."""
DAY_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Prepared:
    """Prepared networks by what they were made of; safe with several threads and processes.

    Args:
        folder: where; made when something is to be written. None keeps nothing.
    """

    folder: Path | None

    def get(self, *facts: Hashable) -> bytes | None:
        """The bytes kept under these facts; None when there are none that can be trusted."""
        if self.folder is None:
            return None
        path = self.folder / name_of(*facts)
        data = read_whole(path)
        if data is not None:
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - DAY_S:
                    os.utime(path)
        return data

    def put(self, data: bytes, *facts: Hashable) -> None:
        """Keep bytes under these facts, and drop what has not been used for long."""
        if self.folder is None:
            return
        with suppress(OSError):  # a cache that cannot be written costs the same work at the next start
            write_whole(self.folder / name_of(*facts), data)
            _sweep(self.folder)


def name_of(*facts: Hashable) -> str:
    """A file name for these facts, and the version and code that use them."""
    return hashlib.sha256(repr((*facts, __version__, rewriting_code())).encode()).hexdigest()


@cache
def rewriting_code() -> str:
    """SHA-256 of the rewrites' source, so that a changed rewrite never meets its older results; '' without source."""
    digest = hashlib.sha256()
    sources = sorted((Path(__file__).parent / "rewrites").glob("*.py"))
    for path in sources:
        digest.update(path.read_bytes())
    return digest.hexdigest() if sources else ""


def read_whole(path: Path) -> bytes | None:
    """What `write_whole` wrote; None if it is missing, damaged, or somebody else could have written it."""
    try:
        with path.open("rb") as f:
            if not _own(os.fstat(f.fileno())):
                return None
            digest, data = f.read(32), f.read()
    except OSError:
        return None
    return data if hashlib.sha256(data).digest() == digest else None


def write_whole(path: Path, data: bytes) -> None:
    """The digest and the bytes, written aside and renamed, so that no half file ever has the final name.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix="draft-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as f:
            f.write(hashlib.sha256(data).digest())
            f.write(data)
        os.replace(draft, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise


def _own(facts: os.stat_result) -> bool:
    """Whether the file is this user's, or root's, and nobody else may write to it; other systems guard the folder."""
    if sys.platform == "win32":
        return True
    return facts.st_uid in (0, os.geteuid()) and not facts.st_mode & 0o022


def _sweep(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - UNUSED_S:
                path.unlink()
