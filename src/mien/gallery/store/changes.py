"""What a transaction did to references that were there before, so that an index can follow without reading all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from mien.gallery.store.database import Database
from mien.gallery.store.rows import Row, Rows, seal, seal_word
from mien.gallery.store.schema import REFERENCE, Table
from mien.types.template import Precision, TemplateContract

GONE = -1
"""Stands for the subject of a removed reference."""


@dataclass(frozen=True, slots=True)
class Change:
    """One reference that was changed.

    Args:
        reference: its id.
        subject: whose it is now; `GONE` when it was removed.
        word: what the change does to the tally's exclusive or of seals.
    """

    reference: int
    subject: int
    word: int


class Mark(NamedTuple):
    """A point in the list of changes, and how many steps of the epoch came before it."""

    changes: int = 0
    epochs: int = 0


class Journal(Protocol):
    """Remembers what rows were before they were touched."""

    def note(self, table: Table, row_id: int, row: Row | None) -> None:
        """A row is about to change; None: it was just made."""


class TrackedRows(Rows):
    """Rows that remember what was done to references since the transaction began.

    Attributes:
        changes: in order.
        epochs: by how much this transaction advanced the file's epoch.
        rewritten: templates were replaced; an index has to be made anew.
        journal: told what rows were before; None: nobody asks.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.changes: list[Change] = []
        self.epochs = 0
        self.rewritten = False
        self.journal: Journal | None = None

    def begin(self) -> None:
        """A transaction begins: nothing was changed."""
        self.changes, self.epochs, self.rewritten = [], 0, False

    def mark(self) -> Mark:
        """Where the list is now."""
        return Mark(len(self.changes), self.epochs)

    def back_to(self, mark: Mark) -> None:
        """What came after the mark was taken back."""
        del self.changes[mark.changes :]
        self.epochs = mark.epochs

    def insert_rows(self, table: Table, rows: Sequence[Row]) -> None:
        """See `Rows`."""
        super().insert_rows(table, rows)
        for row in rows if self.journal is not None else ():
            self._note(table, row[0], None)

    def update(self, table: Table, row: Row, **changes: Any) -> None:
        """See `Rows`."""
        self._note(table, row[0], row)
        before = self._word(table, row)
        super().update(table, row, **changes)
        if table is REFERENCE:
            after = self._word(table, self.get(table, row[0]))
            subject = changes["subject"] if "subject" in changes else row[1]
            self.changes.append(Change(row[0], subject, before ^ after))
            self.rewritten |= "vector" in changes

    def delete(self, table: Table, row: Row) -> None:
        """See `Rows`."""
        self._note(table, row[0], row)
        super().delete(table, row)
        if table is REFERENCE:
            self.changes.append(Change(row[0], GONE, self._word(table, row)))

    def replace_references(
        self, contract: TemplateContract, precision: Precision, utc: str, rows: Iterator[Row]
    ) -> None:
        """See `Rows`."""
        self.rewritten = True
        super().replace_references(contract, precision, utc, rows)

    def advance(self, *, appended: bool) -> None:
        """See `Rows`."""
        super().advance(appended=appended)
        self.epochs += not appended

    def _note(self, table: Table, row_id: int, row: Row | None) -> None:
        if self.journal is not None:
            self.journal.note(table, row_id, row)

    def _word(self, table: Table, row: Row) -> int:
        return seal_word(seal(self._key(table), row, table.scalars)) if table is REFERENCE else 0
