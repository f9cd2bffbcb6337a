"""Background jobs: one at a time a gallery, beside the requests, going on after a restart."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta

from mien.errors import NotFoundError, StoreLockedError
from mien.gallery.calls.session import Clock, utc_now
from mien.gallery.store.names import check_text
from mien.gallery.store.trail import acts_now
from mien.server.decoding import Picture
from mien.server.job import Job, Kind, State, Waiting
from mien.server.jobstore import JobStore
from mien.server.jobwork import MAX_JOB_PURPOSE
from mien.server.jobworker import STOP_S, Worker
from mien.server.problems import Problem
from mien.server.served import ServedGallery
from mien.server.settings import Settings
from mien.server.spool import Spool
from mien.types.outcome import Failure

MAX_PICTURES = 100_000
"""Uploaded pictures of one job."""
MAX_UNFINISHED = 100
"""Jobs of one gallery that wait or work."""
SPOOL_BYTES = 20 << 30
"""Of all uploaded pictures that wait."""
KEEP_OPEN = timedelta(days=1)
"""An upload to which nothing was added for so long is cancelled."""
KEEP_ENDED = timedelta(days=30)
"""How long it can be read how a job ended."""
SWEEP_S = 3600.0


class Jobs:
    """The jobs of all galleries.

    Args:
        settings: where the state is, and which folders may be indexed.
        galleries: by name.
        clock: gives the time, in UTC.
    """

    def __init__(self, settings: Settings, galleries: Mapping[str, ServedGallery], clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._store = JobStore(settings.state, clock)
        self._spool = Spool(settings.state.with_name(settings.state.name + ".jobs"), SPOOL_BYTES)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        decoders = min((gallery.engine.decoders.count for gallery in galleries.values()), default=1)
        turn = threading.BoundedSemaphore(max(1, decoders - 1))
        self._workers = {
            name: Worker(gallery, self._store, self._spool, settings.folders, turn, self._closing)
            for name, gallery in galleries.items()
        }
        self._sweeper = threading.Thread(target=self._sweep_often, name="mien-job-sweep", daemon=True)
        self._sweeper.start()
        for worker in self._workers.values():
            worker.wake()

    def close(self) -> None:
        """Stop. What is under way goes on when the server starts again."""
        self._closing.set()
        self._sweeper.join(STOP_S)
        for worker in self._workers.values():
            worker.stop()
        self._store.close()

    def create(
        self,
        gallery: ServedGallery,
        owner: str,
        kind: Kind,
        *,
        folder: str | None = None,
        by_folder: bool = False,
        full: bool = False,
    ) -> Job:
        """A new job; it begins at once, but for an upload, which waits for its pictures.

        Args:
            gallery: where.
            owner: id of the key that asks.
            kind: what to do.
            folder: name of a server folder to index; None for an upload.
            by_folder: the folder of a picture names the person in it.
            full: compare all faces again.

        What it does is recorded with the purpose of the request that makes it.

        Raises:
            NotFoundError: no folder has that name.
            UsageError: the purpose of this request is too long.
            Problem: too many jobs wait already (503).
        """
        if folder is not None and folder not in self._settings.folders:
            raise NotFoundError(
                f"no folder '{folder:.64}' is opened here; the operator opens one with --folder", code="no-folder"
            )
        if self._store.unfinished(gallery.name) >= MAX_UNFINISHED:
            raise Problem(503, "busy", f"{MAX_UNFINISHED} jobs wait already; come back later", {"Retry-After": "60"})
        _, purpose = acts_now()
        check_text("purpose of a job", purpose, MAX_JOB_PURPOSE, blank=True)
        state = State.OPEN if kind == "index" and folder is None else State.QUEUED
        job = self._store.create(
            *(gallery.name, gallery.path.resolve(), kind, owner),
            state=state,
            folder=folder,
            by_folder=by_folder,
            regroup=full,
            purpose=purpose,
        )
        self._workers[gallery.name].wake()
        return job

    @property
    def folders(self) -> list[str]:
        """Names of the server folders that may be indexed."""
        return sorted(self._settings.folders)

    def get(self, name: str) -> Job:
        """The job of an id.

        Raises:
            NotFoundError: there is none.
        """
        return self._store.get(name)

    def of(self, gallery: str) -> list[Job]:
        """The jobs of a gallery, the newest first."""
        return self._store.of(gallery)

    def failures(self, job: Job, limit: int | None = None) -> list[tuple[int, Failure]]:
        """What could not be used, numbered."""
        return self._store.failures(job, limit)

    def add(self, job: Job, pictures: Sequence[tuple[Picture, str | None]]) -> Job:
        """Give an open upload more pictures, each with the name of who is in it; kept on the disk when this returns.

        Raises:
            Problem: it is open no more (409), or has too many pictures (413).
            StoreFullError: too much waits already.
        """
        size = sum(len(picture.data) for picture, _ in pictures)
        with self._lock:  # so that several together do not go beyond the limits
            job = self._store.get(job.id)
            if (job.total or 0) + len(pictures) > MAX_PICTURES:
                raise Problem(413, "too-many-pictures", f"a job has at most {MAX_PICTURES:,} pictures; start another")
            self._spool.require_space(self._store.spooled_bytes(), size)
            waiting: list[Waiting] = []
            kept = False
            try:
                for picture, subject in pictures:
                    spooled = self._spool.put(picture.data)
                    waiting.append(Waiting(picture.name, None, spooled, len(picture.data), subject))
                self._store.add(job, waiting)
                kept = True
            finally:
                if not kept:
                    self._spool.erase(each.spooled for each in waiting if each.spooled)
        return self._store.get(job.id)

    def start(self, job: Job) -> Job:
        """An upload is complete: it gets its turn.

        Raises:
            Problem: it was started already, or ended (409).
        """
        self._store.queue(job)
        self._workers[job.gallery].wake()
        return self._store.get(job.id)

    def cancel(self, job: Job) -> Job:
        """End a job; what it stored stays. One that is at work ends after its picture.

        Raises:
            Problem: it has ended (409).
        """
        self._store.stop(job)
        now = self._store.get(job.id)
        if now.state is not State.RUNNING or self._workers[job.gallery].give_up(job):
            self._workers[job.gallery].end(job, State.CANCELLED)
        return self._store.get(job.id)

    def forget(self, gallery: str, subject: str) -> None:
        """Erase pictures of a subject that still wait."""
        self._spool.erase(self._store.forget(gallery, subject))

    def sweep(self) -> None:
        """Erase uploads that nobody finishes, files that nobody knows, and what ended long ago."""
        now = self._clock()
        for job in self._store.stale(now - KEEP_OPEN):
            with contextlib.suppress(Problem):  # it has just been started, or cancelled
                left = self._store.end(
                    job, State.CANCELLED, reason="abandoned", message="it was never started", before=State.OPEN
                )
                self._spool.erase(left)
        self._store.drop_ended(now - KEEP_ENDED)
        self._spool.erase_others(self._store.spooled())

    def _sweep_often(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(StoreLockedError):  # the next time will do
                self.sweep()
            self._closing.wait(SWEEP_S)
