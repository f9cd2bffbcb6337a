"""A gallery: people, the templates that stand for them, and the pictures those came from, in one durable file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mien.errors import NotFoundError, StoreCorruptError, UsageError
from mien.gallery import corrections, exchange, faces, groups, operating
from mien.gallery.check import find_problems
from mien.gallery.database import SALVAGE, named_errors
from mien.gallery.names import check_name, label_id
from mien.gallery.reader import Reader
from mien.gallery.records import Enrolled, PictureRecord
from mien.gallery.rows import Rows
from mien.gallery.schema import SUBJECT
from mien.types.arrays import FloatArray
from mien.types.score import OperatingTable
from mien.types.template import Precision, TemplateContract, Templates


class Gallery(Reader):
    """One gallery file. What a call stored is on disk when it returns; several threads and processes may share it.

    The file is opened by the first call that needs it. Every row is compared with its checksum before it is used;
    what does not agree is a StoreCorruptError that names the row. Subjects are given by name or, without one, as
    ``#12``. Also a context manager.

    Args:
        path: the file.
        contract: what the caller's templates are; another one in the file is refused.
        create: make the file if it is not there.
        read_only: refuse every change.
        index: search backend.
        wait_s: how long to wait for another process that writes.
        clock: gives the time, in UTC.
    """

    # -- adding

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Several changes as one: one wait for the disk, all or nothing, acknowledged when the block is left.

        Other threads and writers of other processes wait meanwhile: prepare outside, store inside.
        """
        with self._writing():
            yield

    def require_name(self, subject: str) -> None:
        """Raise UsageError unless a subject may be called so, NotFoundError for a ``#12`` that is not there."""
        if label_id(subject) is None:
            check_name(subject)
        else:
            self.subject(subject)

    def enrol(self, subject: str, templates: Templates, picture: PictureRecord | None = None) -> Enrolled:
        """Add one reference of a subject, who is made if the name is new.

        A face that the gallery holds already (same picture by content, same place) is not added twice: the subject's
        own is given back, that of someone without a name becomes the subject's.

        Args:
            subject: name, or ``#12``.
            templates: one row.
            picture: what it was taken from.

        Raises:
            UsageError: the name is not allowed, or there is not one template.
            ModelMismatchError: templates of another model.
        """
        if len(templates) != 1:
            raise UsageError(f"an enrolment takes one template, got {len(templates)}")
        name = None if label_id(subject) is not None else check_name(subject)
        with self._writing() as (rows, projection):
            utc = self._utc()
            faces.accept(rows, templates, utc)
            owner = projection.find(subject)
            if owner is None:
                owner = (
                    projection.require(subject, str(self.path)) if name is None else faces.put_subject(rows, name, utc)
                )
            return self._enrol(rows, owner, templates, picture, utc)

    def _enrol(self, rows: Rows, owner: int, templates: Templates, picture: PictureRecord | None, utc: str) -> Enrolled:
        place = None if picture is None else faces.put_picture(rows, picture, utc)
        known = [] if place is None else faces.same_face(templates.faces[0], faces.faces_of(rows, place))
        own = [row for row in known if row[1] == owner]
        strangers = [row for row in known if rows.get(SUBJECT, row[1])[2] is None]
        uid = rows.get(SUBJECT, owner)[1]
        if own:
            return Enrolled(own[0][0], False)
        if strangers:
            corrections.give(rows, strangers[0], owner)
            rows.record(utc, "enrol", uid, moved=1)
            rows.advance(appended=False)
            return Enrolled(strangers[0][0], False)
        reference = faces.put_face(rows, templates, 0, owner, place, utc)
        rows.record(utc, "enrol", uid, references=1)
        rows.advance(appended=True)
        return Enrolled(reference, True)

    def knows(self, sha256: str, *, failed: bool = True) -> bool:
        """Whether a picture was stored, by its content.

        Args:
            sha256: 64 hexadecimal digits.
            failed: count those that failed; False to try them again.
        """
        with self._reading() as (rows, _):
            self._check_pictures(rows)
            row = faces.find_picture(rows, sha256)
            return row is not None and (failed or row[6] is None)

    def _check_pictures(self, rows: Rows) -> None:
        """Once per opening: a damaged look-up tree would say 'never seen', and store a picture twice."""
        if not self._pictures_checked:
            verdict = rows.database.connection.execute("PRAGMA integrity_check('picture')").get
            if verdict != "ok":
                raise StoreCorruptError(
                    f"{self.path}: the list of pictures is damaged; {SALVAGE} ({verdict})", source=str(self.path)
                )
            self._pictures_checked = True

    def add_picture(
        self, picture: PictureRecord, templates: Templates, *, subject: str | None = None
    ) -> tuple[int, ...]:
        """Store a picture with all its faces, each as a new subject without a name, or as one given subject.

        A picture that is there already, by content, is left as it is.

        Returns:
            Ids of the references, one a face.
        """
        name = None if subject is None or label_id(subject) is not None else check_name(subject)
        with self._writing(names=subject is not None) as (rows, projection):
            self._check_pictures(rows)
            known = faces.find_picture(rows, picture.sha256)
            if known is not None and known[6] is None:
                return tuple(row[0] for row in faces.faces_of(rows, known[0]))
            utc = self._utc()
            faces.accept(rows, templates, utc)
            place = faces.put_picture(rows, picture, utc)
            owner = None if subject is None else projection.find(subject)
            if subject is not None and owner is None and len(templates):
                owner = (
                    projection.require(subject, str(self.path)) if name is None else faces.put_subject(rows, name, utc)
                )
            stored = []
            for row in range(len(templates)):
                whose = faces.put_subject(rows, None, utc) if owner is None else owner
                stored.append(faces.put_face(rows, templates, row, whose, place, utc))
            rows.record(
                utc, "index", None if owner is None else rows.get(SUBJECT, owner)[1], pictures=1, references=len(stored)
            )
            rows.advance(appended=True)
            return tuple(stored)

    def add_failure(self, picture: PictureRecord, reason: str) -> None:
        """Remember that a picture could not be used, so that it is not tried at each run.

        Args:
            picture: a picture without stored faces.
            reason: stable code, such as ``image-truncated``.
        """
        with self._writing(names=False) as (rows, _):
            self._check_pictures(rows)
            known = faces.find_picture(rows, picture.sha256)
            if known is None or known[6] is not None:
                faces.put_picture(rows, picture, self._utc(), reason)
                rows.record(self._utc(), "index", failures=1)
                rows.advance(appended=True)

    def replace_templates(
        self, contract: TemplateContract, templates: Iterable[tuple[int, FloatArray, Precision]]
    ) -> int:
        """Move the gallery to another model: all references get new templates, or nothing changes.

        Args:
            contract: of the new templates.
            templates: (reference id, (d,) float32 of length 1, precision), every reference once.

        Returns:
            How many.

        Raises:
            ConflictError: some reference is missing; remove those whose picture is gone.
        """
        with self._writing() as (rows, projection):
            count = corrections.reembed(rows, projection, contract, templates, self._utc())
        self._wanted = contract if self._wanted else None
        return count

    def set_operating(self, table: OperatingTable | None, digest: str = "") -> None:
        """Keep the error rates that were measured on this gallery's people; they go when its templates do.

        Args:
            table: put in place of the one there; None takes that away.
            digest: of the contract whose templates it was measured on.

        Raises:
            ModelMismatchError: the gallery's templates are of another model.
        """
        with self._writing() as (rows, _):
            operating.write(rows, table, digest, self._utc())

    # -- correcting

    def rename(self, subject: str, name: str) -> None:
        """Give somebody a name, or another one.

        Raises:
            ConflictError: someone else has it; merging makes the two one.
        """
        name = check_name(name)
        with self._writing() as (rows, projection):
            corrections.rename(rows, projection, projection.require(subject, str(self.path)), name, self._utc())

    def merge(self, into: str, *others: str) -> int:
        """Make one person of several; `into` keeps its name. Returns how many references moved."""
        with self._writing() as (rows, projection):
            ids = [projection.require(label, str(self.path)) for label in (into, *others)]
            return corrections.merge(rows, projection, ids[0], ids[1:], self._utc())

    def move(self, reference: int, subject: str | None = None) -> str:
        """Say whose face a reference is; grouping keeps to it.

        Args:
            reference: its id.
            subject: name (made if new) or ``#12``; None for somebody new without a name.

        Returns:
            The subject's label.
        """
        name = None if subject is None or label_id(subject) is not None else check_name(subject)
        with self._writing() as (rows, projection):
            owner = None if subject is None else projection.find(subject)
            if subject is not None and name is None and owner is None:
                projection.require(subject, str(self.path))
            target = corrections.move(rows, projection, reference, owner, name, self._utc())
        with self._reading() as (_, projection):
            return projection.label(target)

    def separate(self, first: str, second: str) -> None:
        """Say that two are not the same person; grouping never joins them. Merging them takes it back."""
        with self._writing() as (rows, projection):
            pair = [projection.require(label, str(self.path)) for label in (first, second)]
            corrections.separate(rows, pair[0], pair[1], self._utc())

    def remove(self, references: Sequence[int]) -> int:
        """Delete references that are no faces, or whose picture is gone. Returns how many there were."""
        with self._writing() as (rows, projection):
            count = corrections.remove(rows, projection, references, self._utc())
        self._erase()
        return count

    def forget(self, subject: str) -> dict[str, Any]:
        """Erase a person: templates, name, pictures nobody else is in, and their traces in the file and its log.

        Not covered: copies elsewhere, backups, and what a file system or an SSD keeps of overwritten blocks.

        Returns:
            The receipt: uid, references, pictures, paths (cleared because they held the name), record, utc.

        Raises:
            StoreLockedError: the person is gone for every reader, but another process kept the log from being cut;
                `forget` of anyone, or the next opening, cuts it.
        """
        with self._writing() as (rows, projection):
            receipt = corrections.forget(rows, projection, projection.require(subject, str(self.path)), self._utc())
        self._erase()
        return receipt

    def _erase(self) -> None:
        with self._guarded():
            rows = self._opened()
            if not rows.database.connection.in_transaction:  # in a batch the last step is the batch's
                rows.database.empty_log()

    def assign_groups(self, groups_of: Sequence[Sequence[int]]) -> int:
        """Take over a grouping: one person a list. Names and corrections that people gave are kept.

        References that stand in no list stay where they are. Doing it twice changes nothing more.

        Args:
            groups_of: lists of reference ids.

        Returns:
            How many references changed their subject.
        """
        with self._writing() as (rows, projection):
            return groups.assign(rows, projection, groups_of, self._utc())

    # -- the file as a whole

    def check(self) -> list[str]:
        """What is wrong with the file, a line each: structure, checksums, audit trail; empty when it is sound."""
        with self._lock, named_errors(self.path):
            self.close()
            return find_problems(self.path, self._wait_s)

    def export(
        self, out: str | os.PathLike[str], *, subject: str | None = None, salvage: bool = False
    ) -> dict[str, int]:
        """Write everything into one portable file: JSON Lines, compressed when its name ends in ``.gz``.

        Args:
            out: replaced whole, or not at all.
            subject: only this person, as a person may ask for.
            salvage: leave out damaged rows instead of stopping; ``lost`` counts them.

        Returns:
            How many rows of each kind.
        """
        if salvage:
            self.close()
            with self._lock, named_errors(self.path):
                return exchange.salvage(self.path, Path(out), self._wait_s)
        with self._reading() as (rows, projection):
            only = None if subject is None else projection.require(subject, str(self.path))
            return exchange.export(rows, Path(out), only)

    def import_(self, file: str | os.PathLike[str]) -> dict[str, int]:
        """Read an exported file into this gallery, which must be empty; ids, times and audit trail are kept.

        Raises:
            ConflictError: the gallery holds something.
            StoreCorruptError: the file is damaged; nothing is stored.
            ModelMismatchError: it is of another model than asked for.
        """
        with self._writing() as (rows, _):
            return exchange.import_file(rows, Path(file), self._wanted, self._utc())

    def backup(self, out: str | os.PathLike[str]) -> None:
        """Copy the gallery as it is now, also while others write to it; `out` is replaced whole, or not at all."""
        with self._reading() as (rows, _):
            exchange.backup(rows.database, Path(out))


def import_gallery(path: str | os.PathLike[str], file: str | os.PathLike[str]) -> dict[str, int]:
    """Read an exported file into a new gallery. See `Gallery.import_`."""
    if not Path(file).is_file():
        raise NotFoundError(f"no file {file}", source=str(file))
    with Gallery(path, create=True) as gallery:
        return gallery.import_(file)
