"""Results from the JSON that a server writes them as; numbers are as precise as there: scores to four digits."""

from __future__ import annotations

from typing import Any, TypeAlias

from mien.gallery import Reference, Subject
from mien.gallery.people.consent import Consent
from mien.types.faces import Face
from mien.types.outcome import Failure
from mien.types.results import Groups, Identification, ModelId, Person, Probe, Verification
from mien.types.score import Candidate, OperatingPoint

Document: TypeAlias = dict[str, Any]


def face(document: Document) -> Face:
    """A face."""
    x0, y0, x1, y1 = document["box"]
    points = tuple((x, y) for x, y in document["points"])
    return Face((x0, y0, x1, y1), document["det_score"], points, document["file"])


def failure(document: Document) -> Failure:
    """A picture that could not be used."""
    return Failure(document["file"], document["reason"], document["message"])


def model(document: Document) -> ModelId:
    """Who answered."""
    return ModelId(document["name"], document["digest"], document["precision"], document["engine"])


def point(document: Document) -> OperatingPoint:
    """A threshold and what it rests on."""
    low, high = document["interval"]
    counts = {name: document[name] for name in ("threshold", "errors", "trials", "misses", "mated", "data")}
    return OperatingPoint(
        fmr=document["measured_fmr"], low=low, high=high, extrapolated=document["extrapolated"], **counts
    )


def probe(document: Document) -> Probe:
    """A face and its candidates."""
    names = ("subject", "score", "rank", "reference", "match")
    candidates = (Candidate(*(each[name] for name in names)) for each in document["candidates"])
    return Probe(face(document), tuple(candidates))


def verification(document: Document) -> Verification:
    """A 1:1 comparison."""
    return Verification(
        decision=document["match"],
        score=document["score"],
        fmr=document["fmr"],
        point=point(document["operating_point"]),
        pairs=document["pairs"],
        probe=face(document["probe"]),
        reference=face(document["reference"]),
        model=model(document["model"]),
    )


def identification(document: Document) -> Identification:
    """A 1:N search."""
    return Identification(
        probes=tuple(map(probe, document["probes"])),
        failures=tuple(map(failure, document["failures"])),
        fpir=document["fpir"],
        point=point(document["operating_point"]),
        gallery_size=document["gallery_size"],
        model=model(document["model"]),
        searched=document["searched"],
        where=document["where"],
        recall=document["recall"],
    )


def groups(document: Document) -> Groups:
    """Faces sorted into people."""
    people = (Person(each["id"], tuple(map(face, each["faces"])), each.get("name")) for each in document["groups"])
    return Groups(
        groups=tuple(people),
        ungrouped=tuple(map(face, document["ungrouped"])),
        failures=tuple(map(failure, document["failures"])),
        files=document["files"],
        seconds=document["seconds"],
        cut=document["cut"],
        basis=document["basis"],
        model=model(document["model"]),
    )


def subject(document: Document) -> Subject:
    """Somebody."""
    name = document["subject"] if document["named"] else None
    stated = document.get("consent")
    return Subject(
        id=document["id"],
        uid=document["uid"],
        name=name,
        references=document["references"],
        created=document["created"],
        attributes=document["attributes"],
        consent=None if stated is None else Consent(**stated),
    )


def reference(document: Document) -> Reference:
    """A stored face."""
    values = (document[key] for key in ("picture", "sha256", "precision", "pinned", "created"))
    return Reference(document["id"], document["subject"], face(document), *values)
