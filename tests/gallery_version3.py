"""A gallery of schema 3: that of schema 2, brought up by the statements of that time, with a consent."""

from pathlib import Path

import apsw

import gallery_version1
import gallery_version2
from gallery_version1 import UTC

STATEMENTS = (
    """CREATE TABLE consent (
    id INTEGER PRIMARY KEY, subject INTEGER NOT NULL UNIQUE REFERENCES subject, basis TEXT, scope TEXT NOT NULL,
    given TEXT, expires TEXT, withdrawn TEXT, created TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE detail (
    sequence INTEGER PRIMARY KEY REFERENCES audit, actor TEXT NOT NULL, purpose TEXT NOT NULL, model TEXT,
    threshold REAL, rate REAL) STRICT""",
)
ROWS = {"consent": [(1, 1, "contract", "the door", UTC, None, None, UTC)]}


def make(path: Path) -> None:
    """Write the file: that of schema 2, ada being kept because of a contract."""
    gallery_version2.make(path)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 3)
    with connection:
        for statement in STATEMENTS:
            connection.execute(statement)
        for table, rows in ROWS.items():
            gallery_version1.fill(connection, table, rows)
    connection.close()
