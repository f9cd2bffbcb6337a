"""A gallery file with the models that fill it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from types import TracebackType
from typing import Any, cast

from mien.errors import MienError
from mien.gallery import Attributes, Consent, Gallery, Moment, Person, Subject, check_attributes
from mien.gallery.people.attributes import Value
from mien.image import PhotoSource, find_photos, open_photo
from mien.models import contract_of
from mien.pipeline import Outcome, Pipeline, Policy, Recorder, stream
from mien.pipeline.acquire import require_size
from mien.pipeline.profile import span
from mien.service.acquire import acquire_all
from mien.service.base import enrolment_policy
from mien.service.deciding import Claim, Search
from mien.service.engine import Models, Progress, model_id
from mien.service.indexing import Intake, record_of, timed_batches
from mien.service.people import group_gallery
from mien.service.quality import open_gate
from mien.types.outcome import Failure
from mien.types.results import Enrolment, Groups, Identification, IndexReport, Verification
from mien.types.score import OperatingTable

ENROL_FACE_PX = 40
"""Least height of a face to enrol, one of the published limits; a smaller one is no reference to rely on."""


def open_gallery(
    path: str | PathLike[str],
    *,
    models: Models | None = None,
    create: bool = True,
    compact: bool = False,
    audit_decisions: bool = False,
) -> LocalGallery:
    """Open a gallery file.

    Args:
        path: the file, such as ``family.mien``.
        models: detector and embedder; without a named embedder the gallery's own is used, or SFace for a new one.
        create: make the file if it is not there.
        compact: a new gallery stores templates with 1 byte a dimension instead of 4.
        audit_decisions: `identify` and `verify` leave audit records too: who asked (`mien.gallery.acting`), whom it
            concerned, with which model, threshold and rate. They are on disk before the answer is given.

    Raises:
        NotFoundError: it is not there and `create` is False.
        ConflictError: `compact` is asked of a gallery with whole templates.
        ModelMismatchError: it was made with another embedder than the one asked for.
        StoreError: it cannot be opened.
    """
    models = models or Models()
    wanted = contract_of(models.embedder_card) if models.embedder else None
    gallery = Gallery.open(path, contract=wanted, create=create, audit_decisions=audit_decisions)
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
        min_quality: float | None = None,
        require: Sequence[str] = (),
    ) -> Enrolment:
        """Add references of a named subject, one a picture.

        Args:
            subject: the name; made if it is new.
            images: one picture or several.
            faces: ``one`` (exactly one face a picture), ``largest`` or ``central``.
            attributes: what else is known of the subject, such as ``{"site": "berlin", "age": 34}``; set with the
                first reference, what was known before stays.
            min_quality: least unified quality of a reference, 0..100; a picture below it is a failure that says what
                to change.
            require: ``bona-fide``: a face that the head ``pad`` (or ``liveness``) takes for an attack, at the
                threshold on its card, is a failure.

        Returns:
            The references, and the pictures that gave none.

        Raises:
            UsageError: the name is not allowed, `faces` is ``all`` (a subject has one face), or a condition cannot be
                checked.
            ConflictError: the subject's consent has ended.
        """
        policy = enrolment_policy(faces)
        self.store.require_addable(subject)
        check_attributes(attributes or {})
        gate = open_gate(self.models, min_quality, require)
        pipeline = self.models.pipeline()
        references: list[int] = []
        failures: list[Failure] = []
        added = 0
        for source in several(images):
            try:
                photo = open_photo(source, limits=self.models.limits)
                chosen, crops = pipeline.crops(photo, policy)
                require_size(chosen, ENROL_FACE_PX)
                if gate:
                    gate.check(photo, chosen)
                templates = pipeline.finish(chosen, pipeline.embedder.embed(crops))
            except MienError as error:
                if error.exit_code not in (3, 4):  # not about this picture
                    raise
                failures.append(Failure.of(error, str(source)))
                continue
            reference, new = self.store.enrol(subject, templates, record_of(photo), attributes=attributes)
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

        An interrupted run keeps what it acknowledged, and the next one goes on from there. Pictures of a folder whose
        person may not be added to are failures, and are not looked at.

        Args:
            folder: photographs, with all below it.
            by_folder: the folder that a picture lies in names the person in it.
            progress: called with (done, total) pictures.
            workers: 1 = a thread a core; more = so many processes, for machines with many cores.
            recorder: told where the time goes.
        """
        start = time.perf_counter()
        paths, unreadable = find_photos(folder)
        total = len(paths) + len(unreadable)
        intake = Intake(self.store, by_folder, list(unreadable))
        policy = Policy.LARGEST if by_folder else Policy.ALL
        outcomes = acquire_all(self.models, paths, policy=policy, skip=intake.skip, workers=workers, recorder=recorder)
        for batch in timed_batches(outcomes):
            with span(recorder, "store", len(batch)):
                intake.keep(batch)
            if progress:
                progress(intake.done, total)
        self.store.optimize_if_due()
        seconds = time.perf_counter() - start
        return IndexReport(total, intake.new, intake.skipped, intake.faces, tuple(intake.failures), seconds)

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
        search = Search.begin(self.store, self._table(), fpir=fpir, top=top, where=where)
        pipeline = self.models.pipeline(batch=len(sources) > 1)
        outcomes = _told(self._outcomes(pipeline, sources, Policy(faces)), progress, len(sources))
        return search.answer(outcomes, model_id(pipeline.embedder))

    def _outcomes(self, pipeline: Pipeline, sources: Sequence[PhotoSource], policy: Policy) -> Iterator[Outcome]:
        workers = 1 if len(sources) == 1 else None  # one picture gets all cores inside the networks
        return stream(pipeline, sources, policy=policy, workers=workers, limits=self.models.limits)

    def verify(self, image: PhotoSource, subject: str, *, fmr: float = 1e-4, faces: str = "largest") -> Verification:
        """Whether a picture shows an enrolled subject, at a stated false match rate.

        The best of the subject's references counts, at a threshold corrected for how many there are.

        Raises:
            NotFoundError: no such subject.
            ImageError: the picture cannot be used.
            UsageError: the rate is not supported.
        """
        claim = Claim.begin(self.store, self._table(), subject, fmr=fmr)
        pipeline = self.models.pipeline()
        templates = pipeline.templates(open_photo(image, limits=self.models.limits), Policy(faces))
        return claim.check(templates, model_id(pipeline.embedder))

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

    def set_consent(
        self,
        subject: str,
        *,
        basis: str = "consent",
        scope: str = "",
        given: Moment | None = None,
        expires: Moment | None = None,
    ) -> Consent:
        """Put down on what basis somebody is kept; as `Gallery.set_consent`."""
        return self.store.set_consent(subject, basis=basis, scope=scope, given=given, expires=expires)

    def withdraw(self, subject: str) -> Consent:
        """Take somebody's consent back; as `Gallery.withdraw`."""
        return self.store.withdraw(subject)

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


def _told(outcomes: Iterable[Outcome], progress: Progress | None, total: int) -> Iterator[Outcome]:
    """The outcomes; `progress` is told after each that was dealt with."""
    for done, outcome in enumerate(outcomes, 1):
        yield outcome
        if progress:
            progress(done, total)
