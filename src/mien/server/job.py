"""What a background job is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from mien.types.outcome import Failure

Kind = Literal["index", "group", "optimize"]


class State(StrEnum):
    """Where a job is: an upload is open until it is started."""

    OPEN = "open"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more happens."""
        return self in (State.DONE, State.FAILED, State.CANCELLED)


@dataclass(frozen=True, slots=True)
class Job:
    """One job, in the order of the table's columns.

    Args:
        number: grows; the order of jobs.
        id: in addresses; cannot be guessed.
        gallery: its name.
        file: its file.
        kind: ``index``, ``group`` or ``optimize``.
        state: where it is.
        owner: id of the key that asked for it.
        folder: name of the server folder to index; None: an upload.
        by_folder: the folder of a picture names the person in it.
        regroup: compare all faces again.
        total: pictures to do; None before they are counted.
        done: of them; those that were known already are neither `added` nor `failed`.
        added, faces: new pictures, and their faces.
        failed: pictures that gave nothing.
        people: that grouping found.
        reason, message: why it failed.
        stopping: it is to end as cancelled.
        version: grows with each change.
        created, changed, started, ended: UTC, ISO 8601.
        purpose: why, in the words of the request that made it; may be empty.
    """

    number: int
    id: str
    gallery: str
    file: str
    kind: Kind
    state: State
    owner: str
    folder: str | None
    by_folder: bool
    regroup: bool
    total: int | None
    done: int
    added: int
    faces: int
    failed: int
    people: int | None
    reason: str | None
    message: str | None
    stopping: bool
    version: int
    created: str
    changed: str
    started: str | None
    ended: str | None
    purpose: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON, without the failures."""
        hidden = ("number", "file", "regroup", "owner", "added", "changed", "purpose")
        shown = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in hidden}
        skipped = self.done - self.added - self.failed
        return {**shown, "asked_by": self.owner, "new": self.added, "skipped": skipped}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A picture that a job has still to do.

    Args:
        name: as it is shown.
        path: a file of a server folder, which is never changed; or
        spooled: an uploaded file, erased when it is done.
        size: of the uploaded file in bytes.
        subject: who is in it, when folders name people.
        number: order; 0 before it is stored.
    """

    name: str
    path: str | None = None
    spooled: str | None = None
    size: int = 0
    subject: str | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of some of a job's pictures."""

    pictures: Sequence[Waiting]
    added: int = 0
    faces: int = 0
    failures: Sequence[Failure] = ()
