"""Corrections that can be taken back, as long as nothing that they touched has changed since."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from mien.errors import ConflictError, NotFoundError, UsageError
from mien.gallery.calls.adding import Adding
from mien.gallery.people import corrections
from mien.gallery.people.faces import put_subject
from mien.gallery.search.projection import Projection
from mien.gallery.store.changes import TrackedRows
from mien.gallery.store.names import check_name, name_key
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import ATTRIBUTE, CONSENT, REFERENCE, SEPARATION, SUBJECT, Table

KEPT = 100
"""Corrections that are remembered; names of people stand in them, so they live in memory only."""
Place: TypeAlias = tuple[str, int]
_TABLES = {table.name: table for table in (SUBJECT, REFERENCE, SEPARATION, ATTRIBUTE, CONSENT)}


@dataclass(slots=True)
class Journal:
    """What rows were before a correction touched them; None: they were not there."""

    before: dict[Place, Row | None] = field(default_factory=dict)

    def note(self, table: Table, row_id: int, row: Row | None) -> None:
        """Remember a row the first time it is touched."""
        if table.name in _TABLES:
            self.before.setdefault((table.name, row_id), _seen(table, row))


@dataclass(frozen=True, slots=True)
class Step:
    """One correction.

    Args:
        action: as in the audit trail.
        before, after: what the touched rows were and became; None: not there.
    """

    action: str
    before: Mapping[Place, Row | None]
    after: Mapping[Place, Row | None]


class Undoing(Adding):
    """The calls that take corrections back; see `Gallery`."""

    _steps: deque[Step] | None = None

    @contextlib.contextmanager
    def _correcting(self, action: str) -> Iterator[tuple[TrackedRows, Projection]]:
        """`_writing` for a correction that `undo` can take back; one inside another belongs to it."""
        with self._writing() as (rows, projection):
            if rows.journal is not None:
                yield rows, projection
                return
            rows.journal = journal = Journal()
            try:
                yield rows, projection
                step = Step(action, journal.before, {place: _now(rows, *place) for place in journal.before})
            finally:
                rows.journal = None
        if step.before != step.after:
            self._remembered().append(step)

    def _remembered(self) -> deque[Step]:
        if self._steps is None:
            self._steps = deque(maxlen=KEPT)
        return self._steps

    @contextlib.contextmanager
    def _writing(self, *, names: bool = True, erase: bool = False) -> Iterator[tuple[TrackedRows, Projection]]:
        """See `Session`; what is erased must not come back."""
        if erase:
            self._remembered().clear()
        with super()._writing(names=names, erase=erase) as state:
            yield state

    def undoable(self) -> list[str]:
        """The corrections made through this object that `undo` would take back, the latest last."""
        return [step.action for step in self._remembered()]

    def undo(self) -> str:
        """Take back the latest name, merge, split, move or separation made through this object.

        Returns:
            What it was.

        Raises:
            NotFoundError: there is nothing to take back; erasing somebody empties the list.
            ConflictError: what it touched was changed since; it stays, and is dropped from the list.
        """
        with self._lock:
            steps = self._remembered()
            if not steps:
                raise NotFoundError(f"{self.path}: no correction to take back", code="undo-nothing")
            step = steps.pop()
            with self._writing() as (rows, _):
                _restore(rows, step)
                rows.record(self._utc(), "undo", rows=len(step.before))
                rows.advance(appended=False)
            return step.action

    def split(self, subject: str, references: Sequence[int], name: str | None = None) -> str:
        """Say that some faces of a subject are somebody else's: they become a new subject, apart from the old one.

        Args:
            subject: name, or ``#12``.
            references: ids; at least one face has to stay.
            name: of the new subject; None: without one.

        Returns:
            The new subject's label.

        Raises:
            UsageError: a reference is another subject's, or none would stay.
            ConflictError: somebody has the name already.
        """
        name = None if name is None else check_name(name)
        with self._correcting("split") as (rows, projection):
            old, utc = projection.require(subject, str(self.path)), self._utc()
            leaving, owned = set(references), set(projection.references(old))
            if not leaving or not leaving < owned:
                raise UsageError(f"a split takes some, not all, of the {len(owned)} faces of '{subject:.80}'")
            if name is not None and projection.find(name) is not None:
                raise ConflictError(f"somebody is called '{name}' already; move the faces there", code="name-taken")
            new = put_subject(rows, name, utc)
            for reference in sorted(leaving):
                rows.update(REFERENCE, rows.get(REFERENCE, reference), subject=new, pinned=1)
            corrections.separate(rows, old, new, utc)
            rows.record(utc, "split", rows.get(SUBJECT, new)[1], references=len(leaving))
            rows.advance(appended=False)
        with self._reading() as (_, projection):
            return projection.label(new)


def _seen(table: Table, row: Row | None) -> Row | None:
    """What is kept of a row: of a reference whose it is and whether somebody said so, never its template."""
    return (row[1], row[5]) if row is not None and table is REFERENCE else row


def _now(rows: Rows, name: str, row_id: int) -> Row | None:
    table = _TABLES[name]
    there = rows.database.connection.execute(table.get, (row_id,)).fetchone()
    return None if there is None else _seen(table, rows.get(table, row_id))


def _restore(rows: Rows, step: Step) -> None:
    if any(_now(rows, *place) != after for place, after in step.after.items()):
        raise _changed(rows, step)
    for (name, row_id), row in step.before.items():
        if name == SUBJECT.name and row is not None:
            _put_subject(rows, row_id, row, step)
    for (name, row_id), row in step.before.items():
        if name == REFERENCE.name and row is not None:
            rows.update(REFERENCE, rows.get(REFERENCE, row_id), subject=row[0], pinned=row[1])
    for table in (SEPARATION, ATTRIBUTE, CONSENT):
        _put_back(rows, table, step)
    for (name, row_id), row in step.before.items():
        if name == SUBJECT.name and row is None and step.after[name, row_id] is not None:
            if rows.database.connection.execute("SELECT 1 FROM reference WHERE subject = ?", (row_id,)).fetchone():
                raise _changed(rows, step)
            corrections.delete_subject(rows, rows.get(SUBJECT, row_id))


def _put_subject(rows: Rows, row_id: int, row: Row, step: Step) -> None:
    """Give a subject its row back, under the name it had, if that is still free."""
    if row[2] is not None:
        found = rows.database.connection.execute("SELECT id FROM subject WHERE name_key = ?", (name_key(row[2]),))
        if any(holder != row_id for (holder,) in found.fetchall()):
            raise _changed(rows, step)
    if step.after[SUBJECT.name, row_id] is None:
        rows.insert_rows(SUBJECT, [row])
    else:
        _, _, name, key, _ = row
        rows.update(SUBJECT, rows.get(SUBJECT, row_id), name=name, name_key=key)


def _put_back(rows: Rows, table: Table, step: Step) -> None:
    places = [(row_id, row) for (name, row_id), row in step.before.items() if name == table.name]
    for row_id, _ in places:
        if step.after[table.name, row_id] is not None:
            rows.delete(table, rows.get(table, row_id))
    rows.insert_rows(table, [row for _, row in places if row is not None])


def _changed(rows: Rows, step: Step) -> ConflictError:
    path = rows.database.path
    return ConflictError(f"{path}: the {step.action} cannot be taken back; it was changed since", code="undo-changed")
