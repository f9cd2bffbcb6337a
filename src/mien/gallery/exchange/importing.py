"""The way back from an exported file into an empty gallery."""

from __future__ import annotations

import base64
import binascii
import contextlib
import gzip
import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, cast

import apsw

from mien.errors import ConflictError, MienError, StoreCorruptError
from mien.gallery.exchange.exporting import COLUMNS, FORMAT, TABLES
from mien.gallery.people import consent, crops, operating
from mien.gallery.people.attributes import check_key, check_value
from mien.gallery.store import codec, trail
from mien.gallery.store.database import os_error
from mien.gallery.store.names import check_name, check_text, name_key
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import (
    ATTRIBUTE,
    CONSENT,
    CROP,
    OPERATING,
    PICTURE,
    REFERENCE,
    SEPARATION,
    SETTING,
    SUBJECT,
)
from mien.types.template import Precision, TemplateContract, check_unit

READABLE = [("mien-gallery", version) for version in range(1, FORMAT + 1)]
MAX_LINE = 1 << 20
"""Longest line read, in bytes; the largest template takes a hundredth of it."""
MAX_ID = 2**62
BATCH = 1000
"""Rows stored at once."""
OLDER = {"audit": COLUMNS["audit"][: trail.PLAIN]}
"""Columns as formats 1 and 2 had them."""


def import_file(rows: Rows, file: Path, wanted: TemplateContract | None, utc: str) -> dict[str, int]:
    """Store what `export` wrote; see `Gallery.import_`."""
    if any(rows.tally(table.name)[0] for table in TABLES):
        raise ConflictError(f"{rows.database.path} holds people already: import into a new gallery", code="not-empty")
    for audit in rows.database.connection.execute("SELECT sequence FROM audit").fetchall():
        raise ConflictError(
            f"{rows.database.path} has a history ({audit[0]} records): import into a new gallery", code="not-empty"
        )
    counts: Counter[str] = Counter()
    head = trail.EMPTY_CHAIN
    with _read_errors(file):
        for kind, batch in _batches(_lines(file)):
            if kind == "header":
                importer = _Importer(rows, batch[0])
                importer.take_contract(wanted, str(file), utc)
            elif kind == "audit":
                for facts in batch:
                    head = _take_record(rows, facts, head, counts[kind] + 1)
                    counts[kind] += 1
                continue
            else:
                importer.insert(kind, batch)
            counts[kind] += len(batch)
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


def _batches(lines: Iterator[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Lines of one kind that follow each other, at most `BATCH` at once."""
    for kind, group in groupby(lines, key=itemgetter(0)):
        facts = (line[1] for line in group)
        while batch := list(islice(facts, BATCH)):
            yield kind, batch


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
            if count == 0 and (line.get("format"), line.get("version")) not in READABLE:
                raise ValueError("another format")
            if "end" in line:
                if line["end"] != {"lines": count - 1, "sha256": digest.hexdigest()}:
                    raise ValueError("the checksum of the file differs")
                ended = True
            elif count == 0:
                yield "header", line
            else:
                ((kind, facts),) = line.items()
                if set(facts) not in (set(COLUMNS[kind]), set(OLDER.get(kind, COLUMNS[kind]))):
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


def _take_record(rows: Rows, facts: dict[str, Any], head: bytes, number: int) -> bytes:
    record = tuple(facts.get(column) for column in COLUMNS["audit"])
    if record[0] != number:
        raise ValueError("the audit trail has a gap")
    return trail.insert(rows, record, head)


class _Importer:
    """Turns the facts of an export into rows.

    Args:
        rows: inside a transaction.
        header: the first line.
    """

    def __init__(self, rows: Rows, header: dict[str, Any]) -> None:
        self._rows = rows
        self._contract = header["contract"]
        self._compact = bool(header.get("compact", False))
        if self._compact and not rows.compact:
            rows.set_compact()
        self._crops = bool(header.get("crops", False))
        if self._crops and not crops.kept(rows):
            rows.insert(SETTING, crops.NAME, crops.KEEP)

    def take_contract(self, wanted: TemplateContract | None, where: str, utc: str) -> None:
        """Store what the templates are comparable with."""
        facts = self._contract
        if facts is None:
            return
        contract = TemplateContract(facts["model"], facts["weights"], facts["dimension"], facts["preprocessing"])
        if contract.digest != facts["digest"]:
            raise ValueError("the contract does not agree with its digest")
        if wanted is not None:
            contract.require(wanted, where)
        self._rows.set_contract(contract, Precision(facts["precision"]), utc)

    def insert(self, kind: str, batch: list[dict[str, Any]]) -> None:
        """Store lines of one kind."""
        table, make = {
            "subject": (SUBJECT, self._subject),
            "picture": (PICTURE, self._plain),
            "reference": (REFERENCE, self._reference),
            "separation": (SEPARATION, self._plain),
            "operating": (OPERATING, self._operating),
            "attribute": (ATTRIBUTE, self._attribute),
            "consent": (CONSENT, self._consent),
            "crop": (CROP, self._crop),
        }[kind]
        self._rows.insert_rows(table, [(_id(facts), *make(facts, COLUMNS[kind][1:])) for facts in batch])

    @staticmethod
    def _plain(facts: dict[str, Any], columns: Sequence[str]) -> Row:
        return tuple(facts[column] for column in columns)

    @staticmethod
    def _subject(facts: dict[str, Any], _columns: Sequence[str]) -> Row:
        name = facts["name"]
        if name is not None and check_name(name) != name:
            raise ValueError("a name is not in its stored form")
        return (facts["uid"], name, None if name is None else name_key(name), facts["created"])

    def _reference(self, facts: dict[str, Any], columns: Sequence[str]) -> Row:
        box, points, vector = (base64.b64decode(facts[column], validate=True) for column in ("box", "points", "vector"))
        contract = self._rows.contract
        size = 0 if contract is None else codec.template_bytes(contract.dimension, self._compact)
        if len(vector) != size or len(box) != 16 or len(points) % 8:
            raise ValueError(f"reference {facts['id']}: a blob has another size")
        decoded = codec.decode([vector], self._compact)
        check_unit(decoded)
        if self._compact != self._rows.compact:
            (vector,) = codec.encode(decoded, self._rows.compact)
        return (*self._plain(facts, columns[:6]), box, points, vector)

    def _crop(self, facts: dict[str, Any], _columns: Sequence[str]) -> Row:
        return (facts["created"], crops.check(base64.b64decode(facts["jpeg"], validate=True)))

    def _operating(self, facts: dict[str, Any], columns: Sequence[str]) -> Row:
        if self._rows.contract is None or facts["digest"] != self._rows.contract.digest:
            raise ValueError("the operating points are of another model")
        operating.unpacked(facts["measured"], self._rows)
        return self._plain(facts, columns)

    def _attribute(self, facts: dict[str, Any], columns: Sequence[str]) -> Row:
        key, value = facts["key"], facts["value"]
        if check_key(key) != key or check_value(key, value) != value:
            raise ValueError("an attribute is not in its stored form")
        return self._plain(facts, columns)

    def _consent(self, facts: dict[str, Any], columns: Sequence[str]) -> Row:
        for moment in (facts["given"], facts["expires"], facts["withdrawn"]):
            if moment is not None and consent.instant(moment) != moment:
                raise ValueError("a date is not in its stored form")
        basis, scope = facts["basis"], facts["scope"]
        if (basis is not None and check_text("basis", basis, consent.MAX_BASIS) != basis) or (
            check_text("scope", scope, consent.MAX_SCOPE, blank=True) != scope
        ):
            raise ValueError("a consent is not in its stored form")
        return self._plain(facts, columns)


def _id(facts: dict[str, Any]) -> int:
    if not isinstance(facts["id"], int) or not 0 < facts["id"] < MAX_ID:
        raise ValueError(f"{facts['id']} is no id")
    return facts["id"]
