"""The right to be forgotten: all rows of people, crops included, and their names in the paths of others' pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mien.gallery.people.corrections import delete_subject
from mien.gallery.people.crops import delete_reference
from mien.gallery.search.projection import Projection
from mien.gallery.store.names import label, name_key
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import PICTURE, REFERENCE, SUBJECT


def erase(
    rows: Rows, projection: Projection, subjects: Sequence[int], utc: str, action: str = "forget"
) -> list[dict[str, Any]]:
    """Delete all rows of subjects; a receipt and an audit record each.

    Pictures that show nobody else go. From the paths of the others the name is taken by clearing them.
    """
    people = [rows.get(SUBJECT, subject) for subject in subjects]
    named = _named(rows, people)
    shown = [_erase_rows(rows, projection, person) for person in people]
    receipts = []
    gone: set[int] = set()
    for person, references in zip(people, shown, strict=True):
        own = {row[2] for row in references if row[2] is not None}
        pictures, paths = _erase_pictures(rows, own, named[person[0]], person[2], gone)
        record = rows.record(utc, action, person[1], references=len(references), pictures=pictures, paths=paths)
        receipts.append(
            {
                "subject": label(person[0], person[2]),
                "uid": person[1],
                "references": len(references),
                "pictures": pictures,
                "paths": paths,
                "record": record,
                "utc": utc,
            }
        )
    rows.advance(appended=False)
    return receipts


def _erase_rows(rows: Rows, projection: Projection, person: Row) -> list[Row]:
    references = [rows.get(REFERENCE, row_id) for row_id in projection.references(person[0])]
    for row in references:
        delete_reference(rows, row)
    delete_subject(rows, person)
    return references


def _named(rows: Rows, people: Sequence[Row]) -> dict[int, set[int]]:
    """Ids of pictures by subject in whose path the name stands, whoever is in them."""
    found: dict[int, set[int]] = {person[0]: set() for person in people}
    keys = [(person[0], name_key(person[2])) for person in people if person[2] is not None]
    for row in rows.scan(PICTURE) if keys else ():
        path = "" if row[2] is None else name_key(row[2])
        for subject, key in keys:
            if key in path:
                found[subject].add(row[0])
    return found


def _erase_pictures(rows: Rows, own: set[int], named: set[int], name: str | None, gone: set[int]) -> tuple[int, int]:
    """Delete pictures that show nobody else, clear the paths of those that do: (deleted, cleared).

    Pictures in which nobody was found can lie in a folder of that name; without their rows they are only read again.

    Args:
        rows: without the references of whoever is erased.
        own: pictures that showed the person.
        named: pictures in whose path the name stands.
        name: None for somebody without one.
        gone: pictures that are deleted already; carried on in place.
    """
    deleted = cleared = 0
    for picture in sorted((own | named) - gone):
        row = rows.get(PICTURE, picture)
        if not _shows_someone(rows, picture):
            rows.delete(PICTURE, row)
            gone.add(picture)
            deleted += 1
        elif picture in own and name is not None and row[2] is not None and name_key(name) in name_key(row[2]):
            rows.update(PICTURE, row, path=None)
            cleared += 1
    return deleted, cleared


def _shows_someone(rows: Rows, picture: int) -> bool:
    statement = "SELECT 1 FROM reference WHERE picture = ? LIMIT 1"
    return rows.database.connection.execute(statement, (picture,)).fetchone() is not None
