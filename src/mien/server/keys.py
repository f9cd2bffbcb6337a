"""Keys: who may do what in which gallery. The database holds SHA-256 of 256-bit tokens, never a token."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from mien.errors import AccessError, NotFoundError, UsageError
from mien.server.settings import check_gallery_name
from mien.server.state import Row, StateStore

PREFIX = "mien_"
MAX_TOKEN = 200
"""Longest text that is looked at; a token has about 60 characters."""
MAX_LABEL = 200
_ID = re.compile(r"[0-9a-f]{12}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DURATION = re.compile(r"([1-9][0-9]{0,4})([hdwy])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1), "y": timedelta(days=365)}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS access_key (
    id TEXT PRIMARY KEY, digest BLOB NOT NULL, role TEXT NOT NULL, galleries TEXT, label TEXT NOT NULL,
    created TEXT NOT NULL, expires TEXT, revoked TEXT
) STRICT, WITHOUT ROWID
"""


class Role(StrEnum):
    """What a key is for; `mien.server.access` says what each may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    AUDITOR = "auditor"


class KeyRefusedError(AccessError):
    """A key that does not open anything: missing, unknown, expired or revoked."""

    default_code = "key-unknown"


@dataclass(frozen=True, slots=True)
class Key:
    """A key without its token.

    Args:
        id: public part of the token.
        role: what it may do.
        galleries: names of those it opens; None = all.
        label: what people call it.
        created, expires, revoked: UTC, ISO 8601; None = never.
    """

    id: str
    role: Role
    galleries: frozenset[str] | None
    label: str
    created: str
    expires: str | None
    revoked: str | None

    def opens(self, gallery: str) -> bool:
        """Whether it is for this gallery."""
        return self.galleries is None or gallery in self.galleries

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "id": self.id,
            "role": self.role.value,
            "galleries": None if self.galleries is None else sorted(self.galleries),
            "label": self.label,
            "created": self.created,
            "expires": self.expires,
            "revoked": self.revoked,
        }


class KeyStore(StateStore):
    """The keys of a server; the command and the running server share them through the file.

    Made of the path of the state database, and a clock.
    """

    schema = _SCHEMA

    def create(
        self,
        role: Role,
        *,
        galleries: Sequence[str] | None = None,
        lifetime: timedelta | None = None,
        label: str = "",
        as_uuid: bool = False,
    ) -> tuple[Key, str]:
        """Make a key.

        Args:
            role: what it may do.
            galleries: names of those it opens; None = all.
            lifetime: None = for ever.
            label: what people call it.
            as_uuid: a token of 122 random bits that clients of CompreFace take for one of its keys.

        Returns:
            The key, and its token: to be shown once, it is kept nowhere.
        """
        if len(label) > MAX_LABEL or not label.isprintable():
            raise UsageError(f"a label has at most {MAX_LABEL} printable characters")
        named = None if galleries is None else json.dumps(sorted(check_gallery_name(name) for name in set(galleries)))
        token, now = _uuid_token() if as_uuid else _token(), self._clock()
        number = _number(token)
        expires = None if lifetime is None else (now + lifetime).isoformat()
        self._table.change(
            "INSERT INTO access_key VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            *(number, _digest(token), role.value, named, label, now.isoformat(), expires),
        )
        return self.get(number), token

    def get(self, number: str) -> Key:
        """The key of an id.

        Raises:
            NotFoundError: there is none.
        """
        found = self._table.rows("SELECT * FROM access_key WHERE id = ?", number)
        if not found:
            raise NotFoundError(f"no key '{number:.40}'; `mien keys list` shows them", source=number)
        return _key(found[0])

    def list(self) -> list[Key]:
        """All keys, oldest first, also those that open nothing any more."""
        return [_key(row) for row in self._table.rows("SELECT * FROM access_key ORDER BY created, id")]

    def check(self, token: str) -> Key:
        """The key of a token.

        Raises:
            KeyRefusedError: ``key-unknown``, ``key-expired`` or ``key-revoked``; the latter two only for the right
                token.
        """
        number = _number(token) if len(token) <= MAX_TOKEN else ""
        found = self._table.rows("SELECT * FROM access_key WHERE id = ?", number) if _ID.fullmatch(number) else []
        stored = cast(bytes, found[0][1]) if found else bytes(32)
        if not hmac.compare_digest(_digest(token[:MAX_TOKEN]), stored) or not found:
            raise KeyRefusedError("this key is not known here; ask for another one")
        key = _key(found[0])
        if key.revoked is not None:
            raise KeyRefusedError("this key has been revoked; ask for another one", code="key-revoked")
        if key.expires is not None and datetime.fromisoformat(key.expires) <= self._clock():
            raise KeyRefusedError("this key has expired; ask for another one", code="key-expired")
        return key

    def revoke(self, number: str) -> Key:
        """Make a key open nothing from the next request on; doing it twice changes nothing."""
        self.get(number)
        now = self._clock().isoformat()
        self._table.change("UPDATE access_key SET revoked = ? WHERE id = ? AND revoked IS NULL", now, number)
        return self.get(number)

    def rotate(self, number: str, *, overlap: timedelta = timedelta(0)) -> tuple[Key, str]:
        """A new key with the rights of an old one, which ends after `overlap`.

        Raises:
            NotFoundError: there is no such key.
            UsageError: it opens nothing any more.
        """
        old, now = self.get(number), self._clock()
        end = None if old.expires is None else datetime.fromisoformat(old.expires)
        if old.revoked is not None or (end is not None and end <= now):
            raise UsageError(f"key {number} has ended already: make a new one with `mien keys create`")
        with self._table.changing():
            lifetime = None if end is None else end - datetime.fromisoformat(old.created)
            galleries = None if old.galleries is None else sorted(old.galleries)
            as_uuid = self._is_of_uuid(number)
            made = self.create(old.role, galleries=galleries, lifetime=lifetime, label=old.label, as_uuid=as_uuid)
            last = (now + overlap) if end is None else min(now + overlap, end)
            self._table.change("UPDATE access_key SET expires = ? WHERE id = ?", last.isoformat(), number)
        return made

    def _is_of_uuid(self, number: str) -> bool:
        found = self._table.rows("SELECT digest FROM access_key WHERE id = ?", number)
        return cast(bytes, found[0][0])[:6].hex() == number


def _token() -> str:
    return f"{PREFIX}{secrets.token_hex(6)}_{secrets.token_urlsafe(32)}"


def _uuid_token() -> str:
    return str(uuid.UUID(bytes=secrets.token_bytes(16), version=4))


def _number(token: str) -> str:
    """The id in a token; a UUID has no part to spare for it, so the id is one of its digest."""
    return _digest(token)[:6].hex() if _UUID.fullmatch(token) else token[len(PREFIX) :].partition("_")[0]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _key(row: Row) -> Key:
    number, _, role, galleries, label, created, expires, revoked = cast(tuple[Any, ...], row)
    named = None if galleries is None else frozenset(json.loads(galleries))
    return Key(number, Role(role), named, label, created, expires, revoked)


def parse_lifetime(text: str) -> timedelta:
    """A length of time as it is typed: ``12h``, ``90d``, ``2w``, ``1y``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise UsageError(f"'{text:.40}' is no length of time: write 12h, 90d, 2w or 1y")
    return int(match[1]) * _UNITS[match[2]]
