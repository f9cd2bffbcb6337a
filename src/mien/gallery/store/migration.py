"""From one schema to the next: what each version added, and how an older file gets it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mien.gallery.store.schema import FIRST, FOURTH, SCHEMA, SEALED, SECOND, THIRD

if TYPE_CHECKING:
    import apsw

ADDED = {1: FIRST, 2: SECOND, 3: THIRD, 4: FOURTH}
"""Statements by the schema that brought them; a file of version n was made by those of 1 to n, in this order."""


def tables(version: int) -> tuple[str, ...]:
    """All that stands in `sqlite_schema` of a file of this version."""
    return tuple(statement for number in range(1, version + 1) for statement in ADDED.get(number, ()))


def version_of(statements: Collection[str]) -> int:
    """The newest schema of which a damaged file has every table; the first if it has none."""
    whole = [version for version in ADDED if set(tables(version)) <= set(statements)]
    return max(whole, default=1)


def create(connection: apsw.Connection) -> None:
    """Make the tables of the newest schema in an empty file; inside a transaction."""
    _bring(connection, 0)
    connection.execute("INSERT INTO tally VALUES ('audit', 1, 0, 0)")


def upgrade(connection: apsw.Connection) -> bool:
    """Bring an older file to the newest schema; inside a transaction, so that a kill leaves the one or the other.

    Rows that are there stay byte for byte as they are.

    Returns:
        Whether it was older.
    """
    version = connection.pragma("user_version")
    if version >= SCHEMA:
        return False
    _bring(connection, version)
    return True


def _bring(connection: apsw.Connection, version: int) -> None:
    for statement in tables(SCHEMA)[len(tables(version)) :]:
        connection.execute(statement)
    for table in SEALED:
        if table.since > version:
            connection.execute("INSERT INTO tally VALUES (?, 1, 0, 0)", (table.name,))
    connection.pragma("user_version", SCHEMA)
