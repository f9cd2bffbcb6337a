"""A gallery on a server: the calls of a local one, answered over HTTP."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

from mien.compare import check_rate
from mien.errors import ConflictError, ImageError, LimitError, NotFoundError, UsageError
from mien.gallery import Attributes, Consent, Moment, Person, Subject, check_attributes, check_name
from mien.gallery.calls.session import utc_now
from mien.gallery.people.attributes import Value
from mien.gallery.people.consent import check as check_consent
from mien.gallery.people.consent import instant
from mien.gallery.search.probes import check_top
from mien.gallery.store.names import label_id
from mien.image import PhotoSource, find_photos
from mien.pipeline import Policy
from mien.service.base import enrolment_policy
from mien.service.engine import Progress
from mien.service.local import several
from mien.service.remote import documents
from mien.service.remote.address import GALLERIES, Address, segment
from mien.service.remote.connection import Connection
from mien.service.remote.documents import Document
from mien.service.remote.uploads import Upload, batches, read, read_all
from mien.types.outcome import Failure
from mien.types.results import Enrolment, Groups, Identification, IndexReport, Probe, Verification

PAGE = 1000
"""Rows of a list that are asked for at once."""
_TOO_MUCH = frozenset({"body-too-large", "too-many-pictures"})
_ABOUT_SUBJECT = frozenset(
    {"consent-ended", "name-blank", "name-characters", "name-length", "name-reserved", NotFoundError.default_code}
)
"""Codes of what the server says when pictures may not be added to somebody."""
_NOTHING = Upload(0, "", "none", b"")
"""Sent when no picture can be: what the server says about the gallery is asked for all the same."""


def open_remote(address: str, *, key: str | None, insecure: bool, timeout: float) -> RemoteGallery:
    """A gallery on a server, which is asked for it; see `mien.service.open_service`."""
    place = Address.parse(address, insecure=insecure)
    connection = Connection(place, key, timeout=timeout)
    try:
        name = place.gallery or _only_gallery(connection)
        gallery = RemoteGallery(connection, name)
        gallery.info()
    except BaseException:
        connection.close()
        raise
    return gallery


def _only_gallery(connection: Connection) -> str:
    names = [each["name"] for each in connection.call("GET", GALLERIES)["galleries"]]
    if len(names) != 1:
        found = f"opens {', '.join(names)}" if names else "opens no gallery"
        text = f"the key {found} at {connection.server}: say which with {connection.server}{GALLERIES}/name"
        raise NotFoundError(text, code="no-gallery", source=connection.server)
    return str(names[0])


class RemoteGallery:
    """People in a gallery on a server, and the calls that use them. Also a context manager.

    Made by `mien.open`. Answers are those of `LocalGallery`, with scores to four digits; pictures that were enrolled
    over the network are known to the server by their names without folders.

    Args:
        connection: to the server.
        name: of the gallery there.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self.name = name
        self._connection = connection
        self._path = f"{GALLERIES}/{segment(name)}"

    def __repr__(self) -> str:
        return f"RemoteGallery({self._connection.server}{self._path})"

    def __enter__(self) -> RemoteGallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; closing twice is fine."""
        self._connection.close()

    def enrol(
        self,
        subject: str,
        images: PhotoSource | Sequence[PhotoSource],
        *,
        faces: str = "one",
        attributes: Attributes | None = None,
        min_quality: float | None = None,
        require: Sequence[str] = (),
    ) -> Enrolment:
        """Add references of a named subject, one a picture; as `LocalGallery.enrol`.

        An answer that is lost on its way is asked for again without a second effect.

        Raises:
            UsageError: a condition is named: those are checked beside a gallery file only.
        """
        if min_quality is not None or require:
            raise UsageError(
                f"{self.name} is on a server, which does not check the quality of references or whether they are "
                "bona fide: leave the conditions out, or enrol into a gallery file"
            )
        policy = enrolment_policy(faces)
        path = f"{self._subject(subject)}/references"
        check_attributes(attributes or {})
        failures: dict[int, Failure] = {}
        references: list[int] = []
        added = 0
        for _, document in self._sent(path, several(images), failures, once=True, faces=policy.value):
            references += document["references"]
            added += document["added"]
        if references and attributes:
            self.set_attributes(subject, attributes)
        return Enrolment(subject, tuple(references), added, _ordered(failures))

    def index(
        self, folder: str | PathLike[str], *, by_folder: bool = False, progress: Progress | None = None
    ) -> IndexReport:
        """Send the pictures below a folder of this machine; those that the server has, by content, are not sent.

        As `LocalGallery.index`.
        """
        start = time.perf_counter()
        paths, unreadable = find_photos(folder)
        total = len(paths) + len(unreadable)
        failures: dict[int, Failure] = {}
        new = skipped = faces = 0
        for batch in batches(read_all(paths, failures)):
            fresh = self._fresh(batch)
            skipped += len(batch) - len(fresh)
            for subject, uploads in groupby(fresh, lambda each: Path(each.source).parent.name if by_folder else None):
                for document in self._added(tuple(uploads), subject, failures):
                    new, skipped = new + document["new"], skipped + document["skipped"]
                    faces += document["faces"]
            if progress:
                progress(new + skipped + len(failures) + len(unreadable), total)
        seconds = time.perf_counter() - start
        return IndexReport(total, new, skipped, faces, (*unreadable, *_ordered(failures)), seconds)

    def _added(
        self, uploads: Sequence[Upload], subject: str | None, failures: dict[int, Failure]
    ) -> Iterator[Document]:
        """The answers to new pictures; those of a person who may not be added to are failures."""
        try:
            for _, document in self._parts("/pictures", uploads, failures, _given(subject=subject)):
                yield document
        except (UsageError, NotFoundError, ConflictError) as error:
            if subject is None or error.code not in _ABOUT_SUBJECT:
                raise
            for each in uploads:
                failures[each.number] = Failure(each.source, error.code, f"{each.source}: {error.message}")

    def identify(
        self,
        images: PhotoSource | Sequence[PhotoSource],
        *,
        fpir: float = 0.003,
        top: int = 5,
        faces: str = "all",
        where: str | None = None,
        progress: Progress | None = None,
    ) -> Identification:
        """Who is in the pictures: for each face a candidate list, and a name or nobody; as `LocalGallery.identify`."""
        check_rate(fpir, "fpir")
        check_top(top, None)
        asked = _given(fpir=fpir, top=top, faces=Policy(faces).value, where=where)
        sources = several(images)
        failures: dict[int, Failure] = {}
        probes: list[Probe] = []
        last: Identification | None = None
        for part, document in self._sent("/identifications", sources, failures, **asked):
            last = documents.identification(document)
            names = {upload.name: upload.source for upload in part}
            probes += (replace(each, face=_called(each.face, names)) for each in last.probes)
            if progress:
                progress(part[-1].number + 1, len(sources))
        if last is None:
            (pair,) = self._parts("/identifications", (_NOTHING,), {}, asked)
            last = documents.identification(pair[1])
        return replace(last, probes=tuple(probes), failures=_ordered(failures))

    def verify(self, image: PhotoSource, subject: str, *, fmr: float = 1e-4, faces: str = "largest") -> Verification:
        """Whether a picture shows an enrolled subject; as `LocalGallery.verify`."""
        check_rate(fmr, "fmr")
        upload = read(0, image)
        asked = {"subject": subject, "fmr": fmr, "faces": Policy(faces).value}
        try:
            document = self._call("POST", "/verifications", params=asked, files=[upload.part])
        except ImageError as error:
            raise upload.error(error) from None
        found = documents.verification(document)
        return replace(found, probe=replace(found.probe, source=upload.source))

    def group(self, folder: str | PathLike[str], *, progress: Progress | None = None, full: bool = False) -> Groups:
        """Index a folder of this machine, then sort the gallery's faces into people; as `LocalGallery.group`."""
        start = time.perf_counter()
        report = self.index(folder, progress=progress)
        result = documents.groups(self._call("POST", "/groups", json={"full": full}, patient=True))
        seconds = time.perf_counter() - start
        return replace(result, failures=report.failures, files=report.files, seconds=seconds)

    def subjects(self, *, unnamed: bool = True) -> list[Subject]:
        """The people, by name; those without one follow, unless they are not wanted."""
        rows = self._pages("/subjects", "subjects", unnamed=str(unnamed).lower())
        return [documents.subject(row) for row in rows]

    def show(self, subject: str) -> Person:
        """A person with the faces that are stored."""
        path = self._subject(subject)
        person = documents.subject(self._call("GET", path))
        rows = self._pages(f"{path}/references", "references")
        return Person(person, tuple(documents.reference(row) for row in rows))

    def info(self) -> dict[str, Any]:
        """The gallery in numbers."""
        document: Document = self._call("GET", "")
        return {key: value for key, value in document.items() if key != "name"}

    def set_attributes(self, subject: str, values: Mapping[str, Value | None]) -> None:
        """Put down what is known about somebody, such as ``{"site": "berlin"}``; None takes a value away."""
        self._call("PATCH", self._subject(subject), json={"attributes": check_attributes(values)})

    def set_consent(
        self,
        subject: str,
        *,
        basis: str = "consent",
        scope: str = "",
        given: Moment | None = None,
        expires: Moment | None = None,
    ) -> Consent:
        """Put down on what basis somebody is kept; as `LocalGallery.set_consent`."""
        check_consent(basis, scope, given, expires, instant(utc_now()))
        dates = {name: instant(moment) for name, moment in _given(given=given, expires=expires).items()}
        stated = {"basis": basis, "scope": scope, **dates}
        return Consent(**self._call("PUT", f"{self._subject(subject)}/consent", json=stated))

    def withdraw(self, subject: str) -> Consent:
        """Take somebody's consent back; as `LocalGallery.withdraw`."""
        return Consent(**self._call("DELETE", f"{self._subject(subject)}/consent"))

    def rename(self, subject: str, name: str) -> None:
        """Give a subject, or someone without a name (``#12``), a name."""
        self._call("PATCH", self._subject(subject), json={"name": check_name(name)}, harmless=False)

    def forget(self, subject: str) -> dict[str, object]:
        """Erase a subject for good; the receipt says what was erased."""
        receipt: dict[str, object] = self._call("DELETE", self._subject(subject), harmless=False)
        return receipt

    def _subject(self, subject: str) -> str:
        return f"/subjects/{segment(subject if label_id(subject) is not None else check_name(subject))}"

    def _call(self, method: str, path: str, **rest: Any) -> Any:
        return self._connection.call(method, self._path + path, **rest)

    def _pages(self, path: str, rows: str, **params: str) -> Iterator[Document]:
        cursor: str | None = None
        while True:
            page = self._call("GET", path, params=_given(limit=PAGE, cursor=cursor, **params))
            yield from page[rows]
            cursor = page["next"]
            if cursor is None:
                return

    def _fresh(self, batch: Sequence[Upload]) -> list[Upload]:
        """The pictures that the server does not have."""
        digests = [upload.sha256 for upload in batch]
        known = set(self._call("GET", "/pictures/known", params={"sha256": digests})["known"])
        return [upload for upload, digest in zip(batch, digests, strict=True) if digest not in known]

    def _sent(
        self,
        path: str,
        sources: Iterable[PhotoSource],
        failures: dict[int, Failure],
        *,
        once: bool = False,
        **params: Any,
    ) -> Iterator[tuple[Sequence[Upload], Document]]:
        """The sources in as few requests as the server takes: each with its pictures and answer."""
        for batch in batches(read_all(sources, failures)):
            yield from self._parts(path, batch, failures, params, once=once)

    def _parts(
        self,
        path: str,
        batch: Sequence[Upload],
        failures: dict[int, Failure],
        params: Mapping[str, Any],
        *,
        once: bool = False,
    ) -> Iterator[tuple[Sequence[Upload], Document]]:
        """The answer to a batch, or of its halves where it is too much for one request; `failures` gets failures.

        Args:
            path: where to post it.
            batch: pictures of different names.
            failures: by number of the picture.
            params: of the query.
            once: with an idempotency key.
        """
        headers = {"Idempotency-Key": uuid.uuid4().hex} if once else {}
        try:
            document = self._call("POST", path, params=params, files=[upload.part for upload in batch], headers=headers)
        except LimitError as error:
            if error.code not in _TOO_MUCH:
                raise
            if len(batch) == 1:
                failures[batch[0].number] = Failure(batch[0].source, error.code, f"{batch[0].source}: {error.message}")
                return
            for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
                yield from self._parts(path, half, failures, params, once=once)
            return
        by_name = {upload.name: upload for upload in batch}
        for each in document["failures"]:
            upload = by_name[each["file"]]
            failures[upload.number] = upload.failure(each)
        yield batch, document


def _ordered(failures: Mapping[int, Failure]) -> tuple[Failure, ...]:
    return tuple(failures[number] for number in sorted(failures))


def _called(face: Any, names: Mapping[str, str]) -> Any:
    return replace(face, source=names.get(face.source, face.source))


def _given(**params: Any) -> dict[str, Any]:
    return {key: value for key, value in params.items() if value is not None}
