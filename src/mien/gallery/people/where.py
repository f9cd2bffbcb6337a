"""The filter of a search: ``site=berlin and age>=30``, ``site in berlin, paris``.

    filter  = term { "and" term }
    term    = key operator value  |  key "in" value { "," value }
    operator is one of  =  !=  <  <=  >  >=

A value is a word, a number, or text in single or double quotes (doubled inside). Numbers compare with numbers and text
with text, by code point; ``!=`` asks for those who have the key with another value. Who lacks a key is never found by
it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np

from mien.errors import MienError, StoreCorruptError, UsageError
from mien.gallery.index import Ids
from mien.gallery.people.attributes import Value, check_key, check_value, literal
from mien.gallery.store.database import SALVAGE
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import ATTRIBUTE

MAX_LENGTH = 4000
"""Longest filter, in characters."""
MAX_TERMS = 50
MAX_VALUES = 500
"""Most values of one ``in``."""

_TOKEN = re.compile(
    r"""\s*(?: (?P<quoted>"(?:[^"]|"")*"|'(?:[^']|'')*') | (?P<sign><=|>=|!=|==|[=<>,]) | (?P<word>[^\s=<>!,"']+) )""",
    re.VERBOSE,
)
_SELECT = {
    "=": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value = ?",
    "!=": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value <> ?",
    # Every number sorts before every text, so the empty text ends a range of numbers and begins one of texts.
    "number<": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value < ?",
    "number<=": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value <= ?",
    "number>": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value > ? AND value < ''",
    "number>=": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value >= ? AND value < ''",
    "text<": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value < ? AND value >= ''",
    "text<=": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value <= ? AND value >= ''",
    "text>": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value > ?",
    "text>=": "SELECT group_concat(subject) FROM attribute WHERE key = ? AND value >= ?",
}


class Token(NamedTuple):
    """A piece of a filter and where it begins, counted from 1."""

    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: `operator` is ``in`` with any number of values, or a comparison with one."""

    key: str
    operator: str
    values: tuple[Value, ...]


def parse(text: str) -> tuple[Term, ...]:
    """The conditions of a filter, all of which must hold.

    Raises:
        UsageError: ``where``, with the position of what cannot be read.
    """
    if len(text) > MAX_LENGTH:
        raise UsageError(f"a filter has at most {MAX_LENGTH:,} characters, this one has {len(text):,}", code="where")
    tokens = list(_tokens(unicodedata.normalize("NFC", text)))
    terms, at = [], 0
    while True:
        term, at = _term(tokens, at)
        terms.append(term)
        if tokens[at].kind == "end":
            break
        if tokens[at].text.lower() != "and":
            raise _wrong(tokens[at], "'and' or the end (text of several words stands in quotes)")
        at += 1
    if len(terms) > MAX_TERMS:
        raise UsageError(f"a filter has at most {MAX_TERMS} conditions, this one has {len(terms)}", code="where")
    return tuple(terms)


def _tokens(text: str) -> Iterator[Token]:
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            raise _wrong(Token("", text[start], start + 1), "no such sign, or a quote that is not closed")
        kind = str(match.lastgroup)
        yield Token(kind, match[kind], match.start(kind) + 1)
        at = match.end()
    yield Token("end", "", end + 1)


def _term(tokens: list[Token], at: int) -> tuple[Term, int]:
    key = tokens[at]
    try:
        name = check_key(key.text)
    except UsageError:
        raise _wrong(key, "a key, such as site in site=berlin") from None
    sign = tokens[at + 1]
    if sign.kind == "word" and sign.text.lower() == "in":
        return _set(name, tokens, at + 2)
    if sign.kind != "sign" or sign.text == ",":
        raise _wrong(sign, "one of = != < <= > >= in")
    return Term(name, sign.text.replace("==", "="), (_value(name, tokens[at + 2]),)), at + 3


def _set(name: str, tokens: list[Token], at: int) -> tuple[Term, int]:
    values = [_value(name, tokens[at])]
    while tokens[at + 1].text == "," and tokens[at + 1].kind == "sign":
        at += 2
        values.append(_value(name, tokens[at]))
    if len(values) > MAX_VALUES:
        raise UsageError(f"'in' takes at most {MAX_VALUES} values, these are {len(values)}", code="where")
    return Term(name, "in", tuple(values)), at + 1


def _value(name: str, token: Token) -> Value:
    if token.kind not in ("word", "quoted"):
        raise _wrong(token, "a value")
    try:
        return check_value(name, literal(token.text))
    except MienError as error:
        raise _wrong(token, f"another value: {error.message}") from None


def _wrong(token: Token, expected: str) -> UsageError:
    found = f"'{token.text:.30}'" if token.text else "the end"
    return UsageError(f"the filter at character {token.position}: {found}, expected {expected}", code="where")


def select(rows: Rows, terms: tuple[Term, ...]) -> Ids:
    """Sorted ids of the subjects for whom all conditions hold, from the file's own index.

    Raises:
        StoreCorruptError: the index does not agree with the rows.
    """
    if not rows.has(ATTRIBUTE):
        return np.empty(0, np.int64)
    _require_sound(rows)
    found = sorted((_one(rows, term) for term in terms), key=len)
    together = found[0]
    for ids in found[1:]:
        together = np.intersect1d(together, ids, assume_unique=True)
    return np.sort(together)


def _one(rows: Rows, term: Term) -> Ids:
    if term.operator == "in":
        parts = [_fetch(rows, _SELECT["="], term.key, value) for value in dict.fromkeys(term.values)]
        return np.concatenate(parts)
    (value,) = term.values
    kind = "" if term.operator in ("=", "!=") else "text" if isinstance(value, str) else "number"
    return _fetch(rows, _SELECT[kind + term.operator], term.key, value)


def _fetch(rows: Rows, statement: str, key: str, value: Value) -> Ids:
    # One text of all ids: three times as fast as a row of Python objects for each.
    text = cast(str | None, rows.database.connection.execute(statement, (key, value)).get)
    return np.fromstring(text or "", np.int64, sep=",")


def _require_sound(rows: Rows) -> None:
    """Once per opening: a damaged look-up tree would hide people from a search."""
    if ATTRIBUTE.name in rows.sound_trees:
        return
    connection, path = rows.database.connection, rows.database.path
    verdict = connection.execute("PRAGMA integrity_check('attribute')").get
    count = connection.execute("SELECT count(*) FROM attribute").get
    if verdict != "ok" or count != rows.tally(ATTRIBUTE.name)[0]:
        raise StoreCorruptError(
            f"{path}: the list of attributes is damaged; {SALVAGE} ({verdict}, {count} rows)", source=str(path)
        )
    rows.sound_trees.add(ATTRIBUTE.name)
