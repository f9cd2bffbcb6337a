"""What a finished embedder makes of every face of a set: computed once, kept in a file, read by row.

    <key>.rows    a line of JSON filled up to 4096 bytes, then (n, e) float16 rows of length 1

The key is made of what decides the rows: the data, the embedder's weights and preprocessing, its arithmetic, and
whether mirror images count. Rows are added as they come; a file that was cut short goes on behind its last good row.
The rows are templates of people: the folder is readable by its owner alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import StoreError
from mien.models import Embedder, LoadSettings, load_embedder
from mien.train.data import FaceData, data_digest
from mien.train.data.journal import locked, store_error
from mien.train.recipe import Teacher
from mien.types.arrays import Embeddings

HEADER: Final = 4096
"""Bytes before the rows: a page, so that rows are read where the disk has them."""
SHORTFALL: Final = 1e-2
"""How far from 1 the length of a row may be: float16 rounds by less, and what was never written is zero."""
CHUNK: Final = 256
"""Faces between two writes."""
FLUSH_S: Final = 2.0
"""Seconds of work that a killed process or a power cut takes at most."""
WAIT_S: Final = 0.5
"""Between two looks whether another process is done."""
TAIL: Final = 1 << 16
"""Rows at the end that are looked at: more than FLUSH_S can make."""

Rows16 = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Targets:
    """A teacher's embeddings of a set.

    Args:
        model: the teacher's card.
        key: of the file.
        rows: (n, e) float16 of length 1, memory-mapped.
    """

    model: str
    key: str
    rows: Rows16

    @property
    def dimension(self) -> int:
        """Numbers in an embedding."""
        return int(self.rows.shape[1])

    def __getitem__(self, rows: NDArray[np.int64]) -> Embeddings:
        """(b, e) float32 of (b,) rows of the data."""
        return self.rows[rows].astype(np.float32)


def load_teacher(settings: Teacher) -> Embedder:
    """The embedder that a recipe names; raises as `mien.models.load_embedder`."""
    return load_embedder(
        settings.model, LoadSettings(precision=settings.precision, allow_licence=settings.allow_licence)
    )


def teach(
    data: FaceData, embedder: Embedder, settings: Teacher, progress: Callable[[int, int], None] | None = None
) -> Targets:
    """The teacher's embeddings of every face, from the file or made now.

    With `settings.mirrored` a target is the unit mean of the face's and its mirror image's embedding. Training shows
    both and asks for one answer; which way a face looks says nothing of who it is, and the mean is without that part.

    Args:
        data: faces, aligned.
        embedder: the teacher.
        settings: where the file is, and whether mirror images count.
        progress: called with (done, total) faces.

    Raises:
        ImageError: a picture cannot be read.
        StoreFullError: no space is left; what was done is kept.
        StoreError: the folder cannot be written.
    """
    facts = {
        "data": data_digest(data),
        "teacher": embedder.contract.digest,
        "precision": embedder.precision.value,
        "mirrored": settings.mirrored,
        "faces": len(data),
        "dimension": embedder.contract.dimension,
    }
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    path = Path(settings.folder) / f"{key[:32]}.rows"
    shape = (len(data), embedder.contract.dimension)
    if _good_rows(path, shape[1]) < shape[0]:
        _fill(path, facts, shape, data, embedder, settings.mirrored, progress)
    return Targets(embedder.contract.model, key, _mapped(path, shape))


def embed_faces(data: FaceData, rows: NDArray[np.int64], embedder: Embedder, *, mirrored: bool) -> Embeddings:
    """(b, e) float32 rows of length 1, of some faces."""
    crops = data.crops(rows)
    vectors = embedder.embed(crops)
    if mirrored:
        vectors = vectors + embedder.embed(np.ascontiguousarray(crops[:, :, ::-1]))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def _fill(
    path: Path,
    facts: dict[str, Any],
    shape: tuple[int, int],
    data: FaceData,
    embedder: Embedder,
    mirrored: bool,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Add the rows that are missing."""
    count, dimension = shape
    with _opened(path, facts) as file:
        done = _good_rows(path, dimension)
        file.truncate(HEADER + done * dimension * 2)
        file.seek(0, os.SEEK_END)
        flushed = time.monotonic()
        for start in range(done, count, CHUNK):
            chosen = np.arange(start, min(start + CHUNK, count))
            file.write(embed_faces(data, chosen, embedder, mirrored=mirrored).astype("<f2").tobytes())
            if time.monotonic() - flushed > FLUSH_S or chosen[-1] == count - 1:
                file.flush()
                os.fsync(file.fileno())
                flushed = time.monotonic()
            if progress:
                progress(int(chosen[-1]) + 1, count)


@contextmanager
def _opened(path: Path, facts: dict[str, Any]) -> Iterator[BufferedRandom]:
    """The file for adding, with its header, closed to other processes: they wait."""
    with ExitStack() as stack:
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            file = stack.enter_context(os.fdopen(handle, "r+b"))
            while not locked(file):  # another process of this run, or another run, is at the same rows
                time.sleep(WAIT_S)
            if file.seek(0, os.SEEK_END) < HEADER:
                file.seek(0)
                file.truncate()
                file.write(json.dumps(facts, sort_keys=True).encode().ljust(HEADER - 1) + b"\n")
                file.flush()
            yield file
        except OSError as error:
            raise store_error(error, path) from error


def _good_rows(path: Path, dimension: int) -> int:
    """Rows from the first on that are on the disk in full."""
    if not path.is_file():
        return 0
    count = max(path.stat().st_size - HEADER, 0) // (dimension * 2)
    if not count:
        return 0
    first = max(count - TAIL, 0)
    lengths = np.linalg.norm(_mapped(path, (count, dimension))[first:].astype(np.float32), axis=1)
    bad = np.flatnonzero(~(abs(lengths - 1) <= SHORTFALL))
    return first + int(bad[0]) if len(bad) else count


def _mapped(path: Path, shape: tuple[int, int]) -> Rows16:
    try:
        return np.memmap(path, "<f2", "r", HEADER, shape)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror or error}") from error
