"""Background jobs as the state database holds them: what is wanted, what is left to do, what went wrong."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, cast

from mien.errors import NotFoundError
from mien.gallery.store.names import name_key
from mien.server.job import Job, Kind, Settled, State, Waiting
from mien.server.problems import Problem
from mien.server.state import Row, StateStore
from mien.types.outcome import Failure

SHOWN_FAILURES = 20
"""Failures that come with a job; the others are a list of their own."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS job (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, gallery TEXT NOT NULL, file TEXT NOT NULL, kind TEXT NOT NULL,
    state TEXT NOT NULL, owner TEXT NOT NULL, folder TEXT, by_folder INTEGER NOT NULL, regroup INTEGER NOT NULL,
    total INTEGER, done INTEGER NOT NULL DEFAULT 0, added INTEGER NOT NULL DEFAULT 0,
    faces INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, people INTEGER, reason TEXT, message TEXT,
    stopping INTEGER NOT NULL DEFAULT 0, version INTEGER NOT NULL DEFAULT 1,
    created TEXT NOT NULL, changed TEXT NOT NULL, started TEXT, ended TEXT, purpose TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX IF NOT EXISTS job_state ON job (file, state);
CREATE TABLE IF NOT EXISTS job_picture (
    number INTEGER PRIMARY KEY, job INTEGER NOT NULL, name TEXT NOT NULL, path TEXT, spooled TEXT,
    size INTEGER NOT NULL, subject TEXT, subject_key TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS job_picture_job ON job_picture (job, number);
CREATE TABLE IF NOT EXISTS job_failure (
    number INTEGER PRIMARY KEY, job INTEGER NOT NULL, file TEXT NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS job_failure_job ON job_failure (job, number);
"""


class JobStore(StateStore):
    """The jobs of a server; see `mien.server.jobs` for what is done with them.

    Made of the path of the state database, and a clock.
    """

    schema = _SCHEMA
    added: ClassVar[Mapping[str, str]] = {"job": "purpose TEXT NOT NULL DEFAULT ''"}

    def create(
        self,
        gallery: str,
        file: Path,
        kind: Kind,
        owner: str,
        *,
        state: State,
        folder: str | None = None,
        by_folder: bool = False,
        regroup: bool = False,
        purpose: str = "",
    ) -> Job:
        """A new job."""
        name, now = secrets.token_hex(8), self._now()
        self._table.change(
            "INSERT INTO job (id, gallery, file, kind, state, owner, folder, by_folder, regroup, created, changed, "
            "purpose) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(name, gallery, str(file), kind, state.value, owner, folder, by_folder, regroup, now, now, purpose),
        )
        return self.get(name)

    def get(self, name: str) -> Job:
        """The job of an id.

        Raises:
            NotFoundError: there is none, or it was forgotten.
        """
        found = self._table.rows("SELECT * FROM job WHERE id = ?", name)
        if not found:
            raise NotFoundError(f"no job '{name:.40}'", code="no-job", source=name)
        return _job(found[0])

    def of(self, gallery: str) -> list[Job]:
        """The jobs of a gallery, the newest first."""
        return [
            _job(row) for row in self._table.rows("SELECT * FROM job WHERE gallery = ? ORDER BY number DESC", gallery)
        ]

    def unfinished(self, gallery: str) -> int:
        """How many jobs of a gallery have not ended."""
        return sum(not job.state.final for job in self.of(gallery))

    def next(self, file: Path) -> Job | None:
        """What is to be done for a gallery file: what was under way, then what waits longest."""
        found = self._table.rows(
            "SELECT * FROM job WHERE file = ? AND state IN ('running', 'queued') ORDER BY state = 'queued', number "
            "LIMIT 1",
            str(file),
        )
        return _job(found[0]) if found else None

    def add(self, job: Job, pictures: Iterable[Waiting], *, state: State = State.OPEN) -> int:
        """Give a job pictures to do; how many it has now.

        Raises:
            Problem: it is not in that state any more (409).
        """
        rows = [(p.name, p.path, p.spooled, p.size, p.subject, p.subject and name_key(p.subject)) for p in pictures]
        with self._table.changing():
            self._change(job, "total = coalesce(total, 0) + ?", len(rows), state=state)
            for row in rows:
                self._table.change(
                    "INSERT INTO job_picture (job, name, path, spooled, size, subject, subject_key) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?)",
                    *(job.number, *row),
                )
            return int(cast(int, self._table.rows("SELECT total FROM job WHERE number = ?", job.number)[0][0]))

    def waiting(self, job: Job, limit: int, *, after: int = 0) -> list[Waiting]:
        """Pictures that are still to be done, in order, from the one after a number on."""
        rows = self._table.rows(
            "SELECT name, path, spooled, size, subject, number FROM job_picture WHERE job = ? "
            "AND number > ? ORDER BY number LIMIT ?",
            *(job.number, after, limit),
        )
        return [Waiting(*cast(tuple[Any, ...], row)) for row in rows]

    def still_waits(self, picture: Waiting) -> bool:
        """Whether a picture was not forgotten meanwhile."""
        return bool(self._table.rows("SELECT 1 FROM job_picture WHERE number = ?", picture.number))

    def queue(self, job: Job) -> None:
        """An upload is complete.

        Raises:
            Problem: it was started, or ended (409).
        """
        self._change(job, "state = 'queued'", state=State.OPEN)

    def start(self, job: Job) -> None:
        """Its turn has come; a job that goes on after a restart keeps its first beginning."""
        self._change(job, "state = 'running', started = coalesce(started, ?)", self._now(), state=job.state)

    def settle(self, job: Job, settled: Settled) -> bool:
        """Count what was done, all or nothing; whether the job is to be cancelled."""
        failed = len(settled.failures)
        with self._table.changing():
            for picture in settled.pictures:
                self._table.change("DELETE FROM job_picture WHERE number = ?", picture.number)
            self._keep(job, settled.failures)
            self._change(
                job,
                "done = done + ?, added = added + ?, faces = faces + ?, failed = failed + ?",
                *(len(settled.pictures), settled.added, settled.faces, failed),
                state=State.RUNNING,
            )
        return self.get(job.id).stopping

    def found(self, job: Job, pictures: Iterable[Waiting], failures: Sequence[Failure]) -> None:
        """The pictures of a folder, and what could not be looked at."""
        with self._table.changing():
            self.add(job, pictures, state=State.RUNNING)
            self._keep(job, failures)
            count = len(failures)
            self._change(job, "total = total + ?, done = ?, failed = ?", count, count, count, state=State.RUNNING)

    def _keep(self, job: Job, failures: Sequence[Failure]) -> None:
        for failure in failures:
            self._table.change(
                "INSERT INTO job_failure (job, file, reason, message) VALUES (?, ?, ?, ?)",
                *(job.number, failure.source, failure.reason, failure.message),
            )

    def failures(self, job: Job, limit: int | None = None) -> list[tuple[int, Failure]]:
        """What could not be used, numbered in the order in which it was tried."""
        rows = self._table.rows(
            "SELECT number, file, reason, message FROM job_failure WHERE job = ? ORDER BY number LIMIT ?",
            *(job.number, -1 if limit is None else limit),
        )
        return [(cast(int, number), Failure(str(file), str(why), str(text))) for number, file, why, text in rows]

    def stop(self, job: Job) -> None:
        """Mark a job to be cancelled."""
        self._change(job, "stopping = 1", state=None)

    def end(
        self,
        job: Job,
        state: State,
        *,
        people: int | None = None,
        reason: str | None = None,
        message: str | None = None,
        before: State | None = None,
    ) -> list[str]:
        """A job's end, if it is in the state `before`; what it did not do is forgotten.

        Returns:
            Names of the uploaded files that are to be erased.
        """
        with self._table.changing():
            rows = self._table.rows("SELECT spooled FROM job_picture WHERE job = ? AND spooled IS NOT NULL", job.number)
            self._table.change("DELETE FROM job_picture WHERE job = ?", job.number)
            self._change(
                job,
                "state = ?, people = ?, reason = ?, message = ?, ended = ?",
                *(state.value, people, reason, message, self._now()),
                state=before,
            )
        return [str(row[0]) for row in rows]

    def stale(self, before: datetime) -> list[Job]:
        """Uploads to which nothing was added since."""
        rows = self._table.rows("SELECT * FROM job WHERE state = 'open' AND changed < ?", before.isoformat())
        return [_job(row) for row in rows]

    def drop_ended(self, before: datetime) -> None:
        """Forget jobs that ended before a time."""
        with self._table.changing():
            self._table.change(
                "DELETE FROM job_failure WHERE job IN (SELECT number FROM job WHERE ended < ?)", before.isoformat()
            )
            self._table.change("DELETE FROM job WHERE ended < ?", before.isoformat())

    def spooled(self) -> set[str]:
        """Names of all uploaded files that are still to be done."""
        rows = self._table.rows("SELECT spooled FROM job_picture WHERE spooled IS NOT NULL")
        return {str(row[0]) for row in rows}

    def spooled_bytes(self) -> int:
        """Size of all uploaded files that are still to be done."""
        return int(cast(int, self._table.rows("SELECT coalesce(sum(size), 0) FROM job_picture")[0][0]))

    def forget(self, gallery: str, subject: str) -> list[str]:
        """Forget waiting pictures of a subject; names of the uploaded files that are to be erased."""
        with self._table.changing():
            rows = self._table.rows(
                "SELECT p.number, p.job, p.spooled FROM job_picture p JOIN job j ON j.number = p.job "
                "WHERE j.gallery = ? AND p.subject_key = ?",
                *(gallery, name_key(subject)),
            )
            for number, job, _ in rows:
                self._table.change("DELETE FROM job_picture WHERE number = ?", number)
                self._table.change("UPDATE job SET total = total - 1, version = version + 1 WHERE number = ?", job)
        return [str(spooled) for _, _, spooled in rows if spooled is not None]

    def _change(self, job: Job, what: str, *values: Any, state: State | None) -> None:
        """Change a job that has not ended, and is in `state` if one is given."""
        now = self._now()
        changed = self._table.change(
            f"UPDATE job SET {what}, changed = ?, version = version + 1 WHERE number = ? AND ended IS NULL "
            "AND state = coalesce(?, state)",
            *(*values, now, job.number, state),
        )
        if not changed:
            is_now = self.get(job.id).state
            raise Problem(409, "job-state", f"job {job.id} is {is_now}; this can be done no more")

    def _now(self) -> str:
        return self._clock().isoformat()


def _job(row: Row) -> Job:
    values = dict(zip(Job.__dataclass_fields__, cast(tuple[Any, ...], row), strict=True))
    flags = {name: bool(values[name]) for name in ("by_folder", "regroup", "stopping")}
    return Job(**{**values, **flags, "state": State(values["state"])})
