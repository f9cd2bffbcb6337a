"""A gallery behind the server: the calls of `LocalGallery`, with pictures decoded and embedded by the engine."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mien.compare import at_fmr, at_fpir, matches
from mien.gallery import Attributes, PictureRecord, Searched, check_attributes
from mien.pipeline import Acquired, Policy
from mien.server.decoding import Picture
from mien.server.engine import Engine
from mien.service import LocalGallery
from mien.service.functions import decide
from mien.service.local import ENROL_FACE_PX
from mien.service.people import group_gallery
from mien.types.outcome import Failure
from mien.types.results import Enrolment, Groups, Identification, IndexReport, Probe, Verification
from mien.types.score import Candidate, OperatingPoint, OperatingTable
from mien.types.template import Templates

OnePolicy = Literal["one", "largest", "central"]
"""Policies that take one face of a picture."""


@dataclass(frozen=True, slots=True)
class ServedGallery:
    """One gallery file, opened twice, so that who reads does not wait for who writes.

    Args:
        name: in addresses.
        reader: for searches and lists.
        writer: for changes, one at a time.
        engine: detector and embedder.
    """

    name: str
    reader: LocalGallery
    writer: LocalGallery
    engine: Engine

    @property
    def path(self) -> Path:
        """The file."""
        return self.reader.store.path

    def close(self) -> None:
        """Close the file."""
        self.reader.close()
        self.writer.close()

    def table(self) -> OperatingTable:
        """What was measured on this gallery's own people, if anything was; otherwise the model's."""
        return self.reader.store.operating() or self.engine.models.table()

    def enrol(
        self,
        subject: str,
        pictures: Sequence[Picture],
        *,
        faces: OnePolicy = "one",
        attributes: Attributes | None = None,
    ) -> Enrolment:
        """Add references of a named subject, one a picture; as `LocalGallery.enrol`."""
        self.reader.store.require_name(subject)
        check_attributes(attributes or {})
        outcomes = list(self.engine.acquire_each(pictures, Policy(faces), least_px=ENROL_FACE_PX))
        references: list[int] = []
        added = 0
        with self.writer.store.batch():  # one wait for the disk
            for outcome in outcomes:
                if isinstance(outcome, Acquired):
                    record = PictureRecord(outcome.sha256, outcome.source, outcome.size)
                    enrolled = self.writer.store.enrol(subject, outcome.templates, record, attributes=attributes)
                    references.append(enrolled.reference)
                    added += enrolled.new
        failures = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
        return Enrolment(subject, tuple(references), added, failures)

    def add(self, pictures: Sequence[Picture], *, subject: str | None = None) -> IndexReport:
        """Add every face of the pictures, or the largest of each as one subject; as `LocalGallery.index`."""
        start = time.perf_counter()
        store = self.writer.store
        if subject is not None:
            store.require_name(subject)
        fresh = [each for each in pictures if not self.reader.store.knows(hashlib.sha256(each.data).hexdigest())]
        policy = Policy.ALL if subject is None else Policy.LARGEST
        outcomes = list(self.engine.acquire_each(fresh, policy, nobody=subject is None)) if fresh else []
        failures = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
        new = faces = 0
        with store.batch():  # one wait for the disk
            for outcome in outcomes:
                if isinstance(outcome, Acquired) and not store.knows(outcome.sha256):
                    record = PictureRecord(outcome.sha256, outcome.source, outcome.size)
                    faces += len(store.add_picture(record, outcome.templates, subject=subject))
                    new += 1
        skipped = len(pictures) - new - len(failures)
        return IndexReport(len(pictures), new, skipped, faces, failures, time.perf_counter() - start)

    def identify(
        self,
        pictures: Sequence[Picture],
        *,
        fpir: float = 0.003,
        top: int = 5,
        faces: str = "all",
        where: str | None = None,
    ) -> Identification:
        """Who is in the pictures; as `LocalGallery.identify`."""
        searched = self.reader.store.searched(where)
        point = at_fpir(self.table(), fpir, searched.references)
        probes: list[Probe] = []
        failures: list[Failure] = []
        for outcome in self.engine.acquire_each(pictures, Policy(faces)):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                probes += self._probes(outcome.templates, top, point, searched)
        return Identification(
            tuple(probes),
            tuple(failures),
            fpir,
            point,
            searched.references,
            self.engine.model,
            searched=searched.subjects,
            where=where,
            recall=searched.recall,
        )

    def _probes(self, templates: Templates, top: int, point: OperatingPoint, searched: Searched) -> list[Probe]:
        found = self.reader.store.search(templates, top, among=searched.among)
        return [
            Probe(
                face,
                tuple(
                    Candidate(hit.subject, hit.score, rank, hit.reference, matches(hit.score, point))
                    for rank, hit in enumerate(hits, 1)
                ),
            )
            for face, hits in zip(templates.faces, found, strict=True)
        ]

    def verify(self, picture: Picture, subject: str, *, fmr: float = 1e-4, faces: str = "largest") -> Verification:
        """Whether a picture shows an enrolled subject; as `LocalGallery.verify`."""
        person, table = self.reader.store.show(subject), self.table()
        at_fmr(table, fmr)
        acquired = self.engine.acquire(picture, Policy(faces))
        scores = self.reader.store.compare(acquired.templates, subject)
        references = [reference.face for reference in person.references]
        return decide(scores, acquired.templates.faces, references, fmr=fmr, table=table, model=self.engine.model)

    def group(self, *, full: bool = False) -> Groups:
        """Sort the faces into people; as `LocalGallery.group` without a folder."""
        start = time.perf_counter()
        result = group_gallery(self.writer.store, self.engine.models, full=full, model=self.engine.model)
        return replace(result, seconds=time.perf_counter() - start)
