"""Answers that are given again: a request sent twice with one idempotency key has one effect."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from mien.gallery.calls.session import Clock, utc_now
from mien.gallery.store.names import name_key
from mien.server.problems import Problem
from mien.server.state import StateStore

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answer (
    access_key TEXT NOT NULL, key TEXT NOT NULL, request BLOB NOT NULL, gallery TEXT NOT NULL, subject TEXT NOT NULL,
    document TEXT NOT NULL, created TEXT NOT NULL, PRIMARY KEY (access_key, key)
) STRICT, WITHOUT ROWID
"""


class Answers(StateStore):
    """The answers of the last hours, by access key and idempotency key.

    Args:
        path: the state database.
        keep_s: how long an answer is kept, in seconds.
        clock: gives the time, in UTC.
    """

    schema = _SCHEMA

    def __init__(self, path: Path, keep_s: float, clock: Clock = utc_now) -> None:
        super().__init__(path, clock)
        self._keep = timedelta(seconds=keep_s)
        self._lock = threading.Lock()
        self._busy: set[tuple[str, str]] = set()

    def once(
        self, owner: str, key: str, request: bytes, about: tuple[str, str], work: Callable[[], dict[str, Any]]
    ) -> tuple[dict[str, Any], bool]:
        """The answer of `work`, which is called only if this request was not answered before.

        Args:
            owner: id of the access key.
            key: the idempotency key.
            request: what was asked, as a digest.
            about: gallery and subject.
            work: gives the answer.

        Returns:
            The answer, and whether it is an earlier one.

        Raises:
            Problem: the key was used for something else (422), or the first request is still at work (409).
        """
        if not _KEY.fullmatch(key):
            raise Problem(422, "idempotency-key", "an Idempotency-Key has 1 to 200 visible ASCII characters")
        with self._alone(owner, key):
            oldest = (self._clock() - self._keep).isoformat()
            found = self._table.rows(
                "SELECT request, document FROM answer WHERE access_key = ? AND key = ? AND created >= ?",
                *(owner, key, oldest),
            )
            if found:
                if found[0][0] != request:
                    raise Problem(422, "idempotency-key", "this Idempotency-Key was used for another request")
                return json.loads(str(found[0][1])), True
            answer = work()
            gallery, subject = about
            with self._table.changing():
                self._table.change("DELETE FROM answer WHERE created < ?", oldest)
                self._table.change(
                    "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?, ?, ?)",
                    *(owner, key, request, gallery, name_key(subject), json.dumps(answer), self._clock().isoformat()),
                )
            return answer, False

    def forget(self, gallery: str, subject: str) -> None:
        """Erase what was answered about a subject."""
        self._table.change("DELETE FROM answer WHERE gallery = ? AND subject = ?", gallery, name_key(subject))

    @contextmanager
    def _alone(self, owner: str, key: str) -> Iterator[None]:
        with self._lock:
            if (owner, key) in self._busy:
                raise Problem(409, "idempotency-busy", "the first request with this Idempotency-Key is still at work")
            self._busy.add((owner, key))
        try:
            yield
        finally:
            with self._lock:
                self._busy.discard((owner, key))


def digest_of(*parts: str | bytes) -> bytes:
    """SHA-256 of several parts, each with its length."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()
