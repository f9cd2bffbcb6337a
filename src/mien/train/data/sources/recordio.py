"""The training sets of InsightFace: ``train.rec`` with ``train.idx``, in the RecordIO framing of MXNet (DMLC).

A record is the magic number, a word with 3 bits of part and 29 bits of length, the bytes, and zeros up to a multiple of
4. Bytes that contain the magic number at such a place are written in parts without it. The bytes of a picture are a
header (flag u32, label f32, id u64, id2 u64), `flag` further labels f32 if it is not zero, and an encoded picture.
Record 0 of a set holds no picture: its labels are the first key after the pictures and the first key after all.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from mien.errors import ImageError, NotFoundError, UsageError
from mien.train.data.base import Pictures, Rows
from mien.train.data.sources import sources
from mien.train.data.sources.archive import read_at

MAGIC: Final = 0xCED7230A
FRAME: Final = struct.Struct("<II")
HEADER: Final = struct.Struct("<IfQQ")
_LABELLED: Final = FRAME.size + HEADER.size + 4
"""Bytes from the start of a record that hold the label, wherever it stands."""
CHUNK: Final = 65_536
WHOLE, START, MIDDLE, END = range(4)


@sources.register("recordio")
def read_recordio(path: Path) -> Pictures:
    """The pictures of a set; a person's name is the number that the set gives it.

    Args:
        path: ``train.rec``, or its folder; ``train.idx`` lies beside it.

    Raises:
        NotFoundError: one of the two files is not there.
        UsageError: they are no such set.
    """
    record = path / "train.rec" if path.is_dir() else path
    index = record.with_suffix(".idx")
    for file in (record, index):
        if not file.is_file():
            raise NotFoundError(f"no file {file}; the set is a .rec file with its .idx beside it", source=str(file))
    keys, offsets = _read_index(index)
    labels, payloads = _heads(record, offsets)
    mine = _pictures(record, keys, offsets, payloads)
    keys, offsets = keys[mine], offsets[mine]
    values, numbers = np.unique(labels[mine], return_inverse=True)
    archive = Archive(record, keys, offsets)
    return Pictures(
        archive.names(),
        numbers.ravel().astype(np.int64),
        tuple(_number(value) for value in values.tolist()),
        archive.picture,
        {"kind": "recordio"},
        aligned=True,
    )


@dataclass(frozen=True, slots=True)
class Archive:
    """Where the pictures are: keys (n,) and offsets (n,) int64 of their records."""

    path: Path
    keys: Rows
    offsets: Rows

    def names(self) -> Sequence[str]:
        """``train.rec/KEY`` of each."""
        return Names(self.path.name, self.keys)

    def picture(self, row: int) -> bytes:
        """The encoded picture of a row.

        Raises:
            ImageError: the record is damaged.
        """
        name = self.names()[row]
        data = read_record(self.path, int(self.offsets[row]), name)
        if len(data) < HEADER.size:
            raise _damaged(name, "is shorter than its header")
        return data[HEADER.size + 4 * HEADER.unpack_from(data)[0] :]


class Names(Sequence[str]):
    """Names made when asked for: millions of strings take more memory than the index."""

    def __init__(self, file: str, keys: Rows) -> None:
        self._file, self._keys = file, keys

    def __len__(self) -> int:
        return len(self._keys)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[str]: ...
    def __getitem__(self, row: int | slice) -> str | Sequence[str]:
        if isinstance(row, slice):
            return Names(self._file, self._keys[row])
        return f"{self._file}/{self._keys[row]}"


def read_record(path: Path, offset: int, name: str) -> bytes:
    """The bytes of the record at an offset, its parts put together.

    Raises:
        ImageError: it is damaged.
    """
    parts: list[bytes] = []
    while True:
        magic, word = FRAME.unpack(read_at(path, offset, FRAME.size, name))
        kind, length = word >> 29, word & (1 << 29) - 1
        if magic != MAGIC or kind not in ((WHOLE, START) if not parts else (MIDDLE, END)):
            raise _damaged(name, "does not begin as one")
        parts.append(read_at(path, offset + FRAME.size, length, name))
        if kind in (WHOLE, END):
            return MAGIC.to_bytes(4, "little").join(parts)
        offset += FRAME.size + (length + 3) // 4 * 4


def _damaged(name: str, what: str) -> ImageError:
    return ImageError(f"{name}: the record {what}; copy the set again", code="record-damaged", source=name)


def _read_index(path: Path) -> tuple[Rows, Rows]:
    """Keys and offsets, both (n,) int64."""
    try:
        words = np.array(path.read_bytes().split(), np.int64).reshape(-1, 2)
    except ValueError:
        raise _no_set(path, "each line must be a key and an offset, two whole numbers") from None
    if not len(words):
        raise _no_set(path, "it names no record")
    return words[:, 0], words[:, 1]


def _pictures(record: Path, keys: Rows, offsets: Rows, payloads: Rows) -> NDArray[np.bool_]:
    """(n,) bool: which records are pictures. A first record with a flag says where they end.

    It says so as a float32, which above 2^24 may be a little off; what follows the pictures has a header and no more.
    """
    first = read_record(record, int(offsets[0]), record.name)
    flag = HEADER.unpack_from(first)[0]
    mine = payloads > 0
    if flag > 0 and keys[0] == 0:
        if len(first) < HEADER.size + 4:
            raise _no_set(record, "record 0 does not say where the pictures end")
        end = np.float32(struct.unpack_from("<f", first, HEADER.size)[0])
        rounded = int(np.spacing(end)) if end > 2**24 else 0
        mine &= (keys > 0) & (keys < int(end) + rounded)
    if not mine.any():
        raise _no_set(record, "none of its records is a picture")
    return mine


def _heads(record: Path, offsets: Rows) -> tuple[NDArray[np.float32], Rows]:
    """(n,) float32 label of each record, its first where it has several, and (n,) int64 bytes after its header.

    Raises:
        UsageError: an offset is not where a record with a header begins.
    """
    if offsets.min() < 0 or offsets.max() > record.stat().st_size - FRAME.size - HEADER.size:
        raise _no_set(record, "it is shorter than its .idx says; copy both again")
    content = np.memmap(record, np.uint8, "r")
    labels, payloads = np.empty(len(offsets), np.float32), np.empty(len(offsets), np.int64)
    for start in range(0, len(offsets), CHUNK):
        part = slice(start, start + CHUNK)
        places = offsets[part, None] + np.arange(_LABELLED)
        heads = content[np.minimum(places, len(content) - 1)]
        words, floats = heads.view("<u4").astype(np.int64), heads.view("<f4")
        lengths = words[:, 1] & (1 << 29) - 1
        if (words[:, 0] != MAGIC).any() or (lengths < HEADER.size).any():
            raise _no_set(record, "no record begins where the .idx says; copy both again")
        labels[part] = np.where(words[:, 2] == 0, floats[:, 3], floats[:, 8])
        payloads[part] = lengths - HEADER.size - 4 * words[:, 2]
    return labels, payloads


def _no_set(path: Path, what: str) -> UsageError:
    return UsageError(f"{path} is no training set: {what}", code="recordio", source=str(path))


def _number(label: float) -> str:
    return str(int(label)) if float(label).is_integer() else str(label)
