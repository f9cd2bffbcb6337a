"""Changes of a search file in place, so that forgetting one person does not cost a new file."""

from __future__ import annotations

import functools
import hashlib
import mmap
import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from mien.gallery.index import Ids
from mien.gallery.search.file import (
    BUSY,
    CHUNK,
    MAGIC,
    PAGE,
    Header,
    Section,
    UnusableError,
    digest_table,
    open_regular,
    read_header,
    search_path,
    view,
)
from mien.gallery.store.changes import GONE, Change


class Patch:
    """A change in two steps, before and after the commit of the gallery's own change.

    The first marks the file, so that no reader takes it for whole, and leaves its bytes alone: readers of the state
    before may still use them. Who dies in between leaves the mark, and the file is made anew.

    Args:
        gallery: the gallery file, locked by this process's transaction.
        uid: of the gallery, hexadecimal.
        epoch: of the gallery before the change.

    Raises:
        UnusableError: there is no such file.
        OSError: it cannot be written.
    """

    def __init__(self, gallery: Path, uid: str, epoch: int) -> None:
        self._file = open_regular(search_path(gallery), "r+b")
        try:
            self._page, self._header = read_header(self._file)
            if (self._header.facts.uid, self._header.facts.epoch) != (uid, epoch):
                raise UnusableError("it is of another state")
            _put(self._file, BUSY)
        except BaseException:
            self._file.close()
            raise

    def cancel(self) -> None:
        """The gallery did not change after all."""
        with self._file:
            _put(self._file, self._page)

    def finish(self, changes: Sequence[Change], **facts: Any) -> None:
        """Make the file that of the gallery's new state.

        Args:
            changes: all that was done to references, in order.
            facts: what else is new of `Facts`.

        Raises:
            UnusableError: the file was damaged before; the mark stays.
            OSError: it cannot be written; the mark stays.
        """
        old = self._header.facts
        held = [change for change in changes if change.reference <= old.last]
        subjects = {change.reference: change.subject for change in held}
        rows = old.rows - sum(subject == GONE for subject in subjects.values())
        mix = functools.reduce(operator.xor, (change.word for change in held), old.mix)
        header = replace(self._header, facts=replace(old, rows=rows, mix=mix, **facts))
        with self._file:
            if subjects:
                header = self._rewrite(header, subjects)
            self._file.seek(0)
            self._file.write(BUSY + header.encode()[len(MAGIC) :])
            _put(self._file, MAGIC)

    def _rewrite(self, header: Header, subjects: Mapping[int, int]) -> Header:
        with mmap.mmap(self._file.fileno(), 0) as buffer:
            table = bytearray(digest_table(buffer, header))
            jobs = list(_jobs(buffer, header, subjects))
            for section, rows, _ in jobs:
                for number, chunk in _chunks(section, rows):
                    if hashlib.sha256(buffer[chunk]).digest() != table[32 * number : 32 * number + 32]:
                        raise UnusableError("its bytes do not agree with their digests")
            for section, rows, values in jobs:
                stride = section.size // section.shape[0]
                for row, value in zip(rows.tolist(), values, strict=True):
                    begin = section.offset + row * stride
                    buffer[begin : begin + stride] = value
                for number, chunk in _chunks(section, rows):
                    table[32 * number : 32 * number + 32] = hashlib.sha256(buffer[chunk]).digest()
            buffer[PAGE : PAGE + len(table)] = bytes(table)
            buffer.flush()
        return replace(header, table=hashlib.sha256(table).hexdigest())


def restamp(gallery: Path, uid: str, epoch: int, **facts: Any) -> None:
    """Bring facts of the header up to date; no array changes.

    Raises:
        UnusableError: there is no such file.
        OSError: it cannot be written.
    """
    Patch(gallery, uid, epoch).finish((), **facts)


def _jobs(buffer: mmap.mmap, header: Header, subjects: Mapping[int, int]) -> Iterator[tuple[Section, Ids, list[bytes]]]:
    """Sections with the rows that change and their new bytes."""
    by_name = {section.name: section for section in header.sections}
    references = np.array(view(buffer, by_name["references"]))
    rows = np.flatnonzero(np.isin(references, np.fromiter(subjects, np.int64, len(subjects))))
    owners = np.array([subjects[reference] for reference in references[rows].tolist()], np.int64)
    gone = rows[owners == GONE]
    for name, section in by_name.items():
        if name == "subjects":
            yield section, rows, [owner.tobytes() for owner in owners.astype(section.dtype)]
        elif section.shape[:1] == references.shape:
            stride = section.size // len(references)
            blank = b"\xff" * stride if name == "references" else bytes(stride)  # the id -1: nobody
            yield section, gone, [blank] * len(gone)


def _chunks(section: Section, rows: Ids) -> Iterator[tuple[int, slice]]:
    """Number and place of the chunks in which rows of a section lie."""
    stride = section.size // section.shape[0]
    begins = rows * stride
    found = np.unique(np.concatenate([begins // CHUNK, (begins + stride - 1) // CHUNK]))
    spans = list(section.spans())
    return ((section.first + chunk, slice(*spans[chunk])) for chunk in found.tolist())


def _put(file: IO[bytes], data: bytes) -> None:
    file.seek(0)
    file.write(data)
    os.fsync(file.fileno())
