"""The thread that works on the jobs of one gallery."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from mien.errors import MienError, NotFoundError
from mien.server.job import Job, State
from mien.server.jobstore import JobStore
from mien.server.jobwork import Run, StoppedError, acting_for, record_end
from mien.server.problems import Problem
from mien.server.served import ServedGallery
from mien.server.spool import Spool, alone

STOP_S = 5.0
"""Seconds that a job has to notice that the server stops; what it has not stored by then is done again."""
NICE = 10
"""Of threads that work on jobs, where threads have a priority."""
_FAULT = (State.FAILED, None, "fault", "the server failed; its log says why")


class Worker:
    """The jobs of one gallery, in a thread that lives while there are some."""

    def __init__(
        self,
        served: ServedGallery,
        store: JobStore,
        spool: Spool,
        folders: Mapping[str, Path],
        turn: AbstractContextManager[object],
        closing: threading.Event,
    ) -> None:
        self._served, self._store, self._spool = served, store, spool
        self._folders, self._turn, self._closing = folders, turn, closing
        self._file = served.path.resolve()
        number = hashlib.sha256(os.fsencode(self._file)).hexdigest()[:16]
        self._alone = spool.folder / f"{number}.lock"
        self._lock = threading.Lock()
        self._ending = threading.Lock()
        self._awake = False
        self._thread: threading.Thread | None = None
        self._run: Run | None = None

    def wake(self) -> None:
        """There may be something to do."""
        with self._lock:
            self._awake = True
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._live, name=f"mien-jobs-{self._served.name}", daemon=True)
                self._thread.start()

    def give_up(self, job: Job) -> bool:
        """Stop a job if it is at work here; whether it can be ended at once. See `Run.give_up`."""
        with self._lock:
            run = self._run
            return run is not None and run.job.id == job.id and run.give_up()

    def end(
        self, job: Job, state: State, people: int | None = None, reason: str | None = None, message: str | None = None
    ) -> None:
        """Write down and record how a job ended, unless it has ended already: whoever cancels it may be faster."""
        with self._ending:
            now = self._store.get(job.id)
            if now.state.final:
                return
            record_end(self._served, now, state, people)
            with contextlib.suppress(Problem):  # another server of the same state was faster
                self._spool.erase(self._store.end(job, state, people=people, reason=reason, message=message))

    def stop(self) -> None:
        """End the thread, `closing` being set."""
        with self._lock:
            thread, run = self._thread, self._run
            if run is not None:
                run.stop.set()
        if thread is not None:
            thread.join(STOP_S)

    def _live(self) -> None:
        _be_nice()
        try:
            while self._take():
                self._work_alone()
        finally:
            with self._lock:
                if self._thread is threading.current_thread():  # and not the next one already
                    self._thread = None

    def _take(self) -> bool:
        """Whether somebody woke this worker since the last time; if not, the thread ends."""
        with self._lock:
            awake, self._awake = self._awake and not self._closing.is_set(), False
            if not awake:
                self._thread = None
            return awake

    def _work_alone(self) -> None:
        """Another server of the same state and gallery may be at work: then this one waits."""
        while not self._closing.is_set():
            with alone(self._alone) as free:
                while free and not self._closing.is_set():
                    job = self._store.next(self._file)
                    if job is None:
                        return
                    self._do(job)
            self._closing.wait(1.0)

    def _do(self, job: Job) -> None:
        root = None if job.folder is None else self._folders.get(job.folder)
        run = Run(job, self._served, self._store, self._spool, root, self._turn)
        end: tuple[State, int | None, str | None, str | None] | None = _FAULT
        try:
            with self._lock:
                self._run = run
            if job.stopping or self._closing.is_set():
                run.stop.set()
            self._store.start(job)
            if job.folder is not None and root is None:
                raise NotFoundError(f"the folder '{job.folder}' is opened here no more", code="no-folder")
            with acting_for(job):
                end = (State.DONE, run.work(), None, None)
        except StoppedError:
            end = None if self._closing.is_set() else (State.CANCELLED, None, None, None)
        except Problem:  # it was ended from elsewhere
            end = None
        except MienError as error:
            end = (State.FAILED, None, error.code, self._without_paths(error.message, root))
        finally:
            with self._lock:
                self._run = None
            if end is not None:
                self.end(job, *end)

    def _without_paths(self, text: str, root: Path | None) -> str:
        text = text.replace(str(self._served.path), self._served.name).replace(str(self._file), self._served.name)
        return text if root is None else text.replace(str(root), "the folder")


def _be_nice() -> None:
    """Requests come first; on Linux a thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
