"""Looks for damage in a gallery file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from mien.errors import NotFoundError, StoreError
from mien.gallery.search.file import find_damage
from mien.gallery.store.database import Database, named_errors
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import SEALED


def find_problems(path: Path, wait_s: float) -> list[str]:
    """One line for each thing that is wrong; empty when the file is sound.

    Raises:
        NotFoundError: there is no file.
    """
    try:
        database = Database(path, wait_s=wait_s)
    except NotFoundError:
        raise
    except StoreError as error:
        return [error.message]
    with contextlib.closing(database):
        try:
            with named_errors(path), database.snapshot():
                return [*_problems(database), *find_damage(path)]
        except StoreError as error:
            return [error.message]


def _problems(database: Database) -> Iterator[str]:
    for verdict in _lines(database, "PRAGMA integrity_check"):
        if verdict != "ok":
            yield f"structure: {verdict}"
    for table in _lines(database, 'SELECT DISTINCT "table" FROM pragma_foreign_key_check'):
        yield f"{table}: a row points to one that is not there"
    try:
        rows = Rows(database)
    except StoreError as error:
        yield error.message
        return
    for scan in (*(rows.scan(table) for table in SEALED), rows.trail()):
        try:
            for _ in scan:
                pass
        except StoreError as error:
            yield error.message


def _lines(database: Database, statement: str) -> list[str]:
    return [str(row[0]) for row in database.connection.execute(statement).fetchall()]
