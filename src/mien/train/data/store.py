"""A prepared set on disk: aligned faces in one memory-mapped file, and what is known of each.

    faces.npy       (n, 112, 112, 3) uint8 RGB; `np.load(..., mmap_mode="r")` opens it
    rows.parquet    a row a face: name, label, sha256 (of the source picture), score (of the detector), height (of the
                    face in the picture, pixels)
    failures.csv    file, reason, message
    manifest.json   counts, people by label, detector, digests
    journal.jsonl   only until all is done: a line a picture, written after the face it speaks of is on the disk

37,632 bytes a face: 18 GB for half a million, where reading costs less than decoding JPEG. Sets that do not fit are
trained from their RecordIO file or shards.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, overload

import numpy as np

from mien.errors import NotFoundError, StoreCorruptError, UsageError
from mien.pipeline.pipeline import CROP
from mien.train.data.base import FaceData, Rows
from mien.train.data.journal import FACE_BYTES, FACES, JOURNAL, NPY_BYTES, Entry, npy_header
from mien.train.data.sets import compact
from mien.types.arrays import Crops, FloatArray, Pixels
from mien.types.outcome import Failure
from mien.version import __version__

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
ROWS: Final = "rows.parquet"
FAILURES: Final = "failures.csv"


@dataclass(frozen=True, slots=True)
class Prepared:
    """Aligned faces in a folder; made by `open_prepared`.

    Args:
        folder: where they are.
        manifest: what `manifest.json` says.
        labels: (n,) int64.
        people: names by label.
        names: of the pictures.
        scores: (n,) float32 in 0..1, the detector's; 1 where the pictures came aligned.
        heights: (n,) float32, height of the face in its picture in pixels; 112 where the pictures came aligned.
        digests: (n, 32) uint8, SHA-256 of the source pictures.
        faces: (n, 112, 112, 3) uint8 RGB, memory-mapped.
    """

    folder: Path
    manifest: Mapping[str, Any]
    labels: Rows
    people: Sequence[str]
    names: Sequence[str]
    scores: FloatArray
    heights: FloatArray
    digests: Pixels
    faces: Crops

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def aligned(self) -> bool:
        """Always."""
        return True

    @property
    def facts(self) -> Mapping[str, str]:
        """Source, detector and policy."""
        facts: Mapping[str, str] = self.manifest["facts"]
        return facts

    @property
    def failures(self) -> Sequence[Failure]:
        """Pictures that gave no face."""
        with (self.folder / FAILURES).open(newline="", encoding="utf-8") as file:
            return [Failure(row["file"], row["reason"], row["message"]) for row in csv.DictReader(file)]

    def photo(self, row: int) -> Pixels:
        """The face itself; the picture it came from is not kept."""
        return self.read(row)

    def read(self, row: int) -> Pixels:
        """(112, 112, 3) uint8 RGB, a copy."""
        return np.array(self.faces[row])

    def crops(self, rows: Rows) -> Crops:
        """(b, 112, 112, 3) uint8 RGB, a copy; other threads run meanwhile."""
        crops: Crops = self.faces.take(rows, axis=0)
        return crops

    def sha256(self, row: int) -> str:
        """Hexadecimal SHA-256 of the source picture."""
        digest: str = self.digests[row].tobytes().hex()
        return digest

    def check(self) -> None:
        """Read every byte and compare with the manifest.

        Raises:
            StoreCorruptError: a file is not what was written.
        """
        for name, digest in self.manifest["sha256"].items():
            if hash_file(self.folder / name) != digest:
                raise _corrupt(self.folder / name, "its bytes have changed since")


class Names(Sequence[str]):
    """A column of strings that stays in Arrow's memory: a tenth of what Python strings take."""

    def __init__(self, column: Any) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[str]: ...
    def __getitem__(self, row: int | slice) -> str | Sequence[str]:
        if isinstance(row, slice):
            return Names(self._column[row])
        return str(self._column[row].as_py())


def open_prepared(folder: Path) -> Prepared:
    """The faces of a folder that `prepare` finished.

    Raises:
        NotFoundError: no such folder.
        UsageError: the preparation was interrupted.
        StoreCorruptError: the files do not fit each other.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except FileNotFoundError:
        if (folder / JOURNAL).exists():
            raise UsageError(
                f"{folder}: the preparation is not finished; the same `mien prepare` goes on with it",
                code="unfinished",
                source=str(folder),
            ) from None
        raise NotFoundError(f"{folder}: no prepared faces; `mien prepare` makes them", source=str(folder)) from None
    except ValueError as error:
        raise _corrupt(folder / MANIFEST, f"it is no JSON ({error})") from error
    if manifest.get("format") != FORMAT:
        raise _corrupt(folder / MANIFEST, f"it has format {manifest.get('format')}, this mien reads {FORMAT}")
    return _opened(folder, manifest)


def _opened(folder: Path, manifest: Mapping[str, Any]) -> Prepared:
    import pyarrow as pa
    import pyarrow.parquet as pq

    count = manifest["faces"]
    try:
        table = pq.read_table(folder / ROWS)
        shape = (count, CROP, CROP, 3)
        faces = np.memmap(folder / FACES, np.uint8, "r", NPY_BYTES, shape) if count else np.empty(shape, np.uint8)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _corrupt(folder, " ".join(str(error).split())) from error
    if len(table) != count or (folder / FACES).stat().st_size != NPY_BYTES + count * FACE_BYTES:
        raise _corrupt(folder, f"its files do not hold the {count:,} faces of its manifest")
    columns = {name: table[name].combine_chunks() for name in table.column_names}
    digests = np.frombuffer(b"".join(columns["sha256"].to_pylist()), np.uint8).reshape(-1, 32)
    labels = columns["label"].to_numpy().astype(np.int64)
    scores, heights = (columns[name].to_numpy() for name in ("score", "height"))
    people = tuple(manifest["people"])
    return Prepared(folder, manifest, labels, people, Names(columns["name"]), scores, heights, digests, faces)


def _corrupt(path: Path, what: str) -> StoreCorruptError:
    return StoreCorruptError(f"{path}: {what}; prepare it again", source=str(path))


def write_finished(folder: Path, source: FaceData, entries: Sequence[Entry], facts: Mapping[str, str]) -> None:
    """Turn a full journal into the files of a finished set; until the manifest is there, all can be done again.

    Args:
        folder: with faces.npy and the journal.
        source: what was prepared.
        entries: one a picture of the source.
        facts: what decided the pixels.
    """
    kept = np.array([row for row, entry in enumerate(entries) if entry.kept], np.int64)
    labels, people = compact(source.labels[kept], source.people)
    lost = sorted(set(source.people) - set(people))
    with (folder / FACES).open("r+b") as file:
        file.write(npy_header(len(kept)))
        file.flush()
        os.fsync(file.fileno())
    _write(folder / ROWS, _table(source, entries, kept, labels))
    failed = [(source.names[row], entry) for row, entry in enumerate(entries) if not entry.kept]
    rows = [*((f.source, f.reason, f.message) for f in source.failures), *((n, e.reason, e.message) for n, e in failed)]
    _write(folder / FAILURES, _csv(rows))
    manifest = {
        "format": FORMAT,
        "mien": __version__,
        "faces": len(kept),
        "pictures": len(entries) + len(source.failures),
        "failures": dict(Counter(reason for _, reason, _ in rows)),
        "facts": dict(facts),
        "sha256": {name: hash_file(folder / name) for name in (FACES, ROWS)},
        "people_without_a_face": lost,
        "people": list(people),
    }
    _write(folder / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=1).encode())
    (folder / JOURNAL).unlink()


def hash_file(path: Path) -> str:
    """Hexadecimal SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _table(source: FaceData, entries: Sequence[Entry], kept: Rows, labels: Rows) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    mine = [entries[row] for row in kept.tolist()]
    table = pa.table(
        {
            "name": pa.array([source.names[row] for row in kept.tolist()], pa.large_string()),
            "label": pa.array(labels, pa.int32()),
            "sha256": pa.array([bytes.fromhex(entry.sha256) for entry in mine], pa.binary(32)),
            "score": pa.array([entry.score for entry in mine], pa.float32()),
            "height": pa.array([entry.height for entry in mine], pa.float32()),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _csv(rows: Sequence[tuple[str, str, str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([("file", "reason", "message"), *rows])
    return out.getvalue().encode()


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, on the disk."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
