"""The tables of a gallery file, and every statement that reads or writes their rows.

Columns stand in the order `id, other scalars, blobs, seal`: a seal is taken over a row in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

APPLICATION_ID = 0x6D69656E
"""``mien`` in ASCII; SQLite keeps it in the file's header, and file(1) shows it."""
SCHEMA = 4
"""`user_version` of the files that this mien writes."""

FIRST = (
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
"""`tally` holds, for each sealed table, the next id, how many rows there are and the exclusive or of their seals, so
that a row that vanished is noticed. `revision` grows with every change, `epoch` with those that do more than append."""
SECOND = (
    """CREATE TABLE attribute (
    id INTEGER PRIMARY KEY, subject INTEGER NOT NULL REFERENCES subject, key TEXT NOT NULL, value ANY NOT NULL,
    created TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
    "CREATE UNIQUE INDEX attribute_subject ON attribute (subject, key)",
    "CREATE INDEX attribute_value ON attribute (key, value, subject)",
    """CREATE TABLE setting (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, value TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
)
"""What people are asked for by (`attribute_value` answers a filter alone, in order of subject), and choices made when
the file was new."""
THIRD = (
    """CREATE TABLE consent (
    id INTEGER PRIMARY KEY, subject INTEGER NOT NULL UNIQUE REFERENCES subject, basis TEXT, scope TEXT NOT NULL,
    given TEXT, expires TEXT, withdrawn TEXT, created TEXT NOT NULL, seal BLOB NOT NULL) STRICT""",
    """CREATE TABLE detail (
    sequence INTEGER PRIMARY KEY REFERENCES audit, actor TEXT NOT NULL, purpose TEXT NOT NULL, model TEXT,
    threshold REAL, rate REAL) STRICT""",
)
"""Why people may be kept and until when; and what audit records say since then: their hashes are taken over both rows,
those of older records, which have no detail, over the one."""
FOURTH = (
    """CREATE TABLE crop (
    id INTEGER PRIMARY KEY REFERENCES reference, created TEXT NOT NULL, jpeg BLOB NOT NULL, seal BLOB NOT NULL)
    STRICT""",
)
"""What stored faces looked like, by the id of the reference; empty unless a setting says that crops are kept."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of sealed rows.

    Args:
        name: as in SQL.
        scalars: how many columns come before the blobs.
        scan: all rows above an id, in order of id, with the seal last.
        get: one row, with the seal last.
        insert: takes the row and its seal.
        update: takes the row, its seal and the id.
        delete: takes the id.
        since: the schema that brought it.
    """

    name: str
    scalars: int
    scan: str
    get: str
    insert: str
    update: str
    delete: str
    since: int = 1


CONTRACT = Table(
    "contract",
    9,
    "SELECT id, model, weights, dimension, preprocessing, digest, precision, created, mien, seal "
    "FROM contract WHERE id > ? ORDER BY id",
    "SELECT id, model, weights, dimension, preprocessing, digest, precision, created, mien, seal "
    "FROM contract WHERE id = ?",
    "INSERT INTO contract (id, model, weights, dimension, preprocessing, digest, precision, created, mien, seal) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE contract SET (id, model, weights, dimension, preprocessing, digest, precision, created, mien, seal) = "
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM contract WHERE id = ?",
)
SUBJECT = Table(
    "subject",
    5,
    "SELECT id, uid, name, name_key, created, seal FROM subject WHERE id > ? ORDER BY id",
    "SELECT id, uid, name, name_key, created, seal FROM subject WHERE id = ?",
    "INSERT INTO subject (id, uid, name, name_key, created, seal) VALUES (?, ?, ?, ?, ?, ?)",
    "UPDATE subject SET (id, uid, name, name_key, created, seal) = (?, ?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM subject WHERE id = ?",
)
PICTURE = Table(
    "picture",
    7,
    "SELECT id, sha256, path, width, height, indexed, failure, seal FROM picture WHERE id > ? ORDER BY id",
    "SELECT id, sha256, path, width, height, indexed, failure, seal FROM picture WHERE id = ?",
    "INSERT INTO picture (id, sha256, path, width, height, indexed, failure, seal) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE picture SET (id, sha256, path, width, height, indexed, failure, seal) = "
    "(?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM picture WHERE id = ?",
)
REFERENCE = Table(
    "reference",
    7,
    "SELECT id, subject, picture, precision, det_score, pinned, created, box, points, vector, seal "
    "FROM reference WHERE id > ? ORDER BY id",
    "SELECT id, subject, picture, precision, det_score, pinned, created, box, points, vector, seal "
    "FROM reference WHERE id = ?",
    "INSERT INTO reference (id, subject, picture, precision, det_score, pinned, created, box, points, vector, seal) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE reference SET "
    "(id, subject, picture, precision, det_score, pinned, created, box, points, vector, seal) = "
    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM reference WHERE id = ?",
)
SEPARATION = Table(
    "separation",
    4,
    "SELECT id, first, second, created, seal FROM separation WHERE id > ? ORDER BY id",
    "SELECT id, first, second, created, seal FROM separation WHERE id = ?",
    "INSERT INTO separation (id, first, second, created, seal) VALUES (?, ?, ?, ?, ?)",
    "UPDATE separation SET (id, first, second, created, seal) = (?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM separation WHERE id = ?",
)
OPERATING = Table(
    "operating",
    4,
    "SELECT id, digest, created, measured, seal FROM operating WHERE id > ? ORDER BY id",
    "SELECT id, digest, created, measured, seal FROM operating WHERE id = ?",
    "INSERT INTO operating (id, digest, created, measured, seal) VALUES (?, ?, ?, ?, ?)",
    "UPDATE operating SET (id, digest, created, measured, seal) = (?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM operating WHERE id = ?",
)
ATTRIBUTE = Table(
    "attribute",
    5,
    "SELECT id, subject, key, value, created, seal FROM attribute WHERE id > ? ORDER BY id",
    "SELECT id, subject, key, value, created, seal FROM attribute WHERE id = ?",
    "INSERT INTO attribute (id, subject, key, value, created, seal) VALUES (?, ?, ?, ?, ?, ?)",
    "UPDATE attribute SET (id, subject, key, value, created, seal) = (?, ?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM attribute WHERE id = ?",
    since=2,
)
SETTING = Table(
    "setting",
    3,
    "SELECT id, name, value, seal FROM setting WHERE id > ? ORDER BY id",
    "SELECT id, name, value, seal FROM setting WHERE id = ?",
    "INSERT INTO setting (id, name, value, seal) VALUES (?, ?, ?, ?)",
    "UPDATE setting SET (id, name, value, seal) = (?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM setting WHERE id = ?",
    since=2,
)
CONSENT = Table(
    "consent",
    8,
    "SELECT id, subject, basis, scope, given, expires, withdrawn, created, seal FROM consent WHERE id > ? ORDER BY id",
    "SELECT id, subject, basis, scope, given, expires, withdrawn, created, seal FROM consent WHERE id = ?",
    "INSERT INTO consent (id, subject, basis, scope, given, expires, withdrawn, created, seal) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "UPDATE consent SET (id, subject, basis, scope, given, expires, withdrawn, created, seal) = "
    "(?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM consent WHERE id = ?",
    since=3,
)
CROP = Table(
    "crop",
    2,
    "SELECT id, created, jpeg, seal FROM crop WHERE id > ? ORDER BY id",
    "SELECT id, created, jpeg, seal FROM crop WHERE id = ?",
    "INSERT INTO crop (id, created, jpeg, seal) VALUES (?, ?, ?, ?)",
    "UPDATE crop SET (id, created, jpeg, seal) = (?, ?, ?, ?) WHERE id = ?",
    "DELETE FROM crop WHERE id = ?",
    since=4,
)
SEALED = (CONTRACT, SUBJECT, PICTURE, REFERENCE, SEPARATION, OPERATING, ATTRIBUTE, SETTING, CONSENT, CROP)
