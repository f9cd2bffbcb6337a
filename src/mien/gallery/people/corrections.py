"""What people say about who is who. Each call is one change with one audit record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from mien.errors import ConflictError, NotFoundError, UsageError
from mien.gallery.people import attributes, consent, operating
from mien.gallery.people.crops import delete_reference
from mien.gallery.people.faces import put_subject
from mien.gallery.search.projection import Projection
from mien.gallery.store import codec
from mien.gallery.store.names import name_key
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import REFERENCE, SEPARATION, SUBJECT
from mien.types.arrays import FloatArray
from mien.types.template import Precision, TemplateContract, check_unit


def rename(rows: Rows, projection: Projection, subject: int, name: str, utc: str) -> None:
    """Give a subject a checked name."""
    holder = projection.find(name)
    old = rows.get(SUBJECT, subject)
    if holder is not None and holder != subject:
        raise ConflictError(
            f"somebody is called '{name}' already; `mien gallery merge` makes "
            f"'{projection.label(subject)}' the same person",
            code="name-taken",
            source=name,
        )
    rows.update(SUBJECT, old, name=name, name_key=name_key(name))
    rows.record(utc, "rename", old[1], subjects=1)
    rows.advance(appended=False)


def give(rows: Rows, reference: Row, owner: int) -> None:
    """Move a reference on a person's word; a nameless subject that is left empty goes, and was `owner` all the time."""
    rows.update(REFERENCE, reference, subject=owner, pinned=1)
    drop_if_empty(rows, reference[1], owner)


def drop_if_empty(rows: Rows, subject: int, heir: int | None = None) -> None:
    """Delete a subject without name and references; what is known of it goes to the heir, if any."""
    row = rows.get(SUBJECT, subject)
    used = rows.database.connection.execute("SELECT 1 FROM reference WHERE subject = ? LIMIT 1", (subject,)).fetchone()
    if row[2] is None and used is None:
        if heir is not None:
            attributes.inherit(rows, subject, heir)
            consent.inherit(rows, subject, heir)
        delete_subject(rows, row)


def delete_subject(rows: Rows, row: Row) -> None:
    """Delete a subject that has no references, and what was said about it."""
    for separation in list(rows.scan(SEPARATION)):
        if row[0] in separation[1:3]:
            rows.delete(SEPARATION, separation)
    attributes.delete(rows, row[0])
    consent.delete(rows, row[0])
    rows.delete(SUBJECT, row)


def merge(rows: Rows, projection: Projection, into: int, others: Sequence[int], utc: str) -> int:
    """Move all references of `others` to `into` and delete the others."""
    if not others or into in others:
        raise UsageError("a merge needs a subject and at least one other")
    moved = 0
    for other in dict.fromkeys(others):
        for row_id in projection.references(other):
            rows.update(REFERENCE, rows.get(REFERENCE, row_id), subject=into, pinned=1)
            moved += 1
        inherit_separations(rows, other, into, utc)
        attributes.inherit(rows, other, into)
        consent.inherit(rows, other, into)
        delete_subject(rows, rows.get(SUBJECT, other))
    for row_id in projection.references(into):
        row = rows.get(REFERENCE, row_id)
        if not row[5]:
            rows.update(REFERENCE, row, pinned=1)
    rows.record(utc, "merge", rows.get(SUBJECT, into)[1], subjects=len(set(others)), references=moved)
    rows.advance(appended=False)
    return moved


def inherit_separations(rows: Rows, old: int, new: int, utc: str) -> None:
    """Who was not `old` is not `new` either."""
    apart = pairs(rows)
    for pair in list(apart):
        if old in pair:
            third = pair[0] if pair[1] == old else pair[1]
            wanted = (min(third, new), max(third, new))
            if third != new and wanted not in apart:
                rows.insert(SEPARATION, *wanted, utc)


def pairs(rows: Rows) -> set[tuple[int, int]]:
    """Subjects that are not the same person, lower id first."""
    return {(row[1], row[2]) for row in rows.scan(SEPARATION)}


def separate(rows: Rows, first: int, second: int, utc: str) -> None:
    """Store that two subjects are two people."""
    if first == second:
        raise UsageError("one subject cannot be two people; move its references instead")
    pair = (min(first, second), max(first, second))
    if pair not in pairs(rows):
        rows.insert(SEPARATION, *pair, utc)
        rows.record(utc, "separate", rows.get(SUBJECT, pair[0])[1], separations=1)
        rows.advance(appended=False)


def move(rows: Rows, projection: Projection, reference: int, owner: int | None, name: str | None, utc: str) -> int:
    """Give a reference to `owner`, or to a new subject called `name`; the subject's id comes back."""
    row = find_reference(rows, projection, reference)
    target = put_subject(rows, name, utc) if owner is None else owner
    if row[1] == target:
        if not row[5]:
            rows.update(REFERENCE, row, pinned=1)
    else:
        give(rows, row, target)
    rows.record(utc, "move", rows.get(SUBJECT, target)[1], references=1)
    rows.advance(appended=False)
    return target


def find_reference(rows: Rows, projection: Projection, reference: int) -> Row:
    """The row of a reference id that came from a caller."""
    if reference not in projection.owners()[0]:
        raise NotFoundError(f"{rows.database.path} has no reference {reference}; `mien gallery show` lists them")
    return rows.get(REFERENCE, reference)


def remove(rows: Rows, projection: Projection, references: Sequence[int], utc: str) -> int:
    """Delete references, and the nameless subjects left empty. Their pictures stay known: they are not read again."""
    doomed = [find_reference(rows, projection, reference) for reference in dict.fromkeys(references)]
    for row in doomed:
        delete_reference(rows, row)
    for subject in sorted({row[1] for row in doomed}):
        drop_if_empty(rows, subject)
    rows.record(utc, "remove", references=len(doomed))
    rows.advance(appended=False)
    return len(doomed)


def reembed(
    rows: Rows,
    projection: Projection,
    contract: TemplateContract,
    templates: Iterable[tuple[int, FloatArray, Precision]],
    utc: str,
) -> int:
    """Replace every template; see `Gallery.replace_templates`."""
    fresh = {reference: (vector, precision) for reference, vector, precision in templates}
    ids = projection.owners()[0].tolist()
    missing = [row_id for row_id in ids if row_id not in fresh]
    if missing or len(fresh) != len(ids):
        raise ConflictError(
            f"{rows.database.path}: {len(missing)} of {len(ids)} references have no new template ({missing[:3]}…), "
            f"{len(fresh) - len(ids) + len(missing)} are unknown; remove those whose picture is gone",
            code="reembed-incomplete",
        )
    kinds = {precision for _, precision in fresh.values()} or {Precision.F32}
    if len({precision is Precision.INT8 for precision in kinds}) > 1:
        raise UsageError("int8 templates do not mix with others")
    old = [rows.get(REFERENCE, row_id) for row_id in ids]
    operating.clear(rows)  # measured on the templates that go
    rows.replace_references(contract, sorted(kinds)[0], utc, _with_templates(old, contract, fresh, rows.compact))
    rows.record(utc, "reembed", references=len(ids))
    rows.advance(appended=False)
    return len(ids)


def _with_templates(
    old: Sequence[Row], contract: TemplateContract, fresh: dict[int, tuple[FloatArray, Precision]], compact: bool
) -> Iterator[Row]:
    for row in old:
        vector, precision = fresh[row[0]]
        if vector.shape != (contract.dimension,):
            raise UsageError(f"reference {row[0]}: expected {contract.dimension} numbers", code="embedding-dimension")
        check_unit(np.atleast_2d(vector))
        yield (*row[:3], precision.value, *row[4:9], *codec.encode(np.atleast_2d(vector), compact))
