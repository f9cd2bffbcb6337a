"""What a gallery does, wherever it is: in a file here, or on a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from mien.errors import UsageError
from mien.gallery import Attributes, Consent, Moment, Subject
from mien.gallery.people.attributes import Value
from mien.gallery.people.records import Person
from mien.image import PhotoSource
from mien.pipeline import Policy
from mien.service.engine import Progress
from mien.types.results import Enrolment, Groups, Identification, IndexReport, Verification


@runtime_checkable
class GalleryService(Protocol):
    """People, and the calls that use them; what `mien.open` gives. Also a context manager.

    `LocalGallery` describes the calls; `RemoteGallery` answers the same, of the same types, with the same errors.
    """

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
        """Add references of a named subject, one a picture."""
        ...

    def index(
        self, folder: str | PathLike[str], *, by_folder: bool = False, progress: Progress | None = None
    ) -> IndexReport:
        """Add every face of the pictures below a folder of this machine; each picture once, by content."""
        ...

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
        """Who is in the pictures: for each face a candidate list, and a name or nobody (open set)."""
        ...

    def verify(self, image: PhotoSource, subject: str, *, fmr: float = 1e-4, faces: str = "largest") -> Verification:
        """Whether a picture shows an enrolled subject, at a stated false match rate."""
        ...

    def group(self, folder: str | PathLike[str], *, progress: Progress | None = None, full: bool = False) -> Groups:
        """Index a folder, then sort the faces of the gallery into people."""
        ...

    def subjects(self, *, unnamed: bool = True) -> list[Subject]:
        """The people, by name; those without one follow."""
        ...

    def show(self, subject: str) -> Person:
        """A person with the faces that are stored."""
        ...

    def set_attributes(self, subject: str, values: Mapping[str, Value | None]) -> None:
        """Put down what is known about somebody; None takes a value away."""
        ...

    def set_consent(
        self,
        subject: str,
        *,
        basis: str = "consent",
        scope: str = "",
        given: Moment | None = None,
        expires: Moment | None = None,
    ) -> Consent:
        """Put down on what basis somebody is kept, for what and until when; it renews one that has ended."""
        ...

    def withdraw(self, subject: str) -> Consent:
        """Take somebody's consent back: never matched from now on, and erased by the next sweep."""
        ...

    def rename(self, subject: str, name: str) -> None:
        """Give a subject, or someone without a name (``#12``), a name."""
        ...

    def forget(self, subject: str) -> dict[str, object]:
        """Erase a subject for good; the receipt says what was erased."""
        ...

    def info(self) -> dict[str, Any]:
        """The gallery in numbers."""
        ...

    def close(self) -> None:
        """Release it; closing twice is fine."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def enrolment_policy(faces: str) -> Policy:
    """The policy of an enrolment, which takes one face of a picture.

    Raises:
        UsageError: ``all``.
    """
    policy = Policy(faces)
    if policy is Policy.ALL:
        raise UsageError("one picture enrols one face of a subject; choose with faces='one', 'largest' or 'central'")
    return policy
