"""Durable enrolment from ready templates, against plain sqlite3 that writes the same blobs: templates/s by batch size.

    python benchmarks/bench_enrol.py --dimension 128 --rounds 5

Both write the same number of templates in transactions of the same size, to a new file each, in turns (A B A B). Ours
seals, counts and audits every row and makes a subject a template; plain is one table (id, blob), WAL, synchronous=FULL.
The time of fdatasync is measured in the same run: so many bytes appended to a file and synced, as often as we commit.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mien.gallery import Gallery
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

BATCHES = (1, 10, 100, 1000)
FACE = Face((10.0, 20.0, 110.0, 140.0), 0.9, ((30.0, 60.0), (80.0, 60.0), (55.0, 85.0), (35.0, 110.0), (75.0, 110.0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dimension", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--templates", type=int, default=20_000, help="at most so many a round")
    parser.add_argument("--folder", type=Path, help="where to write; the disk that is measured")
    parser.add_argument("--compact", action="store_true", help="1 byte a dimension in the gallery")
    options = parser.parse_args()
    print(f"{'batch':>6} {'unnamed/s':>10} {'named/s':>10} {'plain/s':>10} {'named/plain':>11} {'fdatasync ms':>13}")
    for size in BATCHES:
        count = min(options.templates, 500 * size)
        batches = drawn(count, size, options.dimension)
        times: dict[str, list[float]] = {"unnamed": [], "named": [], "plain": [], "sync": []}
        for turn in range(options.rounds):
            with tempfile.TemporaryDirectory(dir=options.folder) as work:
                times["named"].append(enrol(Path(work) / "a.mien", batches, options.compact, f"person {turn}-"))
                times["plain"].append(plain(Path(work) / "b.db", batches))
                times["unnamed"].append(enrol(Path(work) / "c.mien", batches, options.compact, None))
                times["sync"].append(synced(Path(work) / "d", len(batches), size * options.dimension * 8))
        rate = {name: count / statistics.median(seconds) for name, seconds in times.items()}
        sync_ms = statistics.median(times["sync"]) / len(batches) * 1e3
        print(
            f"{size:>6} {rate['unnamed']:>10,.0f} {rate['named']:>10,.0f} {rate['plain']:>10,.0f} "
            f"{rate['named'] / rate['plain']:>11.2f} {sync_ms:>13.3f}"
        )


def drawn(count: int, size: int, dimension: int) -> list[Templates]:
    """Unit vectors drawn at random, `size` a batch."""
    contract = TemplateContract("drawn", "00" * 32, dimension, "none")
    vectors = np.random.default_rng(0).normal(size=(count, dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    parts = (vectors[start : start + size] for start in range(0, count, size))
    return [Templates(part, Precision.F32, contract, (FACE,) * len(part)) for part in parts]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def enrol(path: Path, batches: list[Templates], compact: bool, name: str | None) -> float:
    """Seconds for all batches, each acknowledged before the next; subjects are new, with a name or without."""
    size = len(batches[0])
    labels = [[None if name is None else f"{name}{b * size + i}" for i in range(size)] for b in range(len(batches))]
    with Gallery.open(path, create=True) as gallery:
        if compact:
            gallery.make_compact()
        return timed(lambda: [gallery.enrol_many(*pair) for pair in zip(batches, labels, strict=True)])


def plain(path: Path, batches: list[Templates]) -> float:
    """Seconds for the same blobs by the sqlite3 of Python."""
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("CREATE TABLE template (id INTEGER PRIMARY KEY, vector BLOB NOT NULL)")

    def write() -> None:
        for batch in batches:
            rows = [(vector.tobytes(),) for vector in batch.vectors]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO template (vector) VALUES (?)", rows)
            connection.execute("COMMIT")

    seconds = timed(write)
    connection.close()
    return seconds


def synced(path: Path, times: int, size: int) -> float:
    """Seconds for appending `size` bytes and fdatasync, so many times."""
    block = bytes(size)
    with path.open("wb", buffering=0) as stream:

        def write() -> None:
            for _ in range(times):
                stream.write(block)
                os.fdatasync(stream.fileno())

        return timed(write)


if __name__ == "__main__":
    main()
