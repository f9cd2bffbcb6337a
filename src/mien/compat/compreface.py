"""A CompreFace installation taken over: its people and stored pictures, read through its REST and enrolled anew.

Embeddings are not taken over: they are of another model, and its pictures give better ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import httpx

from mien.errors import ConflictError, MienError, NotFoundError, UsageError
from mien.gallery.store.names import check_name
from mien.service import LocalGallery
from mien.service.engine import Progress
from mien.types.outcome import Failure

PAGE: Final = 100
"""Stored faces that are asked for at once."""
TIMEOUT_S: Final = 60.0
MAX_LIST: Final = 64 << 20
"""Bytes of one list that are read at most."""
_ROOT: Final = "/api/v1/recognition"
_ABOUT_ONE: Final = frozenset({"picture-not-kept", "compreface-too-much", "consent-ended"})
"""Codes that end one picture, not the whole."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A picture that CompreFace keeps of somebody."""

    image_id: str
    subject: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What was taken over.

    Args:
        subjects: people there, with or without pictures.
        faces: pictures there.
        added: references that are new here.
        failures: pictures and names that could not be used.
    """

    subjects: int
    faces: int
    added: int
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        failures = [failure.to_dict() for failure in self.failures]
        return {"subjects": self.subjects, "faces": self.faces, "added": self.added, "failures": failures}


class CompreFace:
    """A CompreFace recognition service, only read from. Also a context manager.

    Args:
        url: where it is, such as ``https://faces.example``; what it redirects to is not followed.
        key: API key of the recognition service.
        transport: how it is reached; None: the network.
    """

    def __init__(self, url: str, key: str, *, transport: httpx.BaseTransport | None = None) -> None:
        if not url.startswith(("http://", "https://")):
            raise UsageError(f"'{url:.80}' is no address: it begins with https:// or http://", code="url")
        self.url = url.rstrip("/")
        self._client = httpx.Client(headers={"x-api-key": key}, timeout=TIMEOUT_S, transport=transport)

    def __enter__(self) -> CompreFace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def subjects(self) -> list[str]:
        """All names."""
        names = self._list("/subjects", "subjects")
        return [name for name in names if isinstance(name, str)]

    def faces(self) -> Iterator[Stored]:
        """All stored pictures, page by page, each once."""
        seen: set[str] = set()
        page, before = 0, -1
        while len(seen) > before:  # a page that brings nothing new is the last
            before = len(seen)
            for row in self._list(f"/faces?page={page}&size={PAGE}", "faces"):
                if isinstance(row, dict) and str(row.get("image_id")) not in seen:
                    face = Stored(str(row.get("image_id")), str(row.get("subject")))
                    seen.add(face.image_id)
                    yield face
            page += 1

    def picture(self, face: Stored, most: int) -> bytes:
        """The bytes of a stored picture.

        Raises:
            NotFoundError: CompreFace keeps none.
            ConflictError: it has more than `most` bytes, or the service refuses.
        """
        data = self._get(f"/faces/{face.image_id}/img", most)
        if not data:
            raise NotFoundError(f"{face.image_id}: CompreFace keeps no picture of it", code="picture-not-kept")
        return data

    def _list(self, path: str, member: str) -> list[Any]:
        try:
            document = json.loads(self._get(path, MAX_LIST))
        except ValueError:
            document = None
        found = document.get(member) if isinstance(document, dict) else None
        if not isinstance(found, list):
            raise ConflictError(f"{self.url}: the answer to {path} is none of CompreFace's", code="not-compreface")
        return found

    def _get(self, path: str, most: int) -> bytes:
        data = bytearray()
        try:
            with self._client.stream("GET", f"{self.url}{_ROOT}{path}") as answer:
                if answer.status_code != 200:
                    asked = f"{self.url}: {path.partition('?')[0]}"
                    reason = f"{asked} is answered with {answer.status_code}; check address and key"
                    raise ConflictError(reason, code="compreface-refused")
                for chunk in answer.iter_bytes():
                    data += chunk
                    if len(data) > most:
                        reason = f"{self.url}: {path} has more than {most:,} bytes"
                        raise ConflictError(reason, code="compreface-too-much")
        except httpx.HTTPError as error:
            raise NotFoundError(f"{self.url} cannot be reached: {error}", code="unreachable") from error
        return bytes(data)


def import_compreface(source: CompreFace, gallery: LocalGallery, *, progress: Progress | None = None) -> Imported:
    """Enrol all pictures that a CompreFace service keeps, the largest face of each; doing it twice adds nothing.

    Args:
        source: where from.
        gallery: where to; people who are there already get what is new.
        progress: called with (done, total) pictures.

    Raises:
        NotFoundError: the service cannot be reached.
        ConflictError: it refuses, or is no CompreFace.
    """
    names, faces = source.subjects(), list(source.faces())
    failures: list[Failure] = []
    added = 0
    for done, face in enumerate(faces, 1):
        outcome = _enrol(source, gallery, face)
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            added += outcome
        if progress:
            progress(done, len(faces))
    failures += _without_pictures(gallery, names)
    return Imported(len(names), len(faces), added, tuple(failures))


def _enrol(source: CompreFace, gallery: LocalGallery, face: Stored) -> int | Failure:
    """How many references are new."""
    where = f"{face.subject}/{face.image_id}"
    try:
        check_name(face.subject)  # '#12' would be somebody else here
        data = source.picture(face, gallery.models.limits.max_bytes)
        result = gallery.enrol(face.subject, data, faces="largest")
    except MienError as error:
        if error.code not in _ABOUT_ONE and not isinstance(error, UsageError):
            raise
        return Failure(where, error.code, error.message)
    if result.failures:
        failure = result.failures[0]
        return Failure(where, failure.reason, failure.message.replace(failure.source, where, 1))
    return result.added


def _without_pictures(gallery: LocalGallery, names: list[str]) -> Iterator[Failure]:
    for name in names:
        try:
            gallery.store.add_subject(name)
        except ConflictError:
            continue  # is there already
        except UsageError as error:
            yield Failure(name, error.code, error.message)
