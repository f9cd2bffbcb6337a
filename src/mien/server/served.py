"""A gallery behind the server: the calls of `LocalGallery`, with pictures decoded and embedded by the engine."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from mien.gallery import Attributes, PictureRecord, check_attributes
from mien.pipeline import Policy
from mien.server.decoding import Picture
from mien.server.engine import Engine, Taken
from mien.service import LocalGallery
from mien.service.deciding import Claim, Search
from mien.service.local import ENROL_FACE_PX
from mien.service.people import group_gallery
from mien.types.outcome import Failure
from mien.types.results import Enrolment, Groups, Identification, IndexReport, Verification
from mien.types.score import OperatingTable

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
        self.reader.store.require_addable(subject)
        check_attributes(attributes or {})
        outcomes = list(self.engine.acquire_each(pictures, Policy(faces), least_px=ENROL_FACE_PX))
        references: list[int] = []
        added = 0
        store = self.writer.store
        with store.batch():  # one wait for the disk
            for outcome in outcomes:
                if isinstance(outcome, Taken):
                    record = PictureRecord(outcome.sha256, outcome.source, outcome.size)
                    crop = next(iter(outcome.jpegs(store)), None)
                    enrolled = store.enrol(subject, outcome.templates, record, attributes=attributes, crop=crop)
                    references.append(enrolled.reference)
                    added += enrolled.new
        failures = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
        return Enrolment(subject, tuple(references), added, failures)

    def add(self, pictures: Sequence[Picture], *, subject: str | None = None) -> IndexReport:
        """Add every face of the pictures, or the largest of each as one subject; as `LocalGallery.index`."""
        start = time.perf_counter()
        store = self.writer.store
        if subject is not None:
            store.require_addable(subject)
        fresh = [each for each in pictures if not self.reader.store.knows(hashlib.sha256(each.data).hexdigest())]
        policy = Policy.ALL if subject is None else Policy.LARGEST
        outcomes = list(self.engine.acquire_each(fresh, policy, nobody=subject is None)) if fresh else []
        failures = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
        new = faces = 0
        with store.batch():  # one wait for the disk
            for outcome in outcomes:
                if isinstance(outcome, Taken) and not store.knows(outcome.sha256):
                    record = PictureRecord(outcome.sha256, outcome.source, outcome.size)
                    jpegs = outcome.jpegs(store)
                    faces += len(store.add_picture(record, outcome.templates, subject=subject, jpegs=jpegs))
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
        search = Search.begin(self.reader.store, self.table(), fpir=fpir, top=top, where=where)
        return search.answer(self.engine.acquire_each(pictures, Policy(faces)), self.engine.model)

    def verify(self, picture: Picture, subject: str, *, fmr: float = 1e-4, faces: str = "largest") -> Verification:
        """Whether a picture shows an enrolled subject; as `LocalGallery.verify`."""
        claim = Claim.begin(self.reader.store, self.table(), subject, fmr=fmr)
        return claim.check(self.engine.acquire(picture, Policy(faces)).templates, self.engine.model)

    def group(self, *, full: bool = False) -> Groups:
        """Sort the faces into people; as `LocalGallery.group` without a folder."""
        start = time.perf_counter()
        result = group_gallery(self.writer.store, self.engine.models, full=full, model=self.engine.model)
        return replace(result, seconds=time.perf_counter() - start)
