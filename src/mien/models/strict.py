"""TOML read strictly: what is missing, unknown or of the wrong type is named, never passed over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from mien.errors import ModelInvalidError

T = TypeVar("T")


class Table:
    """A table of a card; every complaint names the file and the key."""

    def __init__(self, values: dict[str, Any], path: Path, prefix: str = "") -> None:
        self._values = dict(values)
        self._path = path
        self._prefix = prefix

    def take(self, key: str, kind: type[T] | tuple[type[T], ...], default: Any = ...) -> T:
        """The value of `key`, removed; `default` where the key may be absent."""
        if key not in self._values:
            if default is ...:
                raise self.error(key, "is missing")
            return default  # type: ignore[no-any-return]
        value = self._values.pop(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            wanted = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
            raise self.error(key, f"must be {wanted}, got {value!r}")
        return value

    def match(self, key: str, pattern: re.Pattern[str]) -> str:
        """A string of a fixed form."""
        value = self.take(key, str)
        if not pattern.fullmatch(value):
            raise self.error(key, f"must match {pattern.pattern}, got {value!r}")
        return value

    def choice(self, key: str, allowed: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self.take(key, str)
        if value not in allowed:
            raise self.error(key, f"must be one of {', '.join(allowed)}; got {value!r}")
        return value

    def items(self, key: str, kind: type[T] | tuple[type[T], ...], default: Any = ...) -> tuple[T, ...]:
        """A list whose items are all of one type."""
        values = self.take(key, list, default)
        for value in values:
            if not isinstance(value, kind) or isinstance(value, bool):
                raise self.error(key, f"has an item of the wrong type: {value!r}")
        return tuple(values)

    def table(self, key: str) -> Table | None:
        """A sub-table, None when absent."""
        values = self.take(key, dict, None)
        return None if values is None else Table(values, self._path, f"{self._prefix}{key}.")

    def tables(self, key: str) -> Iterator[Table]:
        """A list of tables; absent is empty."""
        for i, values in enumerate(self.items(key, dict, [])):
            yield Table(values, self._path, f"{self._prefix}{key}[{i}].")

    def rest(self) -> dict[str, Any]:
        """What was not taken yet."""
        rest, self._values = self._values, {}
        return rest

    def done(self) -> None:
        """Raise if a key was left over."""
        for key in self._values:
            raise self.error(key, "is not a key of a card")

    def error(self, key: str, problem: str) -> ModelInvalidError:
        """The error for one key."""
        message = f"{self._path}: '{self._prefix}{key}' {problem}"
        return ModelInvalidError(message, code="card-invalid", source=str(self._path))
