"""The search file beside a gallery: an index as memory maps, every byte of it digested. Never the truth.

Layout: one page of header; the SHA-256 of every chunk; the sections, which are the arrays of an index in C order, each
from a multiple of `CHUNK` on. The header says of which gallery and state it is, where the sections are, and the digest
of the digests. What is wrong in any way is `UnusableError`: the caller reads the gallery's own rows instead.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import numpy as np

from mien.cores import usable_cores
from mien.types.arrays import AnyArray

MAGIC, BUSY = b"mien-s01", b"mien-bsy"
"""First bytes of a file that is whole, and of one that somebody is changing."""
PAGE = 4096
CHUNK = 1 << 18
"""Bytes under one digest: a patch has to read that much for each row it erases."""
LEAST = 50_000
"""References from which a search file pays: below, reading the rows themselves takes a quarter of a second."""
WAIT_S = 2.0
"""A change in place takes milliseconds; after this long its writer is taken for dead."""


class UnusableError(Exception):
    """There is no search file, or it is damaged, unfinished, or of another gallery or state.

    Args:
        reason: for the log; empty when there is nothing to say.
        keep: it may be of use to another reader; without, it never is again.
    """

    def __init__(self, reason: str = "", *, keep: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.keep = keep


class DamagedError(UnusableError):
    """Bytes of the file are not those that were written."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a search file belongs to.

    Args:
        uid: the gallery, hexadecimal.
        contract: digest of what its templates are.
        revision: of the gallery when the file was written.
        epoch: the file holds while this is the gallery's; only appended rows are missing from it then.
        rows: how many references.
        mix: exclusive or of their seals.
        last: highest reference id that was looked at.
        backend: of the index.
        asked: somebody chose this backend; the next file keeps it.
        uncut: erased rows may still stand in the gallery's log.
    """

    uid: str
    contract: str
    revision: int
    epoch: int
    rows: int
    mix: int
    last: int
    backend: str
    asked: bool = False
    uncut: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """Where an array is; `first` is the number of its first chunk."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    first: int

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def spans(self) -> Iterator[tuple[int, int]]:
        """(begin, end) of its chunks in the file."""
        end = self.offset + self.size
        return ((begin, min(begin + CHUNK, end)) for begin in range(self.offset, end, CHUNK))


@dataclass(frozen=True, slots=True)
class Header:
    """The first page.

    Args:
        facts: what the file belongs to.
        sections: in order.
        table: SHA-256 of the digests.
    """

    facts: Facts
    sections: tuple[Section, ...]
    table: str

    @property
    def chunks(self) -> int:
        """How many digests."""
        return sum(-(-section.size // CHUNK) for section in self.sections)

    @property
    def end(self) -> int:
        """Size of the file."""
        return max((section.offset + section.size for section in self.sections), default=PAGE)

    def spans(self) -> list[tuple[int, int]]:
        """(begin, end) of all chunks."""
        return [span for section in self.sections for span in section.spans()]

    def encode(self) -> bytes:
        """As a page."""
        body = json.dumps(asdict(self)).encode()
        page = MAGIC + hashlib.sha256(body).digest() + len(body).to_bytes(4, "little") + body
        if len(page) > PAGE:
            raise UnusableError("the header is longer than a page")
        return page.ljust(PAGE, b"\0")


def decode(page: bytes) -> Header:
    """The header in a page; UnusableError when it is none."""
    size = int.from_bytes(page[40:44], "little")
    body = page[44 : 44 + size]
    if page[:8] != MAGIC or len(body) != size or hashlib.sha256(body).digest() != page[8:40]:
        if page[:8] == BUSY:
            raise UnusableError("it is being changed, or was left so")
        raise DamagedError("its header is damaged")
    try:
        facts = json.loads(body)
        sections = tuple(Section(**{**s, "shape": tuple(s["shape"])}) for s in facts["sections"])
        return Header(Facts(**facts["facts"]), sections, facts["table"])
    except (TypeError, KeyError, ValueError) as error:
        raise UnusableError("another mien wrote it") from error


def search_path(gallery: Path) -> Path:
    """Where the search file of a gallery is; beside the file itself when it is reached through a link."""
    real = Path(os.path.realpath(gallery))
    return real.with_name(f"{real.name}-search")


def read_header(file: IO[bytes], wait_s: float = WAIT_S) -> tuple[bytes, Header]:
    """First page of an open file and what it says; a change that is under way is waited for."""
    until = time.monotonic() + wait_s
    while True:
        file.seek(0)
        page = file.read(PAGE)
        if page[:8] != BUSY or time.monotonic() > until:
            return page, decode(page)
        time.sleep(0.002)


class SearchFile:
    """An open search file whose every byte was compared with its digest.

    Args:
        path: the file.
        require: raises UnusableError when its facts are not those of the gallery.

    Raises:
        UnusableError: see there.

    Attributes:
        facts: what it belongs to.
        arrays: read-only maps by name, from which the backend restores its index.
    """

    def __init__(self, path: Path, require: Callable[[Facts], None]) -> None:
        try:
            with open_regular(path, "rb") as file:
                self._page, header = read_header(file)
                require(header.facts)
                if os.fstat(file.fileno()).st_size < header.end:
                    raise DamagedError("it is cut short")
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise UnusableError(str(error), keep=True) from error
        self._take(header)
        self.arrays = {section.name: view(self._map, section) for section in header.sections}
        require_digests(self._map, header)
        if not self.intact():
            raise UnusableError("it was changed while it was read", keep=True)

    def intact(self) -> bool:
        """Whether nobody changed the file since it was opened; asked after its maps were used."""
        return self._map[:PAGE] == self._page

    def renew(self) -> None:
        """This process changed the file, and its index knows."""
        self._page = self._map[:PAGE]
        self._take(decode(self._page))

    def _take(self, header: Header) -> None:
        self.facts, self.size = header.facts, header.end


def find_damage(gallery: Path) -> list[str]:
    """A line when the search file of a gallery is damaged; one that is only out of date is no damage."""
    try:
        SearchFile(search_path(gallery), lambda _: None)
    except DamagedError as error:
        return [f"search file: {error.reason}; it is not used, `mien gallery optimize` writes it anew"]
    except UnusableError:
        pass
    return []


def view(buffer: mmap.mmap, section: Section) -> AnyArray:
    """A section as an array, not copied."""
    count = int(np.prod(section.shape, dtype=np.int64))
    flat: AnyArray = np.frombuffer(buffer, np.dtype(section.dtype), count, section.offset)
    return flat.reshape(section.shape)


def require_digests(buffer: mmap.mmap, header: Header) -> None:
    """Raise UnusableError unless every chunk agrees with its digest."""
    table = digest_table(buffer, header)
    if digest_all(buffer, header.spans()) != table:
        raise DamagedError("its bytes do not agree with their digests")


def digest_table(buffer: mmap.mmap, header: Header) -> bytes:
    """The digests that the file holds, themselves compared with the header."""
    table = buffer[PAGE : PAGE + 32 * header.chunks]
    if hashlib.sha256(table).hexdigest() != header.table:
        raise DamagedError("its digests are damaged")
    return table


def digest_all(buffer: mmap.mmap | memoryview, spans: Sequence[tuple[int, int]]) -> bytes:
    """SHA-256 of each span, one after another, taken by all cores."""
    workers = min(usable_cores(), 8)
    parts = [spans[i * len(spans) // workers : (i + 1) * len(spans) // workers] for i in range(workers)]
    with memoryview(buffer) as whole, ThreadPoolExecutor(workers) as pool:
        return b"".join(pool.map(lambda part: _digest_some(whole, part), parts))


def _digest_some(whole: memoryview, spans: Sequence[tuple[int, int]]) -> bytes:
    found = bytearray()
    for begin, end in spans:
        with whole[begin:end] as chunk:
            found += hashlib.sha256(chunk).digest()
    return bytes(found)


def open_regular(path: Path, mode: str) -> IO[bytes]:
    """Open a file that is neither a link nor anything but a file."""
    flags = (os.O_RDONLY if mode == "rb" else os.O_RDWR) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    if not path.is_file():
        raise UnusableError("it is not a file" if path.exists() else "", keep=True)
    return os.fdopen(os.open(path, flags), mode, buffering=0)
