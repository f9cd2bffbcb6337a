"""Pictures and the faces in them, as rows."""

from __future__ import annotations

import os
import time
from typing import cast

import numpy as np

from mien.errors import ModelMismatchError
from mien.gallery.people.records import PictureRecord, Reference
from mien.gallery.store.names import label, name_key
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import PICTURE, REFERENCE, SUBJECT
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates


def accept(rows: Rows, templates: Templates, utc: str) -> None:
    """Check that templates may enter; the first ones decide what the gallery holds.

    Raises:
        ModelMismatchError: another contract, or int8 beside other precisions.
    """
    if rows.contract is None:
        rows.set_contract(templates.contract, templates.precision, utc)
    where = str(rows.database.path)
    require_comparable(rows, templates.contract, templates.precision, where)
    if rows.tally(REFERENCE.name)[0] == 0 and rows.precision is not templates.precision:
        rows.set_contract(templates.contract, templates.precision, utc)


def require_comparable(rows: Rows, contract: TemplateContract, precision: Precision, where: str) -> None:
    """Raise ModelMismatchError unless templates of this kind may be compared with those of the gallery."""
    if rows.contract is None or rows.precision is None:
        return
    rows.contract.require(contract, where)
    if rows.tally(REFERENCE.name)[0] and not rows.precision.mixes_with(precision):
        raise ModelMismatchError(
            f"{where} holds {rows.precision} templates, these are {precision}: int8 only compares with int8; "
            f"choose the precision with --precision",
            source=where,
        )


def find_picture(rows: Rows, sha256: str) -> Row | None:
    """The row of a picture by content, or None."""
    found = rows.database.connection.execute("SELECT id FROM picture WHERE sha256 = ?", (sha256,)).fetchone()
    return None if found is None else rows.get(PICTURE, cast(int, found[0]))


def put_picture(rows: Rows, picture: PictureRecord, utc: str, failure: str | None = None) -> int:
    """Add a picture, or bring its row up to date, and give its id."""
    values = picture_values(picture, utc, failure)
    known = find_picture(rows, picture.sha256)
    if known is None:
        return rows.insert(PICTURE, *values)
    if known[6] != failure:
        _, path, width, height, *_ = values
        rows.update(PICTURE, known, path=path, width=width, height=height, indexed=utc, failure=failure)
    return int(known[0])


def picture_values(picture: PictureRecord, utc: str, failure: str | None = None) -> Row:
    """The columns of a picture after its id."""
    path = os.fsencode(picture.path).decode("utf-8", "backslashreplace")  # file names need not be UTF-8
    return (picture.sha256, path, *picture.size, utc, failure)


def faces_of(rows: Rows, picture: int) -> list[Row]:
    """References of a picture, by id."""
    found = rows.database.connection.execute("SELECT id FROM reference WHERE picture = ? ORDER BY id", (picture,))
    return [rows.get(REFERENCE, row_id) for (row_id,) in cast(list[tuple[int]], found.fetchall())]


def put_subject(rows: Rows, name: str | None, utc: str) -> int:
    """Add a subject and give its id."""
    return rows.insert(SUBJECT, new_uid(), name, None if name is None else name_key(name), utc)


def new_uid() -> str:
    """A UUID of version 7, the opaque name of a subject: milliseconds, then 74 random bits.

    New ones sort after old ones, so that adding many people touches a few pages of the tree of uids, not all of it.
    """
    text = os.urandom(10).hex()
    time_ms = f"{time.time_ns() // 1_000_000:012x}"
    variant = "89ab"[int(text[3], 16) & 3]
    return f"{time_ms[:8]}-{time_ms[8:]}-7{text[:3]}-{variant}{text[4:7]}-{text[8:]}"


def to_reference(rows: Rows, row: Row, name: str | None) -> Reference:
    """A reference row as callers see it."""
    picture = None if row[2] is None else rows.get(PICTURE, row[2])
    box = tuple(float(v) for v in np.frombuffer(row[7], "<f4"))
    points = tuple((float(x), float(y)) for x, y in np.frombuffer(row[8], "<f4").reshape(-1, 2))
    path = (picture[2] or "") if picture else ""
    return Reference(
        id=row[0],
        subject=label(row[1], name),
        face=Face((box[0], box[1], box[2], box[3]), row[4], points, path),
        picture=row[2],
        sha256=picture[1] if picture else "",
        precision=row[3],
        pinned=bool(row[5]),
        created=row[6],
    )
