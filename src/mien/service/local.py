"""A gallery file with the models that fill it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from mien.compare import at_fpir, matches
from mien.errors import MienError
from mien.gallery import Attributes, Gallery, Person, PictureRecord, Searched, Subject, check_attributes
from mien.gallery.attributes import Value
from mien.image import Photo, PhotoSource, find_photos, open_photo
from mien.models import contract_of
from mien.pipeline import Acquired, Outcome, Pipeline, Policy, Recorder, Seen, stream
from mien.pipeline.acquire import require_size
from mien.pipeline.profile import span
from mien.service.acquire import acquire_all
from mien.service.base import enrolment_policy
from mien.service.engine import Models, Progress, model_id
from mien.service.functions import decide
from mien.service.people import group_gallery
from mien.types.outcome import Failure
from mien.types.results import Enrolment, Groups, Identification, IndexReport, Probe, Verification
from mien.types.score import Candidate, OperatingPoint, OperatingTable
from mien.types.template import Templates

ENROL_FACE_PX = 40
"""Least height of a face to enrol, one of the published limits; a smaller one is no reference to rely on."""
COMMIT_S = 1.0
"""An index run acknowledges at least this often; a group commit costs one fsync, whatever is in it."""


def open_gallery(
    path: str | PathLike[str], *, models: Models | None = None, create: bool = True, compact: bool = False
) -> LocalGallery:
    """Open a gallery file.

    Args:
        path: the file, such as ``family.mien``.
        models: detector and embedder; without a named embedder the gallery's own is used, or SFace for a new one.
        create: make the file if it is not there.
        compact: a new gallery stores templates with 1 byte a dimension instead of 4.

    Raises:
        NotFoundError: it is not there and `create` is False.
        ConflictError: `compact` is asked of a gallery with whole templates.
        ModelMismatchError: it was made with another embedder than the one asked for.
        StoreError: it cannot be opened.
    """
    models = models or Models()
    wanted = contract_of(models.embedder_card) if models.embedder else None
    gallery = Gallery.open(path, contract=wanted, create=create)
    try:
        if compact:
            gallery.make_compact()
        contract = gallery.contract
    except MienError:
        gallery.close()
        raise
    return LocalGallery(gallery, models if contract is None or wanted else replace(models, embedder=contract.model))


class LocalGallery:
    """People in a gallery file, and the calls that use them. Also a context manager.

    Made by `mien.open`. Everything it acknowledges (by returning) is on disk.
    """

    def __init__(self, gallery: Gallery, models: Models) -> None:
        self.store = gallery
        self.models = models

    def __enter__(self) -> LocalGallery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is fine."""
        self.store.close()

    def enrol(
        self,
        subject: str,
        images: PhotoSource | Sequence[PhotoSource],
        *,
        faces: str = "one",
        attributes: Attributes | None = None,
    ) -> Enrolment:
        """Add references of a named subject, one a picture.

        Args:
            subject: the name; made if it is new.
            images: one picture or several.
            faces: ``one`` (exactly one face a picture), ``largest`` or ``central``.
            attributes: what else is known of the subject, such as ``{"site": "berlin", "age": 34}``; set with the
                first reference, what was known before stays.

        Returns:
            The references, and the pictures that gave none.

        Raises:
            UsageError: the name is not allowed, or `faces` is ``all``: a subject has one face.
        """
        policy = enrolment_policy(faces)
        self.store.require_name(subject)
        check_attributes(attributes or {})
        pipeline = self.models.pipeline()
        references: list[int] = []
        failures: list[Failure] = []
        added = 0
        for source in several(images):
            try:
                photo = open_photo(source, limits=self.models.limits)
                chosen, crops = pipeline.crops(photo, policy)
                require_size(chosen, ENROL_FACE_PX)
                templates = pipeline.finish(chosen, pipeline.embedder.embed(crops))
            except MienError as error:
                if error.exit_code not in (3, 4):  # not about this picture
                    raise
                failures.append(Failure.of(error, str(source)))
                continue
            reference, new = self.store.enrol(subject, templates, _record(photo), attributes=attributes)
            references.append(reference)
            added += new
        return Enrolment(subject, tuple(references), added, tuple(failures))

    def index(
        self,
        folder: str | PathLike[str],
        *,
        by_folder: bool = False,
        progress: Progress | None = None,
        workers: int = 1,
        recorder: Recorder | None = None,
    ) -> IndexReport:
        """Add every face of the pictures below a folder; each picture once, by content.

        An interrupted run keeps what it acknowledged, and the next one goes on from there.

        Args:
            folder: photographs, with all below it.
            by_folder: the folder that a picture lies in names the person in it.
            progress: called with (done, total) pictures.
            workers: 1 = a thread a core; more = so many processes, for machines with many cores.
            recorder: told where the time goes.
        """
        start = time.perf_counter()
        paths, unreadable = find_photos(folder)
        failures, new, skipped, faces = list(unreadable), 0, 0, 0
        policy = Policy.LARGEST if by_folder else Policy.ALL
        outcomes = acquire_all(self.models, paths, policy=policy, skip=self._known, workers=workers, recorder=recorder)
        for batch in _timed_batches(outcomes):
            with span(recorder, "store", len(batch)), self.store.batch():
                for outcome in batch:
                    if isinstance(outcome, Acquired) and not self.store.knows(outcome.sha256):
                        subject = Path(outcome.source).parent.name if by_folder else None
                        faces += self._add(outcome, subject)
                        new += 1
                    elif isinstance(outcome, Failure):
                        failures.append(outcome)
                    else:
                        skipped += 1
            if progress:
                progress(new + skipped + len(failures), len(paths) + len(unreadable))
        self.store.optimize_if_due()
        total = len(paths) + len(unreadable)
        return IndexReport(total, new, skipped, faces, tuple(failures), time.perf_counter() - start)

    def _known(self, seen: Seen) -> bool:
        return self.store.knows(seen.sha256)

    def _add(self, outcome: Acquired, subject: str | None) -> int:
        return len(self.store.add_picture(_record(outcome), outcome.templates, subject=subject))

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
        """Who is in the pictures: for each face a candidate list, and a name or nobody (open set).

        Args:
            images: one picture or several.
            fpir: how often a stranger's face may be given a name; the threshold follows the gallery's size.
            top: length of the candidate lists, 1..1000.
            faces: which faces of a picture are probes.
            where: search only the subjects whose attributes pass this filter, such as ``site=berlin and age>=30``; the
                threshold then follows their number.
            progress: called with (done, total) pictures.

        Raises:
            UsageError: the rate is not supported, `top` is out of range, or the filter cannot be read.
        """
        sources = several(images)
        searched = self.store.searched(where)
        point = at_fpir(self._table(), fpir, searched.references)
        pipeline = self.models.pipeline(batch=len(sources) > 1)
        probes: list[Probe] = []
        failures: list[Failure] = []
        for done, outcome in enumerate(self._outcomes(pipeline, sources, Policy(faces)), 1):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            elif isinstance(outcome, Acquired):
                probes += self._probes(outcome.templates, top, point, searched)
                if not len(outcome.templates):
                    failures.append(Failure(outcome.source, "no-face", f"{outcome.source}: no face found"))
            if progress:
                progress(done, len(sources))
        return Identification(
            tuple(probes),
            tuple(failures),
            fpir,
            point,
            searched.references,
            model_id(pipeline.embedder),
            searched=searched.subjects,
            where=where,
            recall=searched.recall,
        )

    def _outcomes(self, pipeline: Pipeline, sources: Sequence[PhotoSource], policy: Policy) -> Iterator[Outcome]:
        workers = 1 if len(sources) == 1 else None  # one picture gets all cores inside the networks
        return stream(pipeline, sources, policy=policy, workers=workers, limits=self.models.limits)

    def _probes(self, templates: Templates, top: int, point: OperatingPoint, searched: Searched) -> Iterator[Probe]:
        found = self.store.search(templates, top, among=searched.among)
        for face, hits in zip(templates.faces, found, strict=True):
            rows = enumerate(hits, 1)
            yield Probe(
                face,
                tuple(Candidate(h.subject, h.score, rank, h.reference, matches(h.score, point)) for rank, h in rows),
            )

    def verify(self, image: PhotoSource, subject: str, *, fmr: float = 1e-4, faces: str = "largest") -> Verification:
        """Whether a picture shows an enrolled subject, at a stated false match rate.

        The best of the subject's references counts, at a threshold corrected for how many there are.

        Raises:
            NotFoundError: no such subject.
            ImageError: the picture cannot be used.
            UsageError: the rate is not supported.
        """
        person = self.store.show(subject)
        pipeline = self.models.pipeline()
        templates = pipeline.templates(open_photo(image, limits=self.models.limits), Policy(faces))
        scores = self.store.compare(templates, subject)
        references = [reference.face for reference in person.references]
        model = model_id(pipeline.embedder)
        return decide(scores, templates.faces, references, fmr=fmr, table=self._table(), model=model)

    def _table(self) -> OperatingTable:
        """What was measured on this gallery's own people, if anything was; otherwise the model's."""
        return self.store.operating() or self.models.table()

    def group(
        self,
        folder: str | PathLike[str],
        *,
        progress: Progress | None = None,
        workers: int = 1,
        recorder: Recorder | None = None,
        full: bool = False,
    ) -> Groups:
        """Index a folder, then sort its faces into people, keeping the names and corrections that the gallery has.

        Faces that came since an earlier run are compared with all; with `full` all are compared with all again.
        """
        start = time.perf_counter()
        report = self.index(folder, progress=progress, workers=workers, recorder=recorder)
        with span(recorder, "group", report.faces):
            result = group_gallery(self.store, self.models, full=full)
        seconds = time.perf_counter() - start
        return replace(result, failures=report.failures, files=report.files, seconds=seconds)

    def subjects(self, *, unnamed: bool = True) -> list[Subject]:
        """The people, by name; those without one follow, unless they are not wanted."""
        return self.store.subjects(unnamed=unnamed)

    def show(self, subject: str) -> Person:
        """A person with the faces that are stored."""
        return self.store.show(subject)

    def info(self) -> dict[str, Any]:
        """The gallery in numbers."""
        return self.store.info()

    def set_attributes(self, subject: str, values: Mapping[str, Value | None]) -> None:
        """Put down what is known about somebody, such as ``{"site": "berlin"}``; None takes a value away."""
        self.store.set_attributes(subject, values)

    def forget(self, subject: str) -> dict[str, object]:
        """Erase a subject for good; the receipt says what was erased."""
        return self.store.forget(subject)

    def rename(self, subject: str, name: str) -> None:
        """Give a subject, or someone without a name (``#12``), a name."""
        self.store.rename(subject, name)


def several(images: PhotoSource | Sequence[PhotoSource]) -> Sequence[PhotoSource]:
    """One picture or several, as several."""
    if isinstance(images, list | tuple):
        return images
    return [cast(PhotoSource, images)]


def _record(photo: Photo | Acquired) -> PictureRecord:
    return PictureRecord(photo.sha256, photo.source, photo.size)


def _timed_batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """What has come in COMMIT_S seconds, as one batch to commit."""
    batch: list[Outcome] = []
    began = time.monotonic()
    for outcome in outcomes:
        batch.append(outcome)
        if time.monotonic() - began >= COMMIT_S:
            yield batch
            batch, began = [], time.monotonic()
    if batch:
        yield batch
