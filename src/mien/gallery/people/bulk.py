"""References added many at once: all rows are gathered first, then written and counted once a table."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from mien.gallery.index import Ids
from mien.gallery.people import consent
from mien.gallery.people.corrections import give
from mien.gallery.people.faces import faces_of, find_picture, new_uid, picture_values, put_picture
from mien.gallery.people.records import Enrolled, PictureRecord
from mien.gallery.search.projection import Projection
from mien.gallery.store import codec
from mien.gallery.store.names import check_name, label_id, name_key
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import PICTURE, REFERENCE, SUBJECT, Table
from mien.geometry.boxes import iou
from mien.types.faces import Face
from mien.types.template import Templates

_BOX = struct.Struct("<4f")
SAME_FACE_IOU = 0.5
"""Two boxes of one picture that overlap by this are one face, found twice."""


class Gathered:
    """New rows of one table, with their ids, before they are written."""

    def __init__(self, rows: Rows, table: Table) -> None:
        self._rows = rows
        self._table = table
        self._next = rows.next_id(table.name)
        self.rows: list[Row] = []

    def add(self, *values: Any) -> int:
        """Keep a row for later and give its id."""
        new = self._next
        self._next += 1
        self.rows.append((new, *values))
        return new

    def write(self) -> None:
        """Insert what was gathered."""
        if self.rows:
            self._rows.insert_rows(self._table, self.rows)
            self.rows = []


@dataclass(slots=True)
class Shown:
    """A face of a picture that is stored or gathered."""

    reference: int
    subject: int
    box: tuple[float, float, float, float]


class Intake:
    """The new references of one call, with the subjects and pictures that they need.

    Args:
        rows: inside a transaction, with a contract that the templates fit.
        projection: knows who is called what.
        utc: ISO 8601.
        ended: sorted ids of those who may not be added to.

    Attributes:
        moved: how many faces of people without a name were given to someone.
    """

    def __init__(self, rows: Rows, projection: Projection, utc: str, ended: Ids) -> None:
        self._rows = rows
        self._projection = projection
        self._utc = utc
        self._ended = ended
        self._gathered = {table.name: Gathered(rows, table) for table in (SUBJECT, PICTURE, REFERENCE)}
        self._owners: dict[str, int] = {}
        self._pictures: dict[str, int] = {}
        self._shown: dict[int, list[Shown]] = {}
        self.moved = 0

    def add(
        self, templates: Templates, subjects: Sequence[str | None], pictures: Sequence[PictureRecord | None]
    ) -> list[Enrolled]:
        """Gather one reference a template; `write` stores them.

        Args:
            templates: n of them.
            subjects: n names (made if new) or ``#12``; None for somebody new without a name.
            pictures: n, what each face was taken from.
        """
        blobs = codec.encode(templates.vectors, self._rows.compact)
        items = zip(templates.faces, blobs, subjects, pictures, strict=True)
        precision = templates.precision.value
        return [self._add(face, precision, blob, subject, picture) for face, blob, subject, picture in items]

    def add_all(self, templates: Templates, subject: str | None, picture: PictureRecord) -> tuple[int, ...]:
        """Gather all faces of a picture that shows nobody yet, also those that overlap; their ids."""
        place, precision = self.place(picture), templates.precision.value
        blobs = codec.encode(templates.vectors, self._rows.compact)
        owners = [self._new_subject() if subject is None else self.owner(subject) for _ in blobs]
        items = zip(templates.faces, blobs, owners, strict=True)
        return tuple(self._put(face, precision, blob, owner, place) for face, blob, owner in items)

    def write(self) -> None:
        """Insert what was gathered, each row after those that it points to."""
        for gathered in self._gathered.values():
            gathered.write()

    def owner(self, subject: str) -> int:
        """Id of a subject by name, made if new, or ``#12``."""
        known = self._owners.get(subject)
        if known is None:
            known = self._owners[subject] = self._find(subject)
            consent.require(self._ended, known, subject)
        return known

    def _find(self, subject: str) -> int:
        if label_id(subject) is not None:
            return self._projection.require(subject, str(self._rows.database.path))
        name = check_name(subject)
        key = name_key(name)
        if key not in self._owners:  # two spellings can be one new name
            found = self._projection.find(name)
            self._owners[key] = self._new_subject(name, key) if found is None else found
        return self._owners[key]

    def _new_subject(self, name: str | None = None, key: str | None = None) -> int:
        return self._gathered["subject"].add(new_uid(), name, key, self._utc)

    def place(self, picture: PictureRecord) -> int:
        """Id of a picture, made if new."""
        known = self._pictures.get(picture.sha256)
        if known is None:
            stored = find_picture(self._rows, picture.sha256)
            if stored is None:
                known = self._gathered["picture"].add(*picture_values(picture, self._utc))
                self._shown[known] = []
            else:
                known = put_picture(self._rows, picture, self._utc)
                self._shown[known] = [Shown(row[0], row[1], box_of(row)) for row in faces_of(self._rows, known)]
            self._pictures[picture.sha256] = known
        return known

    def _add(
        self, face: Face, precision: str, blob: bytes, subject: str | None, picture: PictureRecord | None
    ) -> Enrolled:
        owner = None if subject is None else self.owner(subject)
        place = None if picture is None else self.place(picture)
        shown = [] if place is None else self._shown[place]
        same = same_boxes(face, shown) if shown else []
        for known in same:
            if owner in (None, known.subject):
                return Enrolled(known.reference, False)
        for known in same:
            if owner is not None and self._adopt(known, owner):
                return Enrolled(known.reference, False)
        owner = self._new_subject() if owner is None else owner
        reference = self._put(face, precision, blob, owner, place)
        shown.append(Shown(reference, owner, face.box))
        return Enrolled(reference, True)

    def _put(self, face: Face, precision: str, blob: bytes, owner: int, place: int | None) -> int:
        values = (owner, place, precision, float(face.score), 0, self._utc, *place_blobs(face), blob)
        return self._gathered["reference"].add(*values)

    def _adopt(self, known: Shown, owner: int) -> bool:
        """Give a face to `owner` if whoever has it has no name."""
        self.write()
        if self._rows.get(SUBJECT, known.subject)[2] is not None:
            return False
        give(self._rows, self._rows.get(REFERENCE, known.reference), owner)
        known.subject = owner
        self.moved += 1
        return True


def box_of(row: Row) -> tuple[float, float, float, float]:
    """Box of a reference row, pixels of the full picture."""
    x0, y0, x1, y1 = _BOX.unpack(row[7])
    return x0, y0, x1, y1


def place_blobs(face: Face) -> tuple[bytes, bytes]:
    """Box and points as they are stored: little-endian float32."""
    return _BOX.pack(*face.box), _points(len(face.points)).pack(*chain.from_iterable(face.points))


@cache
def _points(count: int) -> struct.Struct:
    return struct.Struct(f"<{2 * count}f")


def same_boxes(face: Face, shown: Sequence[Shown]) -> list[Shown]:
    """Those of a picture's faces that are this face."""
    overlaps = iou(np.array([face.box], np.float32), np.array([one.box for one in shown], np.float32))[0]
    return [one for one, overlap in zip(shown, overlaps, strict=True) if overlap >= SAME_FACE_IOU]
