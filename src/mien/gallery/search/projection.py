"""What a gallery keeps in memory: the search index, always checked against the file it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from mien.errors import StoreCorruptError, UsageError
from mien.gallery.index import Ids, Index, indexes
from mien.gallery.search.file import Facts, SearchFile, UnusableError
from mien.gallery.search.lookup import Lookup
from mien.gallery.store.changes import GONE, Mark, TrackedRows
from mien.gallery.store.rows import Row
from mien.gallery.store.schema import REFERENCE
from mien.types.arrays import FloatArray

CHUNK = 4096
"""Rows taken over at once, so that opening holds little more than the matrix."""


class Projection:
    """Index and owners of references as of one revision of the file.

    Args:
        rows: the open gallery, in a snapshot.
        lookup: names.
        backend: name of the index.
        file: the search file to begin with; without, every row is read.

    Raises:
        UnusableError: the search file does not agree with the gallery.

    Attributes:
        stray: how many references the search file lacks or holds in vain.
    """

    def __init__(self, rows: TrackedRows, lookup: Lookup, backend: str, file: SearchFile | None = None) -> None:
        self._rows = rows
        self._lookup = lookup
        self.backend = backend
        self.file = file
        self.contract = rows.contract
        self._parts: list[tuple[Ids, Ids]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        if file is None:
            self._start()
            self._append()
        else:
            self._restore(file)

    def _start(self) -> None:
        rows = self._rows
        self._seen = rows.mark()
        self.revision, self.epoch = rows.revision()
        self.tally, self.last, self.stray = [0, 0], 0, 0
        dimension, expected = rows.contract.dimension if rows.contract else 0, rows.tally(REFERENCE.name)[0]
        # A damaged tally must not ask for more memory than there can be templates in the file, nor for less than none.
        likely = expected if 0 <= expected * dimension < 2**33 else 0
        self.index: Index = indexes[self.backend].create(dimension, likely)

    def _restore(self, file: SearchFile) -> None:
        facts = file.facts
        self._seen = Mark()
        self.revision, self.epoch = -1, facts.epoch  # whatever its revision: rows may have been appended before
        self.tally, self.last = [facts.rows, facts.mix], facts.last
        try:
            self.index = indexes[self.backend].restore(file.arrays)
            references, subjects = file.arrays["references"], file.arrays["subjects"]
        except (UsageError, KeyError) as error:
            raise UnusableError(str(error)) from error
        there = references >= 0
        self._parts = [(references[there], subjects[there])]  # copies: another process may change the file
        self.stray = len(there) - int(there.sum())
        if len(self.index) != facts.rows or not self.refresh():
            raise UnusableError("it does not agree with the gallery")

    def refresh(self) -> bool:
        """Take over what was done since; False when others did more than append, and all must be read again."""
        rows = self._rows
        revision, epoch = rows.revision()
        if (revision, epoch) != (self.revision, self.epoch):
            rows.read_contract()
            self._lookup.renew()
            own = epoch == self.epoch + rows.epochs - self._seen.epochs  # this transaction's, and nobody else's
            if not own or revision < self.revision or self.contract != rows.contract or rows.rewritten:
                return False
            self._follow()
            try:
                self._append()
            except StoreCorruptError:  # reading everything tells whether the file is damaged or the index behind
                return False
            self.revision, self.epoch = revision, epoch
        return self.intact()

    def intact(self) -> bool:
        """Whether what the index maps is still what was checked; asked after each use."""
        return self.file is None or self.file.intact()

    def _follow(self) -> None:
        """Repeat what this transaction did to references that the index holds."""
        rows, before = self._rows, self._seen
        self._seen = rows.mark()
        changes = [change for change in rows.changes[before.changes :] if change.reference <= self.last]
        if not changes:
            return
        now = {change.reference: change.subject for change in changes}
        ids, subjects = np.array(list(now), np.int64), np.array(list(now.values()), np.int64)
        gone = subjects == GONE
        self.index.remove(ids[gone])
        self.index.reassign(ids[~gone], subjects[~gone])
        self._parts = [_with(self.owners(), ids, subjects)]
        self.tally[0] -= int(gone.sum())
        self.stray += int(gone.sum())
        for change in changes:
            self.tally[1] ^= change.word

    def _append(self) -> None:
        scanned = self._rows.scan(REFERENCE, self.last, self.tally)
        for references, owners, vectors in chunks(self._rows, scanned):
            self.index.add(references, owners, vectors)
            self._parts.append((references, owners))
            self.last = int(references[-1])
            self.stray += len(references)

    def begin(self) -> None:
        """A transaction begins, or what the last one did was taken over."""
        self._seen = Mark()

    def find(self, subject: str) -> int | None:
        """Id of a subject by name or ``#12``; None when there is nobody."""
        return self._lookup.find(subject)

    def require(self, subject: str, path: str) -> int:
        """Id of a subject, or NotFoundError."""
        return self._lookup.require(subject, path)

    def label(self, subject: int) -> str:
        """What a subject is called."""
        return self._lookup.label(subject)

    def named(self) -> dict[int, str]:
        """Names by subject id, all of them."""
        return self._lookup.named()

    def references(self, subject: int) -> list[int]:
        """Ids of the references of a subject, ascending."""
        ids, subjects = self.owners()
        found: list[int] = ids[subjects == subject].tolist()
        return found

    def owners(self) -> tuple[Ids, Ids]:
        """(n,) reference ids, ascending, and (n,) subject ids."""
        if len(self._parts) > 1:
            ids, subjects = zip(*self._parts, strict=True)
            self._parts = [(np.concatenate(ids), np.concatenate(subjects))]
        return self._parts[0]

    def facts(self) -> Facts:
        """What a search file of this state belongs to."""
        uid, contract = self._rows.database.uid.hex(), self.contract.digest if self.contract else ""
        rows, mix = self.tally
        return Facts(uid, contract, self.revision, self.epoch, rows, mix, self.last, self.backend)

    def describe(self) -> dict[str, Any]:
        """How searches are answered, for reports."""
        return {**self.index.describe(), "file_bytes": self.file.size if self.file else 0, "stray": self.stray}


def _with(owners: tuple[Ids, Ids], changed: Ids, subjects: Ids) -> tuple[Ids, Ids]:
    """Owners after some references were given to others or removed."""
    order = np.argsort(changed)
    changed, subjects = changed[order], subjects[order]
    ids, whose = owners[0], owners[1].copy()
    rows = np.flatnonzero(np.isin(ids, changed))
    whose[rows] = subjects[np.searchsorted(changed, ids[rows])]
    return ids[whose != GONE], whose[whose != GONE]


def chunks(rows: TrackedRows, scanned: Iterator[Row]) -> Iterator[tuple[Ids, Ids, FloatArray]]:
    """Reference rows as arrays: ids, subject ids, vectors."""
    while batch := list(islice(scanned, CHUNK)):
        ids = np.array([row[0] for row in batch], np.int64)
        subjects = np.array([row[1] for row in batch], np.int64)
        yield ids, subjects, rows.vectors(batch)
