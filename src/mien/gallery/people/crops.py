"""Small pictures of stored faces: kept only where somebody chose so, and erased with the faces that they show.

A crop has the id of its reference. It lies in the gallery's own file, so that one transaction erases both, and no
crash can leave the one without the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from mien.errors import UsageError
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import CROP, REFERENCE, SETTING

NAME, KEEP = "crops", "keep"
"""Name and value of the row that says a gallery keeps crops."""
MAX_BYTES = 64 << 10
_JPEG = b"\xff\xd8\xff"


def kept(rows: Rows) -> bool:
    """Whether crops are kept from now on."""
    return (NAME, KEEP) in {row[1:] for row in rows.scan(SETTING)}


def count(rows: Rows) -> int:
    """How many there are."""
    return rows.tally(CROP.name)[0] if rows.has(CROP) else 0


def keep(rows: Rows, utc: str) -> None:
    """Keep crops from now on."""
    if not kept(rows):
        rows.insert(SETTING, NAME, KEEP)
        rows.record(utc, "keep-crops")
        rows.advance(appended=True)


def drop(rows: Rows, utc: str) -> int:
    """Keep none from now on, and erase those that there are; how many."""
    settings = [row for row in rows.scan(SETTING) if row[1] == NAME]
    for row in settings:
        rows.delete(SETTING, row)
    found = list(rows.scan(CROP))
    for row in found:
        rows.delete(CROP, row)
    if settings or found:
        rows.record(utc, "erase-crops", crops=len(found))
        rows.advance(appended=True)
    return len(found)


def put(rows: Rows, jpegs: Mapping[int, bytes], utc: str) -> int:
    """Keep the crops of references that have none yet, if the gallery keeps any; how many.

    Args:
        rows: inside a transaction; the references are stored already.
        jpegs: by id of the reference.
        utc: ISO 8601.
    """
    if not jpegs or not kept(rows):
        return 0
    new = [(reference, utc, check(jpeg)) for reference, jpeg in jpegs.items() if not _has(rows, reference)]
    rows.insert_rows(CROP, new)
    return len(new)


def check(jpeg: bytes) -> bytes:
    """The same bytes, if they can be a crop."""
    if not jpeg.startswith(_JPEG) or len(jpeg) > MAX_BYTES:
        raise UsageError(f"a crop is a JPEG of at most {MAX_BYTES:,} bytes, got {len(jpeg):,}", code="crop-invalid")
    return jpeg


def read(rows: Rows, reference: int) -> bytes | None:
    """The crop of a reference as a JPEG, if one is kept."""
    jpeg: bytes | None = rows.get(CROP, reference)[2] if rows.has(CROP) and _has(rows, reference) else None
    return jpeg


def delete_reference(rows: Rows, row: Row) -> None:
    """Delete a reference that was read before, and what it looked like."""
    if _has(rows, row[0]):
        rows.delete(CROP, rows.get(CROP, row[0]))
    rows.delete(REFERENCE, row)


def _has(rows: Rows, reference: int) -> bool:
    found = rows.database.connection.execute("SELECT 1 FROM crop WHERE id = ?", (reference,)).fetchone()
    return found is not None
