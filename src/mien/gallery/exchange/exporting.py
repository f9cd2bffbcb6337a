"""Export, salvage and backup: a gallery as one portable file. See `importing` for the way back."""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import apsw

from mien.errors import MienError
from mien.gallery.people import crops
from mien.gallery.store.database import Database, make_private, os_error, sync_folder
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import (
    ATTRIBUTE,
    CONSENT,
    CROP,
    OPERATING,
    PICTURE,
    REFERENCE,
    SEPARATION,
    SUBJECT,
    Table,
)
from mien.version import __version__

FORMAT = 4
"""Version of what is written; 1 had neither attributes nor compact templates, 2 no consents and plain audit records,
3 no crops."""
TABLES = (SUBJECT, PICTURE, REFERENCE, SEPARATION, OPERATING, ATTRIBUTE, CONSENT, CROP)
COLUMNS = {
    "subject": ("id", "uid", "name", "created"),
    "picture": ("id", "sha256", "path", "width", "height", "indexed", "failure"),
    "reference": ("id", "subject", "picture", "precision", "det_score", "pinned", "created", "box", "points", "vector"),
    "separation": ("id", "first", "second", "created"),
    "operating": ("id", "digest", "created", "measured"),
    "attribute": ("id", "subject", "key", "value", "created"),
    "consent": ("id", "subject", "basis", "scope", "given", "expires", "withdrawn", "created"),
    "crop": ("id", "created", "jpeg"),
    "audit": (
        *("sequence", "utc", "action", "subject", "counts"),
        *("actor", "purpose", "model", "threshold", "rate"),  # None in records of schema 1 and 2
    ),
}


def export(rows: Rows, out: Path) -> dict[str, int]:
    """Write all rows to `out`."""
    return _write(out, rows, _sound(rows))


def _sound(rows: Rows) -> Iterator[tuple[str, Row]]:
    yield from (("subject", _public(row)) for row in rows.scan(SUBJECT))
    for table in (PICTURE, REFERENCE, CROP, ATTRIBUTE, CONSENT, SEPARATION, OPERATING):
        yield from ((table.name, row) for row in rows.scan(table))
    yield from (("audit", row) for row in rows.trail())


def _public(subject: Row) -> Row:
    return (*subject[:3], subject[4])


def salvage(path: Path, out: Path, wait_s: float) -> dict[str, int]:
    """Write the sound rows of a damaged gallery to `out`; ``lost`` counts rows that were there and are not sound.

    The ids are tried one by one, so that one damaged page hides no other. A reference whose subject or picture is lost
    stays, with a subject without a name under the same number, or without its picture.
    """
    with contextlib.closing(Database(path, wait_s=wait_s, trust=True)) as database, database.snapshot():
        rows = Rows(database)
        found = {table.name: dict(_tried(rows, table)) if rows.has(table) else {} for table in TABLES}
        lost = sum(_expected(rows, table.name, len(found[table.name])) for table in TABLES if rows.has(table))
        return {**_write(out, rows, _mended(found)), "lost": lost}


def _tried(rows: Rows, table: Table) -> Iterator[tuple[int, Row]]:
    for row_id in range(1, min(rows.next_id(table.name), 2 * rows.database.path.stat().st_size)):
        with contextlib.suppress(apsw.Error, UnicodeDecodeError):
            row = rows.try_get(table, row_id)
            if row is not None:
                yield row_id, row


def _expected(rows: Rows, name: str, found: int) -> int:
    return max(0, rows.tally(name)[0] - found)


def _mended(found: dict[str, dict[int, Row]]) -> Iterator[tuple[str, Row]]:
    subjects, pictures = found["subject"], found["picture"]
    needed = {row[1]: row[6] for row in found["reference"].values()}
    for row_id in sorted(subjects.keys() | needed.keys()):
        yield (
            "subject",
            _public(subjects[row_id]) if row_id in subjects else (row_id, f"lost-{row_id}", None, needed[row_id]),
        )
    yield from (("picture", row) for row in pictures.values())
    for row in found["reference"].values():
        yield "reference", row if row[2] in pictures else (*row[:2], None, *row[3:])
    yield from (("crop", row) for row in found["crop"].values() if row[0] in found["reference"])
    known = subjects.keys() | needed.keys()
    yield from (("separation", row) for row in found["separation"].values() if {row[1], row[2]} <= known)
    yield from (("operating", row) for row in found["operating"].values())
    for name in ("attribute", "consent"):
        yield from ((name, row) for row in found[name].values() if row[1] in known)


def _write(out: Path, rows: Rows, entries: Iterable[tuple[str, Row]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    with whole(out) as raw, packed(raw, out) as stream:
        digest = hashlib.sha256()

        def put(line: dict[str, Any]) -> None:
            text = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            digest.update(text)
            stream.write(text)

        put(_header(rows))
        for kind, row in entries:
            counts[kind] += 1
            put({kind: dict(zip(COLUMNS[kind], map(_shown, row), strict=True))})
        put({"end": {"lines": counts.total(), "sha256": digest.hexdigest()}})
    return {f"{kind}s": counts[kind] for kind in ("subject", "reference", "picture")}


def _header(rows: Rows) -> dict[str, Any]:
    contract = rows.contract
    facts = None
    if contract is not None:
        facts = {
            "model": contract.model,
            "weights": contract.weights,
            "dimension": contract.dimension,
            "preprocessing": contract.preprocessing,
            "digest": contract.digest,
            "precision": rows.precision,
        }
    return {
        "format": "mien-gallery",
        "version": FORMAT,
        "mien": __version__,
        "compact": rows.compact,
        "crops": crops.kept(rows),
        "contract": facts,
    }


def _shown(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


@contextlib.contextmanager
def whole(out: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when all of it is on disk, or not at all."""
    draft = out.with_name(f"{out.name}.{secrets.token_hex(4)}.new")
    try:
        make_private(draft)
        with draft.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(out)
    except OSError as error:
        if isinstance(error, MienError):
            raise
        raise os_error(error, out) from error
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(out.parent)


@contextlib.contextmanager
def packed(raw: IO[bytes], out: Path) -> Iterator[IO[bytes]]:
    """A stream into `raw`, compressed when the file's name ends in ``.gz``."""
    if out.suffix == ".gz":
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
            yield cast(IO[bytes], packed)
    else:
        yield raw


def backup(database: Database, out: Path) -> None:
    """Copy a gallery with SQLite's online backup."""
    draft = out.with_name(f"{out.name}.{secrets.token_hex(4)}.new")
    try:
        make_private(draft)
        with contextlib.closing(apsw.Connection(str(draft))) as copy:
            with copy.backup("main", database.connection, "main") as running:
                running.step(-1)
            copy.pragma("synchronous", "FULL")
        draft.replace(out)
    except OSError as error:
        raise os_error(error, out) from error
    finally:
        for leftover in (draft, draft.with_name(f"{draft.name}-wal"), draft.with_name(f"{draft.name}-shm")):
            leftover.unlink(missing_ok=True)
    sync_folder(out.parent)
