"""Export, import, salvage and backup: a gallery as one portable file."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import json
import os
import secrets
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, cast

import apsw
import numpy as np

from mien.errors import ConflictError, MienError, StoreCorruptError
from mien.gallery import operating
from mien.gallery.database import Database, os_error, sync_folder
from mien.gallery.names import check_name, name_key
from mien.gallery.rows import EMPTY_CHAIN, Row, Rows, chain
from mien.gallery.schema import OPERATING, PICTURE, REFERENCE, SEPARATION, SUBJECT, Table
from mien.types.template import Precision, TemplateContract, check_unit
from mien.version import __version__

FORMAT = 1
MAX_LINE = 1 << 20
"""Longest line read, in bytes; the largest template takes a hundredth of it."""
MAX_ID = 2**62
TABLES = (SUBJECT, PICTURE, REFERENCE, SEPARATION, OPERATING)
COLUMNS = {
    "subject": ("id", "uid", "name", "created"),
    "picture": ("id", "sha256", "path", "width", "height", "indexed", "failure"),
    "reference": ("id", "subject", "picture", "precision", "det_score", "pinned", "created", "box", "points", "vector"),
    "separation": ("id", "first", "second", "created"),
    "operating": ("id", "digest", "created", "measured"),
    "audit": ("sequence", "utc", "action", "subject", "counts"),
}


def export(rows: Rows, out: Path, subject: int | None = None) -> dict[str, int]:
    """Write all rows, or those that concern one subject, to `out`."""
    return _write(out, rows, _sound(rows, subject))


def _sound(rows: Rows, subject: int | None) -> Iterator[tuple[str, Row]]:
    people = [row for row in rows.scan(SUBJECT) if subject in (None, row[0])]
    uids = {row[1] for row in people}
    held = None if subject is None else {row[2] for row in rows.scan(REFERENCE) if row[1] == subject}
    yield from (("subject", _public(row)) for row in people)
    yield from (("picture", row) for row in rows.scan(PICTURE) if held is None or row[0] in held)
    yield from (("reference", row) for row in rows.scan(REFERENCE) if subject in (None, row[1]))
    if subject is None:  # a separation and its other subject are somebody else's data
        yield from (("separation", row) for row in rows.scan(SEPARATION))
        yield from (("operating", row) for row in rows.scan(OPERATING))
    yield from (("audit", row) for row in rows.trail() if subject is None or row[3] in uids)


def _public(subject: Row) -> Row:
    return (*subject[:3], subject[4])


def salvage(path: Path, out: Path, wait_s: float) -> dict[str, int]:
    """Write the sound rows of a damaged gallery to `out`; ``lost`` counts rows that were there and are not sound.

    The ids are tried one by one, so that one damaged page hides no other. A reference whose subject or picture is lost
    stays, with a subject without a name under the same number, or without its picture.
    """
    with contextlib.closing(Database(path, wait_s=wait_s, trust=True)) as database, database.snapshot():
        rows = Rows(database)
        found = {table.name: dict(_tried(rows, table)) for table in TABLES}
        lost = sum(_expected(rows, table.name, len(found[table.name])) for table in TABLES)
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
    known = subjects.keys() | needed.keys()
    yield from (("separation", row) for row in found["separation"].values() if {row[1], row[2]} <= known)
    yield from (("operating", row) for row in found["operating"].values())


def _write(out: Path, rows: Rows, entries: Iterable[tuple[str, Row]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    with _whole(out) as raw, _packed(raw, out) as stream:
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
    return {"format": "mien-gallery", "version": FORMAT, "mien": __version__, "contract": facts}


def _shown(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


@contextlib.contextmanager
def _whole(out: Path) -> Iterator[IO[bytes]]:
    """A file that appears under its name when all of it is on disk, or not at all."""
    draft = out.with_name(f"{out.name}.{secrets.token_hex(4)}.new")
    try:
        with draft.open("xb") as stream:
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
def _packed(raw: IO[bytes], out: Path) -> Iterator[IO[bytes]]:
    if out.suffix == ".gz":
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed:
            yield cast(IO[bytes], packed)
    else:
        yield raw


def import_file(rows: Rows, file: Path, wanted: TemplateContract | None, utc: str) -> dict[str, int]:
    """Store what `export` wrote; see `Gallery.import_`."""
    if any(rows.tally(table.name)[0] for table in TABLES):
        raise ConflictError(f"{rows.database.path} holds people already: import into a new gallery", code="not-empty")
    for audit in rows.database.connection.execute("SELECT sequence FROM audit").fetchall():
        raise ConflictError(
            f"{rows.database.path} has a history ({audit[0]} records): import into a new gallery", code="not-empty"
        )
    counts: Counter[str] = Counter()
    head = EMPTY_CHAIN
    with _read_errors(file):
        for kind, facts in _lines(file):
            counts[kind] += 1
            if kind == "contract":
                _take_contract(rows, facts, wanted, str(file), utc)
            elif kind == "audit":
                head = _take_record(rows, facts, head, counts[kind])
            else:
                _INSERT[kind](rows, facts)
        broken = rows.database.connection.execute("SELECT count(*) FROM pragma_foreign_key_check").get
        if broken:
            raise ValueError(f"{broken} rows point to others that are not there")
    rows.record(utc, "import", subjects=counts["subject"], references=counts["reference"])
    rows.advance(appended=False)
    return {f"{kind}s": counts[kind] for kind in ("subject", "reference", "picture")}


_UNREADABLE = (
    EOFError,
    gzip.BadGzipFile,
    zlib.error,
    binascii.Error,
    apsw.ConstraintError,
    KeyError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What text that is no export makes the readers raise."""


@contextlib.contextmanager
def _read_errors(file: Path) -> Iterator[None]:
    try:
        yield
    except MienError as error:
        if isinstance(error, (ConflictError, StoreCorruptError)):
            raise
        raise _damaged(file, error.message) from error
    except _UNREADABLE as error:
        raise _damaged(file, f"{type(error).__name__}: {error}") from error
    except OSError as error:
        raise os_error(error, file) from error


def _damaged(file: Path, why: str) -> StoreCorruptError:
    return StoreCorruptError(
        f"{file} is no whole export of a gallery ({why}): export again", code="export-damaged", source=str(file)
    )


def _lines(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(kind, facts) of each line; ValueError when the file is not whole."""
    digest, count, ended = hashlib.sha256(), 0, False
    with _opened(file) as stream:
        for text in iter(lambda: stream.readline(MAX_LINE), b""):
            if ended or not text.endswith(b"\n"):
                raise ValueError("text after the end, or a line cut short")
            line = json.loads(text)
            if not isinstance(line, dict):
                raise ValueError(f"line {count + 1} is no object")
            if count == 0 and (line.get("format"), line.get("version")) != ("mien-gallery", FORMAT):
                raise ValueError("another format")
            if "end" in line:
                if line["end"] != {"lines": count - 1, "sha256": digest.hexdigest()}:
                    raise ValueError("the checksum of the file differs")
                ended = True
            elif count == 0:
                if line["contract"] is not None:
                    yield "contract", line["contract"]
            else:
                ((kind, facts),) = line.items()
                if set(facts) != set(COLUMNS[kind]):
                    raise ValueError(f"line {count + 1}: unexpected fields")
                yield kind, facts
            digest.update(text)
            count += 1
    if not ended:
        raise ValueError("its end is missing")


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    with file.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        if packed:
            with gzip.GzipFile(fileobj=raw, mode="rb") as stream:
                yield cast(IO[bytes], stream)
        else:
            yield raw


def _take_contract(rows: Rows, facts: dict[str, Any], wanted: TemplateContract | None, where: str, utc: str) -> None:
    contract = TemplateContract(facts["model"], facts["weights"], facts["dimension"], facts["preprocessing"])
    if contract.digest != facts["digest"]:
        raise ValueError("the contract does not agree with its digest")
    if wanted is not None:
        contract.require(wanted, where)
    rows.set_contract(contract, Precision(facts["precision"]), utc)


def _take_record(rows: Rows, facts: dict[str, Any], head: bytes, number: int) -> bytes:
    record = tuple(facts[column] for column in COLUMNS["audit"])
    if record[0] != number:
        raise ValueError("the audit trail has a gap; an export of one subject cannot be imported")
    mark = chain(head, record)
    rows.insert_record(record, mark)
    return mark


def _insert_subject(rows: Rows, facts: dict[str, Any]) -> None:
    name = facts["name"]
    if name is not None and check_name(name) != name:
        raise ValueError("a name is not in its stored form")
    rows.insert(
        SUBJECT, facts["uid"], name, None if name is None else name_key(name), facts["created"], row_id=_id(facts)
    )


def _insert_picture(rows: Rows, facts: dict[str, Any]) -> None:
    rows.insert(PICTURE, *(facts[column] for column in COLUMNS["picture"][1:]), row_id=_id(facts))


def _insert_reference(rows: Rows, facts: dict[str, Any]) -> None:
    box, points, vector = (base64.b64decode(facts[column], validate=True) for column in ("box", "points", "vector"))
    if rows.contract is None or len(vector) != 4 * rows.contract.dimension or len(box) != 16 or len(points) % 8:
        raise ValueError(f"reference {facts['id']}: a blob has another size")
    check_unit(np.frombuffer(vector, "<f4")[None])
    scalars = (facts[column] for column in COLUMNS["reference"][1:7])
    rows.insert(REFERENCE, *scalars, box, points, vector, row_id=_id(facts))


def _insert_separation(rows: Rows, facts: dict[str, Any]) -> None:
    rows.insert(SEPARATION, *(facts[column] for column in COLUMNS["separation"][1:]), row_id=_id(facts))


def _insert_operating(rows: Rows, facts: dict[str, Any]) -> None:
    if rows.contract is None or facts["digest"] != rows.contract.digest:
        raise ValueError("the operating points are of another model")
    operating.unpacked(facts["measured"], rows)
    rows.insert(OPERATING, *(facts[column] for column in COLUMNS["operating"][1:]), row_id=_id(facts))


_INSERT: dict[str, Callable[[Rows, dict[str, Any]], None]] = {
    "subject": _insert_subject,
    "picture": _insert_picture,
    "reference": _insert_reference,
    "separation": _insert_separation,
    "operating": _insert_operating,
}


def _id(facts: dict[str, Any]) -> int:
    if not isinstance(facts["id"], int) or not 0 < facts["id"] < MAX_ID:
        raise ValueError(f"{facts['id']} is no id")
    return facts["id"]


def backup(database: Database, out: Path) -> None:
    """Copy a gallery with SQLite's online backup."""
    draft = out.with_name(f"{out.name}.{secrets.token_hex(4)}.new")
    try:
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
