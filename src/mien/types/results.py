"""What mien's calls answer: frozen values with `to_dict()` for JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.types.faces import Face
from mien.types.outcome import Failure
from mien.types.score import Candidate, OperatingPoint


@dataclass(frozen=True, slots=True)
class ModelId:
    """Which model answered, and with which arithmetic."""

    name: str
    digest: str
    precision: str
    engine: str

    def to_dict(self) -> dict[str, str]:
        """For JSON."""
        return {"name": self.name, "digest": self.digest, "precision": self.precision, "engine": self.engine}


@dataclass(frozen=True, slots=True)
class Verification:
    """A 1:1 comparison.

    Args:
        decision: True = match.
        score: cosine of the two templates; of the best pair where several faces were compared.
        fmr: the false match rate asked for, over all pairs of faces together.
        point: the threshold in force and what it rests on (for one pair).
        pairs: how many pairs of faces were compared.
        probe, reference: the faces behind `score`; for a comparison with a subject, `reference` is its best reference.
        model: who answered.
    """

    decision: bool
    score: float
    fmr: float
    point: OperatingPoint
    pairs: int
    probe: Face
    reference: Face
    model: ModelId

    @property
    def threshold(self) -> float:
        """The threshold in force."""
        return self.point.threshold

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "match": self.decision,
            "score": round(self.score, 4),
            "threshold": round(self.threshold, 4),
            "fmr": self.fmr,
            "pairs": self.pairs,
            "operating_point": self.point.to_dict(),
            "model": self.model.to_dict(),
            "probe": self.probe.to_dict(),
            "reference": self.reference.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Probe:
    """The answer for one face: a candidate list, and the subject it was identified as, or None."""

    face: Face
    candidates: tuple[Candidate, ...]

    @property
    def decision(self) -> str | None:
        """The first candidate's subject if it matches, otherwise None: nobody."""
        return self.candidates[0].subject if self.candidates and self.candidates[0].match else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        candidates = [candidate.to_dict() for candidate in self.candidates]
        return {**self.face.to_dict(), "candidates": candidates, "decision": self.decision}


@dataclass(frozen=True, slots=True)
class Identification:
    """A 1:N search, open set.

    Args:
        probes: one a face, in the order of the pictures.
        failures: pictures without an answer.
        fpir: the false positive identification rate asked for.
        point: the threshold in force and what it rests on.
        gallery_size: number of references searched; `point` follows from it.
        model: who answered.
        searched: number of subjects searched.
        where: the filter that they passed; None: everybody was searched.
        recall: measured share of the true ten best that an approximate index finds; None: it finds all.
    """

    probes: tuple[Probe, ...]
    failures: tuple[Failure, ...]
    fpir: float
    point: OperatingPoint
    gallery_size: int
    model: ModelId
    searched: int = 0
    where: str | None = None
    recall: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "probes": [probe.to_dict() for probe in self.probes],
            "failures": [failure.to_dict() for failure in self.failures],
            "threshold": round(self.point.threshold, 4),
            "fpir": self.fpir,
            "gallery_size": self.gallery_size,
            "searched": self.searched,
            "where": self.where,
            "recall": self.recall,
            "operating_point": self.point.to_dict(),
            "model": self.model.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Person:
    """One group: the faces of one person; `name` where a gallery knows it (``ada``, or ``#12`` without a name)."""

    id: int
    faces: tuple[Face, ...]
    name: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        row = {"id": self.id, "size": len(self.faces), "faces": [face.to_dict() for face in self.faces]}
        return row if self.name is None else {**row, "name": self.name}


@dataclass(frozen=True, slots=True)
class Groups:
    """A folder sorted into people.

    Args:
        groups: people with two faces or more, largest first.
        ungrouped: faces that stay alone.
        failures: pictures without an answer; a picture without a face is no failure.
        files: pictures looked at.
        seconds: how long it took.
        cut: the score at which groups were formed, and its basis in words.
        model: who made the templates.
    """

    groups: tuple[Person, ...]
    ungrouped: tuple[Face, ...]
    failures: tuple[Failure, ...]
    files: int
    seconds: float
    cut: float
    basis: str
    model: ModelId

    @property
    def faces(self) -> int:
        """Number of faces, grouped or not."""
        return sum(len(person.faces) for person in self.groups) + len(self.ungrouped)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "groups": [person.to_dict() for person in self.groups],
            "ungrouped": [face.to_dict() for face in self.ungrouped],
            "files": self.files,
            "faces": self.faces,
            "failures": [failure.to_dict() for failure in self.failures],
            "seconds": round(self.seconds, 3),
            "cut": round(self.cut, 4),
            "basis": self.basis,
            "model": self.model.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class IndexReport:
    """A folder added to a gallery.

    Args:
        files: pictures found.
        new: pictures read in this run.
        skipped: pictures whose content the gallery had already.
        faces: faces added.
        failures: pictures that could not be used.
        seconds: how long it took.
    """

    files: int
    new: int
    skipped: int
    faces: int
    failures: tuple[Failure, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "files": self.files,
            "new": self.new,
            "skipped": self.skipped,
            "faces": self.faces,
            "failures": [failure.to_dict() for failure in self.failures],
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Enrolment:
    """References of a subject added to a gallery.

    Args:
        subject: the name.
        references: ids of the references, one a picture that gave a face; a face enrolled before keeps its id.
        added: how many of them are new.
        failures: pictures that gave none.
    """

    subject: str
    references: tuple[int, ...]
    added: int
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "subject": self.subject,
            "references": list(self.references),
            "added": self.added,
            "failures": [failure.to_dict() for failure in self.failures],
        }
