"""Work in the background."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from mien.server.schemas.parts import Failure, In, Out


class NewJob(In):
    """What to do in the background."""

    kind: Literal["index", "group", "optimize"]
    folder: str | None = Field(
        None, description="Index: a folder that the operator opened, by its name; null: an upload.", examples=["photos"]
    )
    by_folder: bool = Field(False, description="Index: the folder that a picture lies in names the person in it.")
    full: bool = Field(False, description="Group: compare all faces again, whatever an earlier run settled.")

    @model_validator(mode="after")
    def _fits(self) -> NewJob:
        if self.kind != "index" and (self.folder is not None or self.by_folder):
            raise ValueError("folder and by_folder are for the kind index")
        if self.kind != "group" and self.full:
            raise ValueError("full is for the kind group")
        return self


class Folders(Out):
    """Folders of the server that jobs may index."""

    folders: list[str] = Field(description="Names, as a job takes them.", examples=[["photos"]])


class JobFailures(Out):
    """Pictures of a job that gave nothing, with the reasons."""

    failures: list[Failure]
    next: str | None


class JobRow(Out):
    """A job and how far it is."""

    id: str = Field(examples=["5f0c6a9d3b7e1f42"])
    gallery: str
    kind: str = Field(examples=["index"])
    state: str = Field(description="open, queued, running, done, failed or cancelled.", examples=["running"])
    folder: str | None
    by_folder: bool
    total: int | None = Field(description="Pictures to do; null before they are counted.", examples=[200])
    done: int = Field(description="Of them: new, skipped and failed ones.", examples=[120])
    new: int
    skipped: int = Field(description="Known already.")
    failed: int
    faces: int = Field(description="Of the new pictures.")
    people: int | None = Field(description="That grouping found.")
    reason: str | None = Field(description="Why it failed: a stable code.")
    message: str | None
    stopping: bool = Field(description="It is to be cancelled.")
    asked_by: str = Field(description="Id of the key that asked for it.")
    version: int = Field(description="Grows with each change; the id of its event.")
    created: str
    started: str | None
    ended: str | None


class Job(JobRow):
    """A job, with the first failures."""

    failures: list[Failure]


class Jobs(Out):
    """Jobs, the newest first."""

    jobs: list[JobRow]
    next: str | None
