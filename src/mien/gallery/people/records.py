"""What a gallery takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.gallery.people.consent import Consent
from mien.types.arrays import Embeddings, FloatArray
from mien.types.faces import Face


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """A picture as a gallery knows it: by its bytes, not by its name.

    Args:
        sha256: of the file's bytes, 64 hexadecimal digits.
        path: where it was found.
        size: (width, height) in pixels of the full upright picture.
    """

    sha256: str
    path: str
    size: tuple[int, int]

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not set(self.sha256) <= set("0123456789abcdef"):
            raise UsageError(f"sha256 must be 64 hexadecimal digits, got '{self.sha256:.70}'")


class Enrolled(NamedTuple):
    """A reference id, and whether it is new; the same face of the same picture is kept once."""

    reference: int
    new: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """A person of the gallery.

    Args:
        id: number within the gallery, never used twice.
        uid: opaque and unique everywhere; what the audit trail names.
        name: None for someone without one.
        references: how many.
        created: UTC.
        attributes: texts and numbers by key.
        consent: why the person is kept and until when; None when nothing was stated.
    """

    id: int
    uid: str
    name: str | None
    references: int
    created: str
    attributes: Mapping[str, str | int | float] = field(default_factory=dict)
    consent: Consent | None = None

    @property
    def label(self) -> str:
        """The name, or ``#12`` without one."""
        return f"#{self.id}" if self.name is None else self.name

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "subject": self.label,
            "named": self.name is not None,
            "references": self.references,
            "created": self.created,
            "attributes": dict(self.attributes),
            "consent": None if self.consent is None else self.consent.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Reference:
    """A stored face of somebody.

    Args:
        id: number within the gallery, never used twice.
        subject: label.
        face: where it is in the picture; `source` is the path.
        picture: id of the picture; None when there was none.
        sha256: of the picture; empty without one.
        precision: arithmetic of the template.
        pinned: a person said that it belongs to this subject; grouping leaves it there.
        created: UTC.
    """

    id: int
    subject: str
    face: Face
    picture: int | None
    sha256: str
    precision: str
    pinned: bool
    created: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the face, and id, subject, sha256, created."""
        facts = {"id": self.id, "subject": self.subject, "sha256": self.sha256, "created": self.created}
        return {**facts, **self.face.to_dict()}


@dataclass(frozen=True, slots=True)
class Person:
    """A subject with all that is stored about it, but the templates.

    Args:
        subject: who.
        references: its faces, by id.
    """

    subject: Subject
    references: tuple[Reference, ...]

    @property
    def label(self) -> str:
        """The name, or ``#12`` without one."""
        return self.subject.label

    @property
    def created(self) -> str:
        """UTC."""
        return self.subject.created

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self.subject.to_dict(), "references": [reference.to_dict() for reference in self.references]}


@dataclass(frozen=True, slots=True)
class GroupedFaces:
    """All references as columns, for grouping.

    Args:
        ids: (n,) int64 reference ids, ascending.
        subjects: (n,) int64 subject ids.
        named: (n,) bool, the subject has a name.
        kept: (n,) bool, a person said who it is (a name, a correction); grouping leaves it there.
        pictures: (n,) int64, 0 without a picture; two faces of one picture are two people.
        vectors: (n, d) float32, unit rows.
        apart: pairs of subject ids that are not the same person.
        scores: (n,) float32 detector scores.
        settled: (n,) bool, an earlier grouping by the same rule put it there, and nothing has changed since.
    """

    ids: NDArray[np.int64]
    subjects: NDArray[np.int64]
    named: NDArray[np.bool_]
    kept: NDArray[np.bool_]
    pictures: NDArray[np.int64]
    vectors: Embeddings
    apart: frozenset[tuple[int, int]]
    scores: FloatArray
    settled: NDArray[np.bool_]

    def only(self, rows: NDArray[np.bool_]) -> GroupedFaces:
        """Some of the rows."""
        return replace(
            self,
            ids=self.ids[rows],
            subjects=self.subjects[rows],
            named=self.named[rows],
            kept=self.kept[rows],
            pictures=self.pictures[rows],
            vectors=self.vectors[rows],
            scores=self.scores[rows],
            settled=self.settled[rows],
        )


class Hit(NamedTuple):
    """One subject of a search: label, best cosine, the reference that scored it."""

    subject: str
    score: float
    reference: int


@dataclass(frozen=True, slots=True, eq=False)
class Searched:
    """Who answers a search.

    Args:
        where: the filter; None: everybody.
        among: sorted ids of the subjects that pass it; None: everybody.
        subjects: how many of them have a reference.
        references: how many those have; what the threshold for a false positive rate depends on.
        recall: measured share of the true ten best that the index finds; None for one that finds all.
    """

    where: str | None
    among: NDArray[np.int64] | None
    subjects: int
    references: int
    recall: float | None
