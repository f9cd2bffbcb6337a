"""What a gallery keeps in memory: the search index and the names, always checked against the file they come from."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from mien.errors import NotFoundError
from mien.gallery.index import Ids, Index, indexes
from mien.gallery.names import label, label_id, name_key
from mien.gallery.rows import Row, Rows
from mien.gallery.schema import REFERENCE, SUBJECT
from mien.types.arrays import FloatArray

CHUNK = 4096
"""Rows taken over at once, so that opening holds little more than the matrix."""


class Projection:
    """Names, ids and index as of one revision of the file.

    Args:
        rows: the open gallery.
        backend: name of the index.
    """

    def __init__(self, rows: Rows, backend: str) -> None:
        self._rows = rows
        self.revision, self.epoch = rows.revision()
        self.contract = rows.contract
        self.names: dict[int, str] = {}
        self._by_key: dict[str, int] = {}
        self._tallies = {"subject": [0, 0], "reference": [0, 0]}
        self._last = {"subject": 0, "reference": 0}
        expected = rows.tally("reference")[0]
        self._parts: list[tuple[Ids, Ids]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        dimension = rows.contract.dimension if rows.contract else 0
        # A damaged tally must not ask for more memory than there can be templates in the file.
        self.index: Index = indexes[backend](dimension, expected if expected * dimension < 2**33 else 0)
        self._append()

    def refresh(self) -> bool:
        """Take over what was appended since; False when more than that happened and all must be read again."""
        revision, epoch = self._rows.revision()
        if (revision, epoch) == (self.revision, self.epoch):
            return True
        self._rows.read_contract()
        if epoch != self.epoch or revision < self.revision or self.contract != self._rows.contract:
            return False
        self._append()
        self.revision = revision
        return True

    def forget(self, subject: int) -> None:
        """Drop a subject whose rows were just deleted by this connection."""
        ids, subjects = self.owners()
        stays = subjects != subject
        self.index.remove(ids[~stays])
        self._parts = [(ids[stays], subjects[stays])]
        if subject in self.names:
            del self._by_key[name_key(self.names.pop(subject))]
        self._tallies = {name: list(self._rows.tally(name)) for name in self._tallies}
        self.revision, self.epoch = self._rows.revision()

    def _append(self) -> None:
        rows, last = self._rows, self._last
        for subject, _, name, key, _ in rows.scan(SUBJECT, last["subject"], self._tallies["subject"]):
            last["subject"] = subject
            if name is not None:
                self.names[subject], self._by_key[key] = name, subject
        scanned = rows.scan(REFERENCE, last["reference"], self._tallies["reference"])
        for references, owners, vectors in chunks(scanned):
            self.index.add(references, owners, vectors)
            self._parts.append((references, owners))
            last["reference"] = int(references[-1])

    def find(self, subject: str) -> int | None:
        """Id of a subject by name or ``#12``; None when there is nobody."""
        known = self._by_key.get(name_key(subject))
        if known is not None:
            return known
        number = label_id(subject)
        return number if number is not None and (number in self.names or number in self.owners()[1]) else None

    def require(self, subject: str, path: str) -> int:
        """Id of a subject, or NotFoundError."""
        found = self.find(subject)
        if found is None:
            raise NotFoundError(
                f"{path} has no subject '{subject}'; `mien gallery subjects` lists them", source=subject
            )
        return found

    def label(self, subject: int) -> str:
        """What a subject is called."""
        return label(subject, self.names.get(subject))

    def references(self, subject: int) -> list[int]:
        """Ids of the references of a subject, ascending."""
        ids, subjects = self.owners()
        return [int(i) for i in ids[subjects == subject]]

    def owners(self) -> tuple[Ids, Ids]:
        """(n,) reference ids and (n,) subject ids."""
        if len(self._parts) > 1:
            ids, subjects = zip(*self._parts, strict=True)
            self._parts = [(np.concatenate(ids), np.concatenate(subjects))]
        return self._parts[0]


def chunks(scanned: Iterator[Row]) -> Iterator[tuple[Ids, Ids, FloatArray]]:
    """Reference rows as arrays: ids, subject ids, vectors."""
    while batch := list(islice(scanned, CHUNK)):
        ids = np.array([row[0] for row in batch], np.int64)
        subjects = np.array([row[1] for row in batch], np.int64)
        yield ids, subjects, vectors_of(batch)


def vectors_of(rows: list[Row]) -> FloatArray:
    """Templates of verified reference rows, (n, d) float32."""
    joined = np.frombuffer(b"".join(row[9] for row in rows), "<f4")
    return joined.reshape(len(rows), -1).astype(np.float32, copy=False)
