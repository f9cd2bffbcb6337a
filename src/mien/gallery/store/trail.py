"""The audit trail: a record for each act, chained to the one before, written in the same transaction.

A record says who did what, to whom by uid, with which model and threshold, why and when. It holds no name and nothing
biometric, and stays when the person is erased. Its hash is SHA-256 over the hash before and its fields as JSON, so that
a record that was changed, taken out or moved is found; who cuts the end off and mends the tally as well is found by
comparing with a head that was noted elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from mien.errors import StoreCorruptError, UsageError
from mien.gallery.store.names import check_text

if TYPE_CHECKING:
    from mien.gallery.store.rows import Rows

Record: TypeAlias = tuple[Any, ...]
"""(sequence, utc, action, subject, counts, actor, purpose, model, threshold, rate); the last five are None in records
of schema 1 and 2."""
PLAIN = 5
"""Fields of an old record."""
EMPTY_CHAIN = bytes(32)
"""What the first record is chained to."""
DETAILED = 3
"""The schema that brought the details."""
MAX_ACTOR = 200
MAX_PURPOSE = 500

_ACTING: ContextVar[tuple[str, str]] = ContextVar("mien-acting", default=("local", ""))


@contextlib.contextmanager
def acting(actor: str, purpose: str = "") -> Iterator[None]:
    """Whatever is done to galleries inside is recorded as done by `actor` for `purpose`.

    It holds for the thread or task that enters it. Without, the actor is ``local`` and no purpose is stated.

    Args:
        actor: an opaque mark such as the id of a key; no name, for it stays when people are erased.
        purpose: why, such as ``door 3``; no name either.

    Raises:
        UsageError: too long, blank, or with control characters.
    """
    marks = check_text("actor", actor, MAX_ACTOR), check_text("purpose", purpose, MAX_PURPOSE, blank=True)
    token = _ACTING.set(marks)
    try:
        yield
    finally:
        _ACTING.reset(token)


def acts_now() -> tuple[str, str]:
    """Actor and purpose of what this thread or task does."""
    return _ACTING.get()


@dataclass(frozen=True, slots=True)
class Decision:
    """What decides who matches.

    Args:
        threshold: cosine; a match from here on.
        rate: the FMR or FPIR that it stands for, where one was asked for.
    """

    threshold: float
    rate: float | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.threshold) or not (self.rate is None or 0 <= self.rate <= 1):
            raise UsageError(f"no threshold and rate: {self.threshold!r}, {self.rate!r}")


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a sound trail; note it elsewhere, and a trail that was cut or made anew is found.

    Args:
        records: how many.
        hash: of the last one, 64 hexadecimal digits.
    """

    records: int
    hash: str

    def __str__(self) -> str:
        return f"{self.records}:{self.hash}"


def append(
    rows: Rows,
    facts: tuple[str, str, str | None, str],
    decision: Decision | None,
    actor: tuple[str, str] | None = None,
) -> int:
    """Add a record and give its number.

    Args:
        rows: inside a transaction.
        facts: utc, action, subject, counts.
        decision: what decided, if anything was decided.
        actor: actor and purpose; None: those of this thread or task.
    """
    execute = rows.database.connection.execute
    last = execute("SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1").fetchone()
    sequence, head = last or (0, EMPTY_CHAIN)
    if not isinstance(head, bytes):
        raise rows.damaged(f"audit record {sequence}")
    model = None if rows.contract is None else rows.contract.digest
    threshold = None if decision is None else float(decision.threshold)
    rate = None if decision is None or decision.rate is None else float(decision.rate)
    record = (int(sequence) + 1, *facts, *(actor or acts_now()), model, threshold, rate)
    insert(rows, record, head)
    return int(record[0])


def insert(rows: Rows, record: Record, head: bytes) -> bytes:
    """Write a record after the one with hash `head`; its own hash comes back."""
    execute, mark = rows.database.connection.execute, chain(head, record)
    execute("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?)", (*record[:PLAIN], mark))
    if record[PLAIN] is not None:
        execute("INSERT INTO detail VALUES (?, ?, ?, ?, ?, ?)", (record[0], *record[PLAIN:]))
    word = int.from_bytes(mark[:8], "little", signed=True)
    execute("UPDATE tally SET rows = rows + 1, mix = ? WHERE name = 'audit'", (word,))
    return mark


def chain(head: bytes, record: Record) -> bytes:
    """SHA-256 over the hash before and the record; of an old one, over the fields that it has."""
    fields = record[:PLAIN] if record[PLAIN] is None else record
    return hashlib.sha256(head + json.dumps(fields).encode()).digest()


def read(rows: Rows) -> Iterator[Record]:
    """The records in order.

    Raises:
        StoreCorruptError: naming the first record that is not as it was written.
    """
    for record, _ in _verified(rows):
        yield record


def verify(rows: Rows, noted: str | None = None) -> Head:
    """The end of the trail, after all of it was found sound.

    Args:
        rows: the open gallery.
        noted: a head of this trail as it was noted earlier, ``120:9f86…``.

    Raises:
        UsageError: `noted` is no head.
        StoreCorruptError: naming the first record that is not as it was written.
    """
    count, digest = _parsed(noted) if noted is not None else (0, EMPTY_CHAIN.hex())
    records, mark = 0, EMPTY_CHAIN
    for records, (_, mark) in enumerate(_verified(rows), 1):
        if records == count and mark.hex() != digest:
            raise _another(rows, f"its record {count} is not the one that was noted")
    if records < count:
        raise _another(rows, f"it has {records} records, {count} were noted")
    return Head(records, mark.hex())


def _parsed(noted: str) -> tuple[int, str]:
    count, _, digest = noted.strip().partition(":")
    if not (count.isdecimal() and len(digest) == 64 and set(digest) <= set("0123456789abcdef")):
        raise UsageError(f"'{noted:.80}' is no head of an audit trail, such as `mien audit verify` prints")
    return int(count), digest


def _another(rows: Rows, why: str) -> StoreCorruptError:
    path = rows.database.path
    return StoreCorruptError(f"{path}: the audit trail was cut or made anew: {why}", code="audit", source=str(path))


_ALL = """SELECT audit.sequence, utc, action, subject, counts, actor, purpose, model, threshold, rate, hash
    FROM audit LEFT JOIN detail USING (sequence) ORDER BY audit.sequence"""
_OLD = "SELECT sequence, utc, action, subject, counts, NULL, NULL, NULL, NULL, NULL, hash FROM audit ORDER BY sequence"


def _verified(rows: Rows) -> Iterator[tuple[Record, bytes]]:
    head, count = EMPTY_CHAIN, 0
    for *values, mark in rows.database.connection.execute(_ALL if rows.database.schema >= DETAILED else _OLD):
        record = tuple(values)
        count += 1
        if record[0] != count or any(isinstance(v, bytes) for v in record) or chain(head, record) != mark:
            raise rows.damaged(f"audit record {count}")
        head = mark
        yield record, mark
    word = int.from_bytes(head[:8], "little", signed=True) if count else 0
    if rows.tally("audit") != (count, word):
        raise rows.damaged(f"the audit trail (its end is missing after record {count})")
