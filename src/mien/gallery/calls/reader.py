"""What can be asked of a gallery."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mien.gallery.calls.building import Building
from mien.gallery.people import attributes, consent, corrections, crops, faces, groups, operating
from mien.gallery.people.consent import Moment, instant
from mien.gallery.people.records import GroupedFaces, Person, Reference, Subject
from mien.gallery.store import trail
from mien.gallery.store.audit import AuditRecord, to_record
from mien.gallery.store.database import log_bytes
from mien.gallery.store.schema import PICTURE, REFERENCE, SUBJECT
from mien.gallery.store.trail import Head
from mien.types.score import OperatingTable
from mien.types.template import TemplateContract


class Reader(Building):
    """The calls that change nothing; see `Gallery`."""

    @property
    def contract(self) -> TemplateContract | None:
        """What the templates are comparable with; None before the first one."""
        with self._reading() as (rows, _):
            return rows.contract

    def operating(self) -> OperatingTable | None:
        """The error rates measured on this gallery's own people; None until it is calibrated."""
        with self._reading() as (rows, _):
            return operating.read(rows)

    @property
    def uid(self) -> str:
        """What no other gallery is called: 32 hexadecimal digits, kept by its copies."""
        with self._reading() as (rows, _):
            return rows.database.uid.hex()

    def __len__(self) -> int:
        """Number of references."""
        with self._reading() as (_, projection):
            return len(projection.index)

    def __bool__(self) -> bool:
        """A gallery is there, also when it is empty."""
        return True

    def info(self) -> dict[str, Any]:
        """The gallery in numbers.

        `due` counts the people whose consent has ended, for `sweep`.
        `operating` is what its own error rates rest on, None without any. `search` is how searches are answered; its
        `stray` counts references that the search file, of `file_bytes`, lacks or holds in vain.
        """
        with self._reading() as (rows, projection):
            failures = rows.database.connection.execute("SELECT count(*) FROM picture WHERE failure IS NOT NULL").get
            unnamed = rows.database.connection.execute("SELECT count(*) FROM subject WHERE name IS NULL").get
            table = operating.read(rows)
            return {
                "subjects": rows.tally(SUBJECT.name)[0],
                "unnamed": unnamed,
                "due": len(self._ended_by(rows, self._utc())),
                "references": len(projection.index),
                "pictures": rows.tally(PICTURE.name)[0],
                "failures": failures,
                "model": rows.contract.to_dict() if rows.contract else None,
                "operating": operating.summary(table) if table else None,
                "search": projection.describe(),
                "compact": rows.compact,
                "crops": {"kept": crops.kept(rows), "stored": crops.count(rows)},
                "bytes": self.path.stat().st_size + log_bytes(self.path),
                "schema": rows.database.schema,
            }

    def subjects(self, *, unnamed: bool = True) -> list[Subject]:
        """The people, by name; those without one follow, by number."""
        with self._reading() as (rows, projection):
            ids, counts = np.unique(projection.owners()[1], return_counts=True)
            many = dict(zip(ids.tolist(), counts.tolist(), strict=True))
            told, stated = attributes.read_all(rows), consent.read_all(rows, self._utc())
            found = [
                Subject(row[0], row[1], row[2], many.get(row[0], 0), row[4], told.get(row[0], {}), stated.get(row[0]))
                for row in rows.scan(SUBJECT)
                if unnamed or row[2] is not None
            ]
        return sorted(found, key=lambda s: (s.name is None, (s.name or "").casefold(), s.id))

    def covers(self, count: int) -> dict[int, list[int]]:
        """For each subject id the ids of its first references, at most `count`."""
        with self._reading() as (_, projection):
            ids, subjects = projection.owners()
            order = np.argsort(subjects, kind="stable")
            starts = np.flatnonzero(np.diff(subjects[order], prepend=-1))
            ends = np.append(starts, len(order))[1:].tolist()
            return {
                int(subjects[order[start]]): ids[order[start : min(end, start + count)]].tolist()
                for start, end in zip(starts.tolist(), ends, strict=True)
            }

    def subject(self, subject: str) -> Subject:
        """One person.

        Raises:
            NotFoundError: nobody is called so.
        """
        with self._reading() as (rows, projection):
            number = projection.require(subject, str(self.path))
            _, uid, name, _, created = rows.get(SUBJECT, number)
            told, stated = attributes.read(rows, number), consent.read(rows, number, self._utc())
            return Subject(number, uid, name, len(projection.references(number)), created, told, stated)

    def show(self, subject: str) -> Person:
        """One person with all references: places in pictures, paths, times."""
        with self._reading() as (rows, projection):
            who = self.subject(subject)
            found = (rows.get(REFERENCE, row_id) for row_id in projection.references(who.id))
            return Person(who, tuple(faces.to_reference(rows, row, who.name) for row in found))

    def references(self) -> Iterator[Reference]:
        """Every reference, by id; the gallery waits until the last is taken."""
        with self._reading() as (rows, projection):
            names = projection.named()
            for row in rows.scan(REFERENCE):
                yield faces.to_reference(rows, row, names.get(row[1]))

    def reference(self, reference: int) -> Reference:
        """One reference by its id.

        Raises:
            NotFoundError: there is none.
        """
        with self._reading() as (rows, projection):
            row = corrections.find_reference(rows, projection, reference)
            return faces.to_reference(rows, row, rows.get(SUBJECT, row[1])[2])

    def crop(self, reference: int) -> bytes | None:
        """The small picture that is kept of a stored face, as a JPEG; None: none is.

        Raises:
            NotFoundError: there is no such reference.
        """
        with self._reading() as (rows, projection):
            return crops.read(rows, corrections.find_reference(rows, projection, reference)[0])

    @property
    def keeps_crops(self) -> bool:
        """Whether a small picture of each face that is added is kept."""
        with self._reading() as (rows, _):
            return crops.kept(rows)

    def references_page(self, start: int, count: int, *, subject: str | None = None) -> tuple[list[Reference], int]:
        """Some references by id, and how many there are.

        Args:
            start: how many come before.
            count: at most so many.
            subject: only this one's.

        Raises:
            NotFoundError: nobody is called so.
        """
        with self._reading() as (rows, projection):
            owner = None if subject is None else projection.require(subject, str(self.path))
            ids = projection.owners()[0].tolist() if owner is None else projection.references(owner)
            stored = [rows.get(REFERENCE, row_id) for row_id in ids[start : start + count]]
            found = [faces.to_reference(rows, row, rows.get(SUBJECT, row[1])[2]) for row in stored]
            return found, len(ids)

    def grouped(self, rule: str | None = None) -> GroupedFaces:
        """All references as columns, for grouping, but those of people whose consent has ended.

        `settled` tells what an earlier grouping by this rule has done.
        """
        with self._reading() as (rows, projection):
            return groups.columns(rows, projection, self._ended_by(rows, self._utc()), rule)

    # -- the audit trail

    def audit(self, *, since: Moment | None = None, subject: str | None = None) -> list[AuditRecord]:
        """The audit records in order, all of them verified.

        Args:
            since: leave out what is older.
            subject: only those that concern this person: name, ``#12``, or the uid that a receipt names.

        Raises:
            StoreCorruptError: naming the first record that is not as it was written.
        """
        after = "" if since is None else instant(since)
        with self._reading() as (rows, projection):
            number = None if subject is None else projection.find(subject)
            uid = subject if number is None else rows.get(SUBJECT, number)[1]
            found = [to_record(row) for row in rows.trail() if row[1] >= after and uid in (None, row[3])]
            if not found and number is None and subject is not None:
                projection.require(subject, str(self.path))
            return found

    def verify_audit(self, noted: str | None = None) -> Head:
        """The end of the audit trail, after every record was compared with its hash.

        Args:
            noted: a head that was noted earlier, as text; the trail must still hold it.

        Raises:
            StoreCorruptError: naming the first record that is not as it was written.
        """
        with self._reading() as (rows, _):
            return trail.verify(rows, noted)
