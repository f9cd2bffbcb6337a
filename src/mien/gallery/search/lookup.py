"""Who is called what: single rows found through the file's look-up trees, each compared with its seal."""

from __future__ import annotations

from typing import cast

from mien.errors import NotFoundError, StoreCorruptError
from mien.gallery.store.database import SALVAGE
from mien.gallery.store.names import label, label_id, name_key
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import SUBJECT

REMEMBERED = 100_000
"""Labels kept between searches of one revision."""


class Lookup:
    """Names and numbers of subjects, read when they are asked for.

    Args:
        rows: the open gallery.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._labels: dict[int, str] = {}
        self._sound = False

    def renew(self) -> None:
        """The file changed: somebody may be called otherwise now."""
        self._labels.clear()

    def find(self, subject: str) -> int | None:
        """Id of a subject by name or ``#12``; None when there is nobody.

        Raises:
            StoreCorruptError: nobody was found, and the trees that say so are damaged.
        """
        execute, key = self._rows.database.connection.execute, name_key(subject)
        found = execute("SELECT id FROM subject WHERE name_key = ?", (key,)).fetchone()
        if found is None:
            number = label_id(subject)
            found = execute("SELECT id FROM subject WHERE id = ?", (number,)).fetchone() if number else None
            key = ""
        if found is None:
            self._require_sound()
            return None
        row = self._rows.get(SUBJECT, cast(int, found[0]))
        if key and row[3] != key:
            raise self._damaged(f"'{subject}' leads to subject {row[0]}")
        return cast(int, row[0])

    def require(self, subject: str, path: str) -> int:
        """Id of a subject, or NotFoundError."""
        found = self.find(subject)
        if found is None:
            raise NotFoundError(
                f"{path} has no subject '{subject}'; `mien gallery subjects` lists them", source=subject
            )
        return found

    def label(self, subject: int) -> str:
        """What a subject that is there is called."""
        known = self._labels.get(subject)
        if known is None:
            if len(self._labels) >= REMEMBERED:
                self._labels.clear()
            known = self._labels[subject] = label(subject, self._rows.get(SUBJECT, subject)[2])
        return known

    def named(self) -> dict[int, str]:
        """Names by subject id, all of them."""
        return {row[0]: row[2] for row in self._rows.scan(SUBJECT) if row[2] is not None}

    def unnamed(self) -> int:
        """How many subjects have no name."""
        statement = "SELECT count(*) FROM subject WHERE name IS NULL"
        return cast(int, self._rows.database.connection.execute(statement).get)

    def _require_sound(self) -> None:
        """Once per opening: a damaged look-up tree would say 'nobody', and store a person twice."""
        if not self._sound:
            verdict = self._rows.database.connection.execute("PRAGMA integrity_check('subject')").get
            if verdict != "ok":
                raise self._damaged(str(verdict))
            self._sound = True

    def _damaged(self, detail: str) -> StoreCorruptError:
        path = str(self._rows.database.path)
        return StoreCorruptError(f"{path}: the list of subjects is damaged; {SALVAGE} ({detail})", source=path)
