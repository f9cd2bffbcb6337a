"""Lists in pages: a cursor says after which row to go on, so that rows which come or go in between do no harm."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar, cast

from fastapi import Query

from mien.server.problems import Problem
from mien.server.schemas import MAX_PAGE

T = TypeVar("T")
SortKey = tuple[int | str, ...]

PageLimit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Rows a page.")]
Cursor = Annotated[str | None, Query(max_length=2000, description="`next` of the page before.")]


def page(rows: Sequence[T], key: Callable[[T], SortKey], limit: int, cursor: str | None) -> tuple[list[T], str | None]:
    """The rows after the cursor, and the cursor of the next page.

    Args:
        rows: all, in the order of `key`.
        key: what a row is sorted by; unique.
        limit: rows a page.
        cursor: of the page before.

    Raises:
        Problem: the cursor is none of ours.
    """
    if cursor is not None:
        after = _read(cursor)
        try:
            rows = [row for row in rows if key(row) > after]
        except TypeError as error:
            raise _bad() from error
    last = len(rows) <= limit
    found = list(rows[:limit])
    return found, None if last else _write(key(found[-1]))


def _write(key: SortKey) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def _read(cursor: str) -> SortKey:
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError) as error:
        raise _bad() from error
    if not isinstance(key, list) or not all(isinstance(part, int | str) for part in key):
        raise _bad()
    return cast(SortKey, tuple(key))


def _bad() -> Problem:
    return Problem(422, "cursor", "this cursor is none of ours: send `next` of the page before, unchanged")
