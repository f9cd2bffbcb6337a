"""What anonymising a folder answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.types.faces import Face
from mien.types.outcome import Failure
from mien.types.results import ModelId
from mien.types.score import OperatingPoint


@dataclass(frozen=True, slots=True)
class Recognised:
    """A face of the output that still matches an original of the run.

    Args:
        face: where, in the output.
        original: the picture that it matches.
        own: it is the picture that the output was made from.
        score: cosine, at or above the threshold.
    """

    face: Face
    original: str
    own: bool
    score: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON: box, original, own, score."""
        box = [round(v, 1) for v in self.face.box]
        return {"box": box, "original": self.original, "own": self.own, "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True)
class Anonymized:
    """One picture, as it was written and then checked.

    Args:
        source: the original.
        output: the picture written.
        hidden: faces made unrecognisable.
        passes: how often it was hidden and checked.
        missed: faces found in the output outside of everything that was hidden.
        found: faces found where one was hidden; with ``replace`` the drawn ones.
        recognised: faces that match an original.
        findable: somebody is still findable by what counts for the method.
    """

    source: str
    output: str
    hidden: int
    passes: int
    missed: tuple[Face, ...]
    found: tuple[Face, ...]
    recognised: tuple[Recognised, ...]
    findable: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.source,
            "output": self.output,
            "hidden": self.hidden,
            "passes": self.passes,
            "missed": [_place(face) for face in self.missed],
            "found": [_place(face) for face in self.found],
            "recognised": [one.to_dict() for one in self.recognised],
            "findable": self.findable,
        }

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Anonymized:
        """From `to_dict`, to its rounding."""
        lists = {key: tuple(_face(one) for one in row[key]) for key in ("missed", "found")}
        matches = tuple(Recognised(_face(r), r["original"], r["own"], r["score"]) for r in row["recognised"])
        plain = (row["file"], row["output"], row["hidden"], row["passes"])
        return cls(*plain, lists["missed"], lists["found"], matches, row["findable"])


def _place(face: Face) -> dict[str, Any]:
    return {"box": [round(v, 1) for v in face.box], "det_score": round(face.score, 4)}


def _face(row: dict[str, Any]) -> Face:
    x0, y0, x1, y1 = row["box"]
    return Face((x0, y0, x1, y1), row.get("det_score", 1.0))


@dataclass(frozen=True, slots=True)
class Anonymization:
    """A folder anonymised.

    Args:
        how: the method.
        pictures: one for each written or done before, in the order of the paths.
        skipped: how many of them were done before.
        failures: pictures that were not written.
        references: faces of the originals that every face of the output was compared with.
        fpir: the false positive identification rate asked for.
        point: the threshold in force and what it rests on; None when no original shows a face.
        find_score, check_score: lowest detection score of a face to hide, and of one that counts as left.
        seconds: how long it took.
        model: which embedder compared.
    """

    how: str
    pictures: tuple[Anonymized, ...]
    skipped: int
    failures: tuple[Failure, ...]
    references: int
    fpir: float
    point: OperatingPoint | None
    find_score: float
    check_score: float
    seconds: float
    model: ModelId

    @property
    def findable(self) -> tuple[Anonymized, ...]:
        """The pictures in which somebody is still findable."""
        return tuple(picture for picture in self.pictures if picture.findable)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "how": self.how,
            "pictures": [picture.to_dict() for picture in self.pictures],
            "hidden": sum(picture.hidden for picture in self.pictures),
            "missed": sum(len(picture.missed) for picture in self.pictures),
            "found": sum(len(picture.found) for picture in self.pictures),
            "recognised": sum(len(picture.recognised) for picture in self.pictures),
            "findable": len(self.findable),
            "found_counts": self.how == "fill",
            "skipped": self.skipped,
            "failures": [failure.to_dict() for failure in self.failures],
            "references": self.references,
            "fpir": self.fpir,
            "operating_point": self.point.to_dict() if self.point else None,
            "find_score": round(self.find_score, 4),
            "check_score": round(self.check_score, 4),
            "metadata": "dropped",
            "seconds": round(self.seconds, 3),
            "model": self.model.to_dict(),
        }
