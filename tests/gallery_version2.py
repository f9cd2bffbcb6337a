"""A gallery of schema 2: that of schema 1, brought up by the statements of that time, with attributes."""

import hashlib
import json
from pathlib import Path

import apsw

import gallery_version1
from gallery_version1 import UTC

STATEMENTS = (
    """CREATE TABLE attribute (
    id INTEGER PRIMARY KEY, subject INTEGER NOT NULL REFERENCES subject, key TEXT NOT NULL, value ANY NOT NULL,
    created TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
    "CREATE UNIQUE INDEX attribute_subject ON attribute (subject, key)",
    "CREATE INDEX attribute_value ON attribute (key, value, subject)",
    """CREATE TABLE setting (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
)
ROWS = {"attribute": [(1, 1, "site", "berlin", UTC)], "setting": []}


def make(path: Path) -> None:
    """Write the file: that of schema 1, ada being in Berlin, with a second audit record."""
    gallery_version1.make(path)
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 2)
    with connection:
        for statement in STATEMENTS:
            connection.execute(statement)
        for table, rows in ROWS.items():
            gallery_version1.fill(connection, table, rows)
        ((head,),) = connection.execute("SELECT hash FROM audit").fetchall()
        record = (2, UTC, "describe", gallery_version1.SUBJECT_UIDS[0], json.dumps({"attributes": 1}))
        mark = hashlib.sha256(head + json.dumps(record).encode()).digest()
        connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", (*record, mark))
        connection.execute("UPDATE tally SET rows = 2, mix = ? WHERE name = 'audit'", (gallery_version1.word(mark),))
    connection.close()
