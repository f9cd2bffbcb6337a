"""What fills a gallery."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from mien.errors import ConflictError, StoreCorruptError, UsageError
from mien.gallery.calls.narrowing import Narrowing
from mien.gallery.people import attributes as facts
from mien.gallery.people import consent, crops, faces
from mien.gallery.people.attributes import Attributes
from mien.gallery.people.bulk import Intake
from mien.gallery.people.records import Enrolled, PictureRecord
from mien.gallery.search.projection import Projection
from mien.gallery.store.database import SALVAGE
from mien.gallery.store.names import check_name, label_id
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import REFERENCE, SUBJECT
from mien.types.template import Templates


class Adding(Narrowing):
    """The calls that add; see `Gallery`."""

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Several changes as one: one wait for the disk, all or nothing, acknowledged when the block is left.

        Other threads and writers of other processes wait meanwhile: prepare outside, store inside.
        """
        with self._writing():
            yield

    def make_compact(self) -> None:
        """Store templates with 1 byte a dimension instead of 4; see `mien.gallery.store.codec` for what it costs.

        Raises:
            ConflictError: there are templates already, with 4 bytes.
        """
        with self._reading() as (rows, _):
            if rows.compact:
                return
        with self._writing() as (rows, _):
            if rows.compact:
                return
            if rows.tally(REFERENCE.name)[0]:
                raise ConflictError(
                    f"{self.path} holds templates of 4 bytes a dimension: export it, and import that with --compact",
                    code="not-compact",
                    source=str(self.path),
                )
            rows.set_compact()
            rows.advance(appended=True)

    def require_addable(self, subject: str) -> None:
        """Raise unless pictures may be added to a subject, who need not be there yet.

        Raises:
            UsageError: nobody may be called so.
            NotFoundError: a ``#12`` that is not there.
            ConflictError: the subject's consent has ended (``consent-ended``).
        """
        with self._reading() as (rows, projection):
            if label_id(subject) is None:
                number = projection.find(check_name(subject))
            else:
                number = projection.require(subject, str(self.path))
            if number is not None:
                consent.require(self._ended_by(rows, self._utc()), number, subject)

    def add_subject(self, name: str) -> None:
        """Make somebody of whom there is no reference yet.

        Raises:
            UsageError: the name is not allowed.
            ConflictError: somebody is called so.
        """
        name = check_name(name)
        with self._writing() as (rows, projection):
            if projection.find(name) is not None:
                raise ConflictError(f"somebody is called '{name}' already", code="name-taken", source=name)
            number = faces.put_subject(rows, name, self._utc())
            rows.record(self._utc(), "enrol", rows.get(SUBJECT, number)[1], subjects=1)
            rows.advance(appended=True)

    def enrol(
        self,
        subject: str,
        templates: Templates,
        picture: PictureRecord | None = None,
        *,
        attributes: Attributes | None = None,
        crop: bytes | None = None,
    ) -> Enrolled:
        """Add one reference of a subject, who is made if the name is new.

        A face that the gallery holds already (same picture by content, same place) is not added twice: the subject's
        own is given back, that of someone without a name becomes the subject's.

        Args:
            subject: name, or ``#12``.
            templates: one row.
            picture: what it was taken from.
            attributes: set with it; others of the subject stay.
            crop: JPEG of the face, kept if the gallery keeps crops.

        Raises:
            UsageError: the name or an attribute is not allowed, or there is not one template.
            ConflictError: the subject's consent has ended.
            ModelMismatchError: templates of another model.
        """
        if len(templates) != 1:
            raise UsageError(f"an enrolment takes one template, got {len(templates)}")
        checked = facts.check(attributes or {})
        with self._writing(names=False) as (rows, projection):
            (enrolled,) = self._enrol(rows, projection, templates, [subject], [picture], [crop])
            if checked:
                owner, utc = projection.require(subject, str(self.path)), self._utc()
                facts.record(rows, owner, facts.write(rows, owner, checked, utc), utc)
            return enrolled

    def enrol_many(
        self,
        templates: Templates,
        subjects: Sequence[str | None],
        pictures: Sequence[PictureRecord | None] | None = None,
    ) -> tuple[int, ...]:
        """Add many references as one change: all or nothing, one wait for the disk, one audit record.

        What is stored is the same as by `enrol` for one after the other.

        Args:
            templates: n rows.
            subjects: n names (made if new) or ``#12``; None for somebody new without a name.
            pictures: n, what each was taken from; None: nothing is known of them.

        Returns:
            n ids of references; of a face that was there already, its own.

        Raises:
            UsageError: a name is not allowed, or the lengths differ.
            NotFoundError: a ``#12`` is not there.
            ModelMismatchError: templates of another model.
        """
        pictures = [None] * len(templates) if pictures is None else pictures
        if not len(templates) == len(subjects) == len(pictures):
            raise UsageError(
                f"{len(templates)} templates need as many subjects and pictures, got {len(subjects)} and "
                f"{len(pictures)}"
            )
        if not len(templates):
            return ()
        with self._writing(names=False) as (rows, projection):
            found = self._enrol(rows, projection, templates, subjects, pictures, [None] * len(templates))
            return tuple(enrolled.reference for enrolled in found)

    def _enrol(
        self,
        rows: Rows,
        projection: Projection,
        templates: Templates,
        subjects: Sequence[str | None],
        pictures: Sequence[PictureRecord | None],
        jpegs: Sequence[bytes | None],
    ) -> list[Enrolled]:
        utc = self._utc()
        if any(pictures):
            self._check_pictures(rows)
        faces.accept(rows, templates, utc)
        intake = Intake(rows, projection, utc, self._ended_by(rows, utc))
        found = intake.add(templates, subjects, pictures)
        intake.write()
        seen = zip(found, jpegs, strict=True)
        stored = crops.put(rows, {each.reference: jpeg for each, jpeg in seen if jpeg is not None}, utc)
        new = sum(enrolled.new for enrolled in found)
        if new or intake.moved or stored:
            owners = set(subjects)
            (only,) = owners if len(owners) == 1 else (None,)
            uid = None if only is None else rows.get(SUBJECT, intake.owner(only))[1]
            counts = {"references": new, "moved": intake.moved, "crops": stored}
            rows.record(utc, "enrol", uid, **{kind: count for kind, count in counts.items() if count})
            rows.advance(appended=not intake.moved)
        return found

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
        self,
        picture: PictureRecord,
        templates: Templates,
        *,
        subject: str | None = None,
        jpegs: Sequence[bytes] = (),
    ) -> tuple[int, ...]:
        """Store a picture with all its faces, each as a new subject without a name, or as one given subject.

        A picture that is there already, by content, is left as it is.

        Args:
            picture: what it was taken from.
            templates: one a face.
            subject: name, or ``#12``; None: each face is somebody else's.
            jpegs: a crop of each face, kept if the gallery keeps crops; empty: none.

        Returns:
            Ids of the references, one a face.
        """
        with self._writing(names=False) as (rows, projection):
            self._check_pictures(rows)
            known = faces.find_picture(rows, picture.sha256)
            if known is not None and known[6] is None:
                return tuple(row[0] for row in faces.faces_of(rows, known[0]))
            utc = self._utc()
            faces.accept(rows, templates, utc)
            intake = Intake(rows, projection, utc, self._ended_by(rows, utc))
            intake.place(picture)
            found = intake.add_all(templates, subject, picture)
            intake.write()
            uid = rows.get(SUBJECT, intake.owner(subject))[1] if subject is not None and found else None
            stored = crops.put(rows, dict(zip(found, jpegs, strict=True)) if jpegs else {}, utc)
            counts = {"crops": stored} if stored else {}
            rows.record(utc, "index", uid, pictures=1, references=len(found), **counts)
            rows.advance(appended=True)
            return found

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
