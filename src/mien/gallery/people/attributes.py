"""What is known about people besides their faces: keys with a text or a number, by which a search can be narrowed."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import TypeAlias, cast

from mien.errors import UsageError
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import ATTRIBUTE, SUBJECT

Value: TypeAlias = str | int | float
Attributes: TypeAlias = Mapping[str, Value]

MAX_KEY = 64
MAX_VALUE = 1000
"""Longest text, in characters after NFC."""
MAX_ATTRIBUTES = 100
"""Most of one subject."""
RESERVED = frozenset({"and", "in", "not", "or"})
"""Words of the filter language."""
KEY = re.compile(rf"[^\W\d][\w.-]{{0,{MAX_KEY - 1}}}")
NUMBER = re.compile(r"-?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
"""As in JSON: 01067 and +49 are texts, as postcodes and telephone numbers are."""


def check_key(key: str) -> str:
    """The key as it is stored, in NFC.

    Raises:
        UsageError: ``attribute-key``.
    """
    stored = unicodedata.normalize("NFC", key) if isinstance(key, str) else ""
    if not KEY.fullmatch(stored) or stored.casefold() in RESERVED:
        raise UsageError(
            f"{key!a:.60} is no attribute key: a letter, then letters, digits, '_', '.' or '-', {MAX_KEY} at most, and "
            f"none of {', '.join(sorted(RESERVED))}",
            code="attribute-key",
        )
    return stored


def check_value(key: str, value: object) -> Value:
    """The value as it is stored: text in NFC without outer blanks, or a finite number.

    Raises:
        UsageError: ``attribute-value``.
    """
    if isinstance(value, str):
        return _text(key, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(key, f"must be text or a number, got {type(value).__name__}")
    if not (-(2**63) <= value < 2**63 if isinstance(value, int) else math.isfinite(value)):
        raise _refused(key, f"must be a finite number of 64 bits, got {value!s:.40}")
    return value + 0  # -0.0 is 0.0


def _text(key: str, value: str) -> str:
    stored = unicodedata.normalize("NFC", value).strip()
    if not stored:
        raise _refused(key, "must not be blank; leave the attribute out")
    if len(stored) > MAX_VALUE:
        raise _refused(key, f"has at most {MAX_VALUE} characters, this one has {len(stored)}")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in stored):
        raise _refused(key, "holds a control character or a lone surrogate: leave it out")
    return stored


def _refused(key: str, why: str) -> UsageError:
    return UsageError(f"the value of attribute '{key}' {why}", code="attribute-value")


def check(attributes: Mapping[str, Value | None]) -> dict[str, Value | None]:
    """Attributes as they are stored; None takes one away.

    Raises:
        UsageError: a key or value is not allowed, or there are too many (``attribute-count``).
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise _too_many(len(attributes))
    return {check_key(key): None if value is None else check_value(key, value) for key, value in attributes.items()}


def _too_many(count: int) -> UsageError:
    return UsageError(f"a subject has at most {MAX_ATTRIBUTES} attributes, these are {count:,}", code="attribute-count")


def parse(texts: list[str]) -> dict[str, Value]:
    """``key=value`` pairs as they are typed; what looks like a number is one, unless it stands in quotes."""
    pairs = [text.partition("=") for text in texts]
    for text, (key, sign, _) in zip(texts, pairs, strict=True):
        if not sign:
            raise UsageError(f"'{text:.60}' is no attribute: write key=value", code="attribute-key")
        check_key(key)
    return {key: check_value(key, literal(value)) for key, _, value in pairs}


def literal(text: str) -> Value:
    """A typed value: a number, quoted text without its quotes, or the text itself."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace(text[0] * 2, text[0])
    if not NUMBER.fullmatch(text):
        return text
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:  # more digits than Python takes
        return math.inf


def read(rows: Rows, subject: int) -> dict[str, Value]:
    """The attributes of one subject, by key."""
    return {row[2]: row[3] for row in rows_of(rows, subject)}


def rows_of(rows: Rows, subject: int) -> list[Row]:
    """The rows of one subject, verified, by key."""
    if not rows.has(ATTRIBUTE):
        return []
    statement = "SELECT id FROM attribute WHERE subject = ? ORDER BY key"
    found = rows.database.connection.execute(statement, (subject,)).fetchall()
    return [rows.get(ATTRIBUTE, row_id) for (row_id,) in cast(list[tuple[int]], found)]


def read_all(rows: Rows) -> dict[int, dict[str, Value]]:
    """The attributes of everybody, by subject id and key."""
    found: dict[int, dict[str, Value]] = {}
    for _, subject, key, value, _ in sorted(rows.scan(ATTRIBUTE), key=lambda row: (row[1], row[2])):
        found.setdefault(subject, {})[key] = value
    return found


def write(rows: Rows, subject: int, attributes: Mapping[str, Value | None], utc: str) -> int:
    """Set checked attributes of a subject, others stay; how many rows changed."""
    held = {row[2]: row for row in rows_of(rows, subject)}
    left = [key for key, value in {**held, **attributes}.items() if value is not None]
    if len(left) > MAX_ATTRIBUTES:
        raise _too_many(len(left))
    changed = 0
    for key, value in attributes.items():
        row = held.get(key)
        if value is None and row is not None:
            rows.delete(ATTRIBUTE, row)
        elif value is not None and row is None:
            rows.insert(ATTRIBUTE, subject, key, value, utc)
        elif row is not None and _differs(row[3], value):
            rows.update(ATTRIBUTE, row, value=value, created=utc)
        else:
            continue
        changed += 1
    return changed


def _differs(old: Value, new: Value | None) -> bool:
    return type(old) is not type(new) or old != new


def record(rows: Rows, subject: int, changed: int, utc: str) -> None:
    """Write down that attributes were set; their keys and values are nobody's but the subject's."""
    if changed:
        rows.record(utc, "describe", rows.get(SUBJECT, subject)[1], attributes=changed)
        rows.advance(appended=True)


def inherit(rows: Rows, old: int, new: int) -> None:
    """Give a subject the attributes of another that is the same person, as far as there is room; its own ones stay."""
    own = read(rows, new)
    lacking = [row for row in rows_of(rows, old) if row[2] not in own]
    for row in lacking[: MAX_ATTRIBUTES - len(own)]:
        rows.update(ATTRIBUTE, row, subject=new)


def delete(rows: Rows, subject: int) -> None:
    """Delete all attributes of a subject."""
    for row in rows_of(rows, subject):
        rows.delete(ATTRIBUTE, row)
