"""A gallery of schema 1, made by the statements and checksums of that time, written out here once more."""

import hashlib
import json
from pathlib import Path

import apsw
import numpy as np

from gallery_toys import CONTRACT, unit

UID = bytes(range(16))
UTC = "2026-10-01T12:00:00Z"
SUBJECT_UIDS = ("6c8a0b8e-0000-4000-8000-000000000001", "6c8a0b8e-0000-4000-8000-000000000002")
STATEMENTS = (
    """CREATE TABLE gallery (
    id INTEGER PRIMARY KEY CHECK (id = 1), uid BLOB NOT NULL, created TEXT NOT NULL, mien TEXT NOT NULL) STRICT""",
    """CREATE TABLE contract (
    id INTEGER PRIMARY KEY, model TEXT NOT NULL, weights TEXT NOT NULL, dimension INTEGER NOT NULL,
    preprocessing TEXT NOT NULL, digest TEXT NOT NULL, precision TEXT NOT NULL, created TEXT NOT NULL,
    mien TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE subject (
    id INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, name TEXT, name_key TEXT UNIQUE, created TEXT NOT NULL,
    seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE picture (
    id INTEGER PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, path TEXT, width INTEGER NOT NULL, height INTEGER NOT NULL,
    indexed TEXT NOT NULL, failure TEXT, seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE reference (
    id INTEGER PRIMARY KEY, subject INTEGER NOT NULL REFERENCES subject, picture INTEGER REFERENCES picture,
    precision TEXT NOT NULL, det_score REAL NOT NULL, pinned INTEGER NOT NULL, created TEXT NOT NULL,
    box BLOB NOT NULL, points BLOB NOT NULL, vector BLOB NOT NULL, seal BLOB NOT NULL) STRICT""",
    "CREATE INDEX reference_subject ON reference (subject)",
    "CREATE INDEX reference_picture ON reference (picture)",
    """CREATE TABLE separation (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL REFERENCES subject, second INTEGER NOT NULL REFERENCES subject,
    created TEXT NOT NULL, seal BLOB NOT NULL, UNIQUE (first, second)) STRICT""",
    """CREATE TABLE operating (
    id INTEGER PRIMARY KEY, digest TEXT NOT NULL, created TEXT NOT NULL, measured TEXT NOT NULL,
    seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY, utc TEXT NOT NULL, action TEXT NOT NULL, subject TEXT, counts TEXT NOT NULL,
    hash BLOB NOT NULL) STRICT""",
    """CREATE TABLE tally (
    name TEXT PRIMARY KEY, next INTEGER NOT NULL, rows INTEGER NOT NULL, mix INTEGER NOT NULL) STRICT""",
    """CREATE TABLE revision (
    id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, epoch INTEGER NOT NULL) STRICT""",
)
BOX = np.array([0, 0, 15, 15], "<f4").tobytes()
POINTS = np.array([1, 2] * 5, "<f4").tobytes()
ROWS = {
    "contract": [(1, "drawn", "00" * 32, 16, "none", CONTRACT.digest, "f32", UTC, "0.1")],
    "subject": [(1, SUBJECT_UIDS[0], "ada", "ada", UTC), (2, SUBJECT_UIDS[1], None, None, UTC)],
    "picture": [(1, "ab" * 32, "photos/1.jpg", 640, 480, UTC, None)],
    "reference": [
        (1, 1, 1, "f32", 0.9, 0, UTC, BOX, POINTS, unit(1)[0].tobytes()),
        (2, 2, None, "f32", 0.8, 1, UTC, BOX, POINTS, unit(2)[0].tobytes()),
    ],
    "separation": [(1, 1, 2, UTC)],
    "operating": [],
}


def make(path: Path) -> None:
    """Write the file: ada with a picture, somebody without a name, the two not the same."""
    connection = apsw.Connection(str(path))
    connection.pragma("page_size", 8192)
    connection.pragma("application_id", 0x6D69656E)
    connection.pragma("user_version", 1)
    with connection:
        for statement in STATEMENTS:
            connection.execute(statement)
        connection.execute("INSERT INTO gallery VALUES (1, ?, ?, '0.1')", (UID, UTC))
        connection.execute("INSERT INTO revision VALUES (1, 1, 0)")
        for table, rows in ROWS.items():
            fill(connection, table, rows)
        record = (1, UTC, "index", None, json.dumps({"references": 2}))
        mark = hashlib.sha256(bytes(32) + json.dumps(record).encode()).digest()
        connection.execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", (*record, mark))
        connection.execute("INSERT INTO tally VALUES ('audit', 1, 1, ?)", (word(mark),))
    connection.pragma("journal_mode", "WAL")
    connection.close()


def fill(connection: apsw.Connection, table: str, rows: list[tuple[object, ...]]) -> None:
    """Insert sealed rows and their tally."""
    mix = 0
    for row in rows:
        mark = seal(table, row)
        mix ^= word(mark)
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * (len(row) + 1))})", (*row, mark))
    connection.execute("INSERT INTO tally VALUES (?, ?, ?, ?)", (table, len(rows) + 1, len(rows), mix))


def seal(table: str, row: tuple[object, ...]) -> bytes:
    """128 bits of BLAKE2b over the scalars as ASCII and the blobs."""
    key = UID + (bytes.fromhex(CONTRACT.digest) if table == "reference" else table.encode())
    scalars = tuple(value for value in row if not isinstance(value, bytes))
    blobs = b"".join(value for value in row if isinstance(value, bytes))
    return hashlib.blake2b(ascii(scalars).encode() + blobs, digest_size=16, key=key).digest()


def word(mark: bytes) -> int:
    """The first 64 bits, signed."""
    return int.from_bytes(mark[:8], "little", signed=True)
