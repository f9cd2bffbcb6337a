"""What a background job does, one picture after the other, so that it can stop after each."""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from mien.errors import LimitError, MienError, UsageError
from mien.gallery import PictureRecord, acting
from mien.gallery.store.trail import MAX_PURPOSE
from mien.image import find_photos
from mien.image.reading import read_bytes
from mien.pipeline import Policy
from mien.server.decoding import Picture
from mien.server.engine import Taken
from mien.server.job import Job, Settled, State, Waiting
from mien.server.jobstore import JobStore
from mien.server.problems import BUSY
from mien.server.served import ServedGallery
from mien.server.spool import Spool
from mien.service.indexing import COMMIT_S, refusal_of
from mien.service.people import group_gallery
from mien.types.outcome import Failure

PAGE = 64
"""Waiting pictures that are looked up at once."""
MAX_JOB_PURPOSE = MAX_PURPOSE - 40
"""Characters of a purpose; the id of the job stands beside it."""
BUSY_S = 0.5
"""Seconds until a job tries again when requests take all decoders."""

log = logging.getLogger("mien")
Outcome: TypeAlias = Taken | Failure | None
"""None: known already."""


class StoppedError(Exception):
    """The job was cancelled, or the server stops."""


@dataclass(slots=True)
class Run:
    """One job at work.

    Args:
        job: as it was when its turn came.
        served: its gallery.
        store: where it is written down.
        spool: uploaded pictures.
        root: the server folder to index.
        turn: held while a picture is decoded and embedded, so that jobs leave room for requests.
        stop: set to end it.
    """

    job: Job
    served: ServedGallery
    store: JobStore
    spool: Spool
    root: Path | None
    turn: AbstractContextManager[object]
    stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _storing: bool = False

    def work(self) -> int | None:
        """Do it; how many people were found, if it groups.

        Raises:
            StoppedError: it was stopped; what it stored stays.
            MienError: it cannot go on.
        """
        self._require_going()
        match self.job.kind:
            case "index":
                self._index()
            case "group":
                engine, store = self.served.engine, self.served.writer.store
                found = group_gallery(
                    store,
                    engine.models,
                    full=self.job.regroup,
                    model=engine.model,
                    going=self._require_going,
                    before_storing=self._begin_storing,
                )
                return len(found.groups)
            case "optimize":
                self._optimize()
        return None

    def _optimize(self) -> None:
        try:
            self.served.writer.store.optimize(stopped=self.stop.is_set)
        except UsageError:
            self._require_going()  # it is told of an end that was asked for as of any other
            raise

    def give_up(self) -> bool:
        """Stop; whether what it computes can be left alone from now on, since nothing of it will be stored.

        Indexing ends by itself after the picture at work, and a search file that is written is harmless.
        """
        with self._lock:
            self.stop.set()
            return self.job.kind != "index" and not self._storing

    def _begin_storing(self) -> None:
        if self.store.get(self.job.id).stopping:  # another server may have been asked
            self.stop.set()
        with self._lock:
            self._require_going()
            self._storing = True

    def _require_going(self) -> None:
        if self.stop.is_set():
            raise StoppedError

    def _index(self) -> None:
        if self.root is not None and self.job.total is None:
            self._list_folder(self.root)
        batch: list[tuple[Waiting, Outcome]] = []
        began = time.monotonic()
        for each in self._outcomes():
            batch.append(each)
            if time.monotonic() - began >= COMMIT_S:
                self._keep(batch)
                batch, began = [], time.monotonic()
        self._keep(batch)
        self._require_going()
        self.served.writer.store.optimize_if_due(self.stop.is_set)

    def _list_folder(self, root: Path) -> None:
        paths, unreadable = find_photos(root)
        by_folder = self.job.by_folder
        waiting = [
            Waiting(_below(path, root), str(path), subject=path.parent.name if by_folder else None) for path in paths
        ]
        failures = [
            Failure(name, failure.reason, failure.message.replace(failure.source, name))
            for failure in unreadable
            for name in [_below(Path(failure.source), root)]
        ]
        self.store.found(self.job, waiting, failures)

    def _outcomes(self) -> Iterator[tuple[Waiting, Outcome]]:
        after = 0
        while pictures := self.store.waiting(self.job, PAGE, after=after):
            for picture in pictures:
                try:
                    self._require_going()
                    yield picture, self._outcome(picture)
                except StoppedError:
                    return
            after = pictures[-1].number

    def _outcome(self, picture: Waiting) -> Outcome:
        source = picture.path or picture.name
        path = picture.path or self.spool.path(picture.spooled or "")
        try:
            store = self.served.reader.store
            data, _ = read_bytes(path, source, self.served.engine.models.limits)
            if store.knows(hashlib.sha256(data).hexdigest()):
                return None
            if picture.subject is not None and (refusal := refusal_of(store, picture.subject, picture.name)):
                return refusal
            return self._acquire(Picture(source, data))
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            return Failure(picture.name, error.code, error.message.replace(source, picture.name))

    def _acquire(self, picture: Picture) -> Taken:
        policy = Policy.LARGEST if self.job.by_folder else Policy.ALL
        while True:
            self._require_going()
            try:
                with self.turn:
                    return self.served.engine.acquire(picture, policy, nobody=not self.job.by_folder)
            except LimitError as error:
                if error.code != BUSY:
                    raise
            self.stop.wait(BUSY_S)

    def _keep(self, batch: list[tuple[Waiting, Outcome]]) -> None:
        """Store what was found, then count it: a job that is broken off in between finds those pictures known."""
        gallery, added, faces = self.served.writer.store, 0, 0
        failures: list[Failure] = []
        pictures: list[Waiting] = []
        with gallery.batch():
            for picture, outcome in batch:
                if not self.store.still_waits(picture):
                    continue
                pictures.append(picture)
                if isinstance(outcome, Failure):
                    failures.append(outcome)
                elif outcome is None or gallery.knows(outcome.sha256):
                    continue
                elif picture.subject and (refusal := refusal_of(gallery, picture.subject, picture.name)):
                    failures.append(refusal)  # the consent has ended meanwhile
                else:
                    record = PictureRecord(outcome.sha256, outcome.source, outcome.size)
                    jpegs = outcome.jpegs(gallery)
                    faces += len(gallery.add_picture(record, outcome.templates, subject=picture.subject, jpegs=jpegs))
                    added += 1
        if self.store.settle(self.job, Settled(pictures, added, faces, failures)):
            self.stop.set()
        self.spool.erase(picture.spooled for picture in pictures if picture.spooled)


def record_end(served: ServedGallery, job: Job, state: State, people: int | None = None) -> None:
    """Write into the audit trail who asked for a job, and what became of it; one that never began leaves no record.

    Args:
        served: its gallery.
        job: as it is before its end is written down.
        state: how it ends.
        people: that grouping found.
    """
    if job.started is None:
        return
    counts = {"pictures": job.added, "references": job.faces, "failures": job.failed, "people": people or 0}
    if state is not State.DONE:
        counts[state.value] = 1
    with acting_for(job):
        try:
            served.writer.store.note(f"job-{job.kind}", **{what: count for what, count in counts.items() if count})
        except MienError as error:  # what the job stored is recorded already, with its changes
            log.warning("job %s ends without a record of its own: %s", job.id, error)


def acting_for(job: Job) -> AbstractContextManager[None]:
    """What is done inside is recorded as done by the key that asked for a job, and for its purpose."""
    mark = f"job {job.id}"
    return acting(f"key {job.owner}", f"{job.purpose} ({mark})" if job.purpose else mark)


def _below(path: Path, root: Path) -> str:
    """A path as it is shown: from the server folder on."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
