"""Which pictures of a folder an earlier run wrote, and what it found in them."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mien.types.anonymized import Anonymized

NAME = ".mien-anonymize.jsonl"


@dataclass(slots=True)
class Journal:
    """A line for every picture, appended before the picture is put in its place; safe to use from several threads.

    A run that is killed in between leaves a line whose picture is not there, or is an older one of ours; both are made
    again. A picture that no line knows is somebody else's and is never overwritten.

    Args:
        folder: where the pictures are written.
    """

    folder: Path
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        with suppress(FileNotFoundError):
            for line in (self.folder / NAME).read_text("utf-8", errors="replace").splitlines():
                with suppress(json.JSONDecodeError, KeyError, TypeError):  # the line of a run that was killed
                    row = json.loads(line)
                    self._rows.setdefault(row["name"], []).append(
                        {key: row[key] for key in ("key", "sha256", "picture")}
                    )

    def done(self, name: str, key: str) -> Anonymized | None:
        """What was found in the picture that is there, if it was made from the same with the same."""
        present = self._sha256(name)
        for row in reversed(self._rows.get(name, [])):
            if row["sha256"] == present and row["key"] == key:
                with suppress(KeyError, TypeError, ValueError):
                    return Anonymized.from_dict(row["picture"])
        return None

    def may_write(self, name: str) -> bool:
        """Whether there is nothing, or a picture that an earlier run wrote."""
        present = self._sha256(name)
        return present is None or any(row["sha256"] == present for row in self._rows.get(name, []))

    def add(self, name: str, key: str, data: bytes, picture: Anonymized) -> None:
        """Remember a picture that is about to be written."""
        row = {"name": name, "key": key, "sha256": hashlib.sha256(data).hexdigest(), "picture": picture.to_dict()}
        with self._lock, (self.folder / NAME).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def _sha256(self, name: str) -> str | None:
        path = self.folder / name
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
