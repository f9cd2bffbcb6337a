"""The state database: what the server knows besides the galleries. Each store has its own connection and tables."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

import apsw

from mien.gallery.calls.session import Clock, utc_now
from mien.gallery.store.database import named_errors, os_error, require_library

Value = str | int | float | bytes | None
Row = tuple[Value, ...]


class StateTable:
    """Tables of the state database, used by several threads and processes; closed by `close`.

    Args:
        path: the file; made, readable by its owner only, if it is not there.
        schema: ``CREATE TABLE IF NOT EXISTS`` statements.
    """

    def __init__(self, path: Path, schema: str) -> None:
        require_library(apsw.sqlite_lib_version())
        self.path = path
        self._lock = threading.RLock()
        _make_private(path)
        with named_errors(path):
            self._connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
            self._connection.set_busy_timeout(10_000)
            for name, value in (("journal_mode", "WAL"), ("synchronous", "FULL"), ("secure_delete", 1)):
                self._connection.pragma(name, value)
            with self.changing():
                self._connection.execute(schema)

    def rows(self, statement: str, *values: Value) -> list[Row]:
        """What a statement gives."""
        with self._lock, named_errors(self.path):
            return list(self._connection.execute(statement, values))

    def change(self, statement: str, *values: Value) -> int:
        """Carry out one statement, durable when this returns; how many rows it changed."""
        with self.changing():
            self._connection.execute(statement, values)
            return self._connection.changes()

    def require_column(self, table: str, column: str) -> None:
        """Add a column to a table that was made without it, as ``name TYPE …``."""
        with self.changing():
            names = {row[0] for row in self.rows("SELECT name FROM pragma_table_info(?)", table)}
            if column.split()[0] not in names:
                self.change(f"ALTER TABLE {table} ADD COLUMN {column}")

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Several statements as one change: all or nothing."""
        with self._lock, named_errors(self.path):
            if self._connection.in_transaction:  # part of a larger change
                yield
                return
            # unlike `with connection` this lets other threads go on while it waits, also the one it waits for
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()


class StateStore:
    """Something that the server remembers: its tables, and the time that it goes by.

    Args:
        path: the state database.
        clock: gives the time, in UTC.

    Attributes:
        schema: its tables, as `StateTable` takes them.
        added: a column by its table that older files do not have; it is the last one.
    """

    schema: ClassVar[str]
    added: ClassVar[Mapping[str, str]] = {}

    def __init__(self, path: Path, clock: Clock = utc_now) -> None:
        self._table = StateTable(path, self.schema)
        for table, column in self.added.items():
            self._table.require_column(table, column)
        self._clock = clock

    def close(self) -> None:
        """Release the file."""
        self._table.close()


def _make_private(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Only a new file is opened: closing a descriptor of one in use drops the locks that SQLite holds on it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        raise os_error(error, path) from error
