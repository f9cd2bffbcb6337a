"""Decisions on their way into the audit trail, several at a time.

Whoever decides waits until the record is on the disk. Those who come while one writes share the next transaction, so
that one wait for the disk serves them all. The connection is one of its own: searches go on meanwhile, also while
another thread or process holds the right to write.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import StoreError
from mien.gallery.store import migration, trail
from mien.gallery.store.database import Database, named_errors
from mien.gallery.store.rows import Rows
from mien.gallery.store.trail import Decision


@dataclass(frozen=True, slots=True)
class Act:
    """What is to be recorded; who acts and why is that of whoever makes it.

    Args:
        utc: ISO 8601.
        action: what was done.
        subject: uid of the person concerned; never a name.
        counts: how many of what.
        decision: what decided, if anything was decided.
    """

    utc: str
    action: str
    subject: str | None
    counts: Mapping[str, int]
    decision: Decision | None = None
    actor: tuple[str, str] = field(default_factory=trail.acts_now)

    def write(self, rows: Rows) -> None:
        """Add the record, inside a transaction."""
        facts = (self.utc, self.action, self.subject, json.dumps(dict(self.counts), sort_keys=True))
        trail.append(rows, facts, self.decision, self.actor)


@dataclass(slots=True)
class _Order:
    """Acts of one caller, and what became of them."""

    acts: Sequence[Act]
    written: bool = False
    error: Exception | None = None


class Ledger:
    """Writes records beside the gallery's own connection; called from any number of threads.

    Args:
        path: the gallery file; opened by the first act.
        wait_s: how long to wait for another one that writes.
    """

    def __init__(self, path: Path, wait_s: float) -> None:
        self._path = path
        self._wait_s = wait_s
        self._waiting: list[_Order] = []
        self._turn = threading.Lock()
        self._rows: Rows | None = None

    def write(self, acts: Sequence[Act], *, sound: bool) -> None:
        """Record acts; they are on the disk when this returns.

        Args:
            acts: what was done.
            sound: the gallery's own connection found the log to belong to the file, so that it may be copied there.

        Raises:
            StoreError: they could not be written.
        """
        order = _Order(acts)
        self._waiting.append(order)
        with self._turn:
            if not order.written and order.error is None:
                orders, self._waiting = self._waiting, []
                self._commit(orders, sound)
        if order.error is not None:
            raise order.error

    def close(self) -> None:
        """Release the file; the next act opens it again."""
        with self._turn:
            rows, self._rows = self._rows, None
            if rows is not None:
                with named_errors(self._path):
                    rows.database.close()

    def _commit(self, orders: Sequence[_Order], sound: bool) -> None:
        try:
            with named_errors(self._path):
                rows = self._opened(sound)
                with rows.database.changing():
                    migration.upgrade(rows.database.connection)
                    rows.read_contract()
                    for order in orders:
                        for act in order.acts:
                            act.write(rows)
        except BaseException as error:  # all of them wait for an answer, whatever went wrong
            failure = error if isinstance(error, Exception) else StoreError(f"{self._path}: the writing was broken off")
            for order in orders:
                order.error = failure
            if isinstance(error, StoreError) and error.code == "store-io" and self._rows is not None:
                self._rows.database.abandon()
                self._rows = None
            raise
        for order in orders:
            order.written = True

    def _opened(self, sound: bool) -> Rows:
        if self._rows is None:
            database = Database(self._path, wait_s=self._wait_s)
            if sound:
                database.had_log = False  # what lies in the log was looked at, or written by this process
                database.trust_log()
            try:
                self._rows = Rows(database)
            except BaseException:
                database.close()
                raise
        return self._rows
