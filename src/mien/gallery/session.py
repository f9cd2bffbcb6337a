"""The life of a gallery file in this process: opened late, read in one state, changed as a whole, closed on failure."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from mien.errors import NotFoundError, StoreError, StoreReadOnlyError
from mien.gallery.database import Database, create_database, named_errors
from mien.gallery.projection import Projection
from mien.gallery.rows import Rows
from mien.types.template import Precision, TemplateContract

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
        index: str = "flat",
        wait_s: float = 10.0,
        clock: Clock = utc_now,
    ) -> None:
        self.path = Path(path)
        self._wanted = contract
        self._create = create
        self._read_only = read_only
        self._backend = index
        self._wait_s = wait_s
        self._clock = clock
        self._lock = threading.RLock()
        self._depth = 0
        self._rows: Rows | None = None
        self._projection: Projection | None = None
        self._pictures_checked = False

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        contract: TemplateContract | None = None,
        create: bool = False,
        read_only: bool = False,
    ) -> Self:
        """A gallery whose file is there, or is made now.

        Raises:
            NotFoundError: it is not there, and `create` is False.
            StoreError: it cannot be made.
        """
        gallery = cls(path, contract=contract, create=create, read_only=read_only)
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
            rows, self._rows, self._projection, self._pictures_checked = self._rows, None, None, False
            if rows is not None:
                with named_errors(self.path):
                    rows.database.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[tuple[Rows, Projection]]:
        """One consistent state of the file, and the projection that belongs to it."""
        with self._guarded():
            rows = self._opened()
            with rows.database.snapshot():
                yield rows, self._current(rows)

    @contextlib.contextmanager
    def _writing(self, *, names: bool = True) -> Iterator[tuple[Rows, Projection]]:
        """All of it or nothing; durable when the outermost one is left.

        Args:
            names: the projection must know the changes of this batch; without, adding a picture to it costs less.
        """
        with self._guarded():
            rows = self._opened()
            if self._read_only or rows.database.read_only:
                raise StoreReadOnlyError(f"{self.path} is open for reading only", source=str(self.path))
            try:
                inner = rows.database.connection.in_transaction
                with rows.database.connection:
                    kept = self._projection if inner and not names else None
                    yield rows, kept or self._current(rows)
            except BaseException:
                self._projection = None  # it may know rows that were just taken back
                raise

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
        rows, self._rows, self._projection, self._pictures_checked = self._rows, None, None, False
        if rows is not None:
            with contextlib.suppress(apsw.Error):
                rows.database.abandon()

    def _opened(self) -> Rows:
        if self._rows is None:
            if self._create and not self._read_only and not self.path.exists():
                create_database(self.path, self._utc())
            database = Database(self.path, wait_s=self._wait_s)
            try:
                rows = Rows(database)
                with database.snapshot():
                    self._projection = Projection(rows, self._backend)
                database.trust_log()
            except BaseException:
                self._projection = None
                database.close()
                raise
            self._rows = rows
            self._start(rows)
        return self._rows

    def _start(self, rows: Rows) -> None:
        """A new file gets the caller's contract at once, so that no other model can be the first to write."""
        if self._wanted and rows.contract is None and not rows.database.read_only and not self._read_only:
            with rows.database.connection:
                rows.read_contract()
                if rows.contract is None:
                    rows.set_contract(self._wanted, Precision.F32, self._utc())
                    rows.advance(appended=True)

    def _current(self, rows: Rows) -> Projection:
        if self._projection is None or not self._projection.refresh():
            self._projection = None  # before the new one is made: two would take twice the memory
            rows.read_contract()
            self._projection = Projection(rows, self._backend)
        if self._wanted and rows.contract:
            rows.contract.require(self._wanted, str(self.path))
        return self._projection

    def _utc(self) -> str:
        return self._clock().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
