"""The life of a gallery file in this process: opened late, read in one state, changed as a whole, closed on failure."""

from __future__ import annotations

import collections
import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from mien.errors import NotFoundError, StoreError, StoreReadOnlyError, UsageError
from mien.gallery.index import Ids
from mien.gallery.people.consent import Ended
from mien.gallery.search.lookup import Lookup
from mien.gallery.search.patch import Patch
from mien.gallery.search.projection import Projection
from mien.gallery.search.upkeep import Upkeep
from mien.gallery.store import migration
from mien.gallery.store.changes import TrackedRows
from mien.gallery.store.database import Database, create_database, log_bytes, named_errors
from mien.gallery.store.ledger import Ledger
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import REFERENCE, SUBJECT
from mien.types.template import Precision, TemplateContract

LONG_LOG = 64 << 20
"""Bytes of a log for which it pays to verify every row, so that it can be copied into the file."""
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The time now."""
    return datetime.now(UTC)


class Session:
    """What every call on a gallery needs; see `Gallery`."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        contract: TemplateContract | None = None,
        create: bool = False,
        read_only: bool = False,
        index: str | None = None,
        wait_s: float = 10.0,
        clock: Clock = utc_now,
        audit_decisions: bool = False,
    ) -> None:
        self.path = Path(path)
        self._wanted = contract
        self._create = create
        self._read_only = read_only
        self._backend = index
        self._wait_s = wait_s
        self._clock = clock
        self._audit_decisions = audit_decisions
        self._ledger = Ledger(self.path, wait_s)
        self._lock = threading.RLock()
        self._depth = 0
        self._writes = 0
        self._erasing = False
        self._upkeep = Upkeep(self.path, index, read_only=read_only)
        self._rows: TrackedRows | None = None
        self._lookup: Lookup | None = None
        self._projection: Projection | None = None
        self._pictures_checked = False
        self._ended = Ended()

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        contract: TemplateContract | None = None,
        create: bool = False,
        read_only: bool = False,
        clock: Clock = utc_now,
        audit_decisions: bool = False,
    ) -> Self:
        """A gallery whose file is there, or is made now.

        Raises:
            NotFoundError: it is not there, and `create` is False.
            StoreError: it cannot be made.
        """
        gallery = cls(
            path,
            contract=contract,
            create=create,
            read_only=read_only,
            clock=clock,
            audit_decisions=audit_decisions,
        )
        if create:
            with gallery._reading():
                pass
        elif not gallery.path.exists():
            raise NotFoundError(
                f"no gallery at {path}: enrolling or indexing makes one", code="no-gallery", source=str(path)
            )
        return gallery

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; the next call opens it again."""
        with self._lock:
            rows = self._let_go()
            if rows is not None:
                with named_errors(self.path):
                    rows.database.close()

    def _let_go(self) -> TrackedRows | None:
        rows, self._rows, self._lookup, self._projection = self._rows, None, None, None
        self._pictures_checked = False
        self._ended = Ended()
        self._ledger.close()
        return rows

    @contextlib.contextmanager
    def _reading(self) -> Iterator[tuple[TrackedRows, Projection]]:
        """One consistent state of the file, and the projection that belongs to it."""
        with self._guarded():
            rows = self._opened()
            with rows.database.snapshot():
                yield rows, self._current(rows)

    @contextlib.contextmanager
    def _writing(self, *, names: bool = True, erase: bool = False) -> Iterator[tuple[TrackedRows, Projection]]:
        """All of it or nothing; durable when the outermost one is left.

        Args:
            names: the projection must know all that is stored; without, it knows names only, and adding costs less.
            erase: when the outermost one is left, no byte of what was deleted may stand in any file.
        """
        with self._guarded():
            rows = self._opened()
            if self._read_only or rows.database.read_only:
                raise StoreReadOnlyError(f"{self.path} is open for reading only", source=str(self.path))
            if rows.database.connection.in_transaction and not self._writes:
                raise UsageError(f"{self.path} is being read: finish that before changing it")
            outermost, mark, patch = not self._writes, rows.mark(), None
            self._writes += 1
            try:
                with rows.database.changing():
                    if outermost:
                        migration.upgrade(rows.database.connection)
                    yield rows, self._current(rows) if names else self._lagging(rows)
                    self._erasing |= erase
                    if outermost and rows.epochs:
                        self._current(rows)  # the index follows
                        patch = self._upkeep.begin(rows, erasing=self._erasing)
            except BaseException:
                self._projection = None  # it may know rows that were just taken back
                rows.back_to(mark)
                if patch is not None:
                    patch.cancel()
                raise
            finally:
                self._writes -= 1
            if outermost:
                self._settle(rows, patch)

    def _settle(self, rows: TrackedRows, patch: Patch | None) -> None:
        """After a commit: bring the search file along, and leave nothing of what was erased."""
        changes, erasing, projection = rows.changes, self._erasing, self._projection
        rows.begin()
        self._erasing = False
        if projection is None:
            return
        projection.begin()
        if patch is not None:
            self._upkeep.finish(patch, changes, projection, erasing=erasing)
        if erasing:
            self._upkeep.remove_drafts()
            self._trust_log(rows, projection)
            rows.database.empty_log()
            if patch is not None:
                with contextlib.suppress(apsw.BusyError), rows.database.changing():  # nobody else may change the file
                    self._upkeep.cut(rows.database.uid.hex(), projection)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        with self._lock:
            self._depth += 1
            try:
                with named_errors(self.path):
                    yield
            except StoreError as error:
                if error.code == "store-io" and self._depth == 1:
                    self._abandon()
                raise
            finally:
                self._depth -= 1

    def _abandon(self) -> None:
        """After the medium failed: what SQLite holds in memory is not to be trusted; the next call recovers."""
        rows = self._let_go()
        if rows is not None:
            with contextlib.suppress(apsw.Error):
                rows.database.abandon()

    def _opened(self) -> TrackedRows:
        if self._rows is None:
            if self._create and not self._read_only and not self.path.exists():
                create_database(self.path, self._utc())
            database = Database(self.path, wait_s=self._wait_s)
            try:
                rows = TrackedRows(database)
                self._lookup = Lookup(rows)
                with database.snapshot():
                    self._projection = projection = self._upkeep.project(rows, self._lookup)
                uncut = projection.file is None or projection.file.facts.uncut
                if uncut or not database.had_log or log_bytes(self.path) > LONG_LOG:
                    self._trust_log(rows, projection)
            except BaseException:
                self._let_go()
                database.close()
                raise
            self._rows = rows
            self._start(rows)
        return self._rows

    def _trust_log(self, rows: TrackedRows, projection: Projection) -> None:
        """Verify every row that nobody looked at yet, if there was a log; from now on it may be copied to the file."""
        if rows.database.had_log and not rows.database.read_only:
            with rows.database.snapshot():
                for table in (SUBJECT, REFERENCE) if projection.file else (SUBJECT,):
                    collections.deque(rows.scan(table), maxlen=0)
        rows.database.trust_log()

    def _start(self, rows: TrackedRows) -> None:
        """A new file gets the caller's contract at once, so that no other model can be the first to write."""
        if self._wanted and rows.contract is None and not rows.database.read_only and not self._read_only:
            with rows.database.changing():
                rows.read_contract()
                if rows.contract is None:
                    rows.set_contract(self._wanted, Precision.F32, self._utc())
                    rows.advance(appended=True)

    def _current(self, rows: TrackedRows) -> Projection:
        if self._projection is None or not self._projection.refresh():
            self._projection = None  # before the new one is made: two would take twice the memory
            rows.read_contract()
            self._projection = self._upkeep.project(rows, self._lookup or Lookup(rows))
        if self._wanted and rows.contract:
            rows.contract.require(self._wanted, str(self.path))
        return self._projection

    def _lagging(self, rows: TrackedRows) -> Projection:
        """A projection that finds names; its index may lag behind, and follows when it is asked."""
        projection, lookup = self._projection, self._lookup
        if projection is None or lookup is None:
            return self._current(rows)
        if rows.revision() != (projection.revision, projection.epoch):
            rows.read_contract()
            lookup.renew()
        if self._wanted and rows.contract:
            rows.contract.require(self._wanted, str(self.path))
        return projection

    def _ended_by(self, rows: Rows, utc: str) -> Ids:
        """Sorted ids of those who may not be matched at a time."""
        return self._ended.at(rows, utc)

    def _utc(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
