"""Background jobs: index an upload or a folder of the server, sort faces, write the search file anew."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import PureWindowsPath
from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from mien.errors import NotFoundError
from mien.gallery.store.names import check_name
from mien.server import schemas
from mien.server.access import Operation, allowed, context_of, offered
from mien.server.bodies import media_type, picture_body, read_form, shown_name
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.decoding import Picture
from mien.server.events import Streams
from mien.server.job import Job
from mien.server.jobs import Jobs
from mien.server.jobstore import SHOWN_FAILURES
from mien.server.keys import Key
from mien.server.paging import Cursor, PageLimit, page
from mien.server.problems import PICTURES, Problem, documented
from mien.server.routes.galleries import Served

router = make_router("jobs")
_STREAMS = Streams()
_VERSION = re.compile(r"[0-9]{1,18}")
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events `progress` and `end`, each with the whole job as its data and `version` as its id.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The client has seen the end: nothing more will come."},
}
_JobKey = Annotated[Key, Depends(allowed(Operation.JOBS))]
_Shared = Annotated[Context, Depends(context_of)]


def _job(job: str, key: _JobKey, context: _Shared) -> Job:
    """The job of a path; one of a gallery that the key does not open is as if it were not there."""
    found = context.jobs.get(job)
    if not key.opens(found.gallery) or found.gallery not in context.galleries:
        raise NotFoundError(f"no job '{job:.40}'", code="no-job", source=job)
    return found


_Found = Annotated[Job, Depends(_job)]


def _shown(job: Job, jobs: Jobs) -> dict[str, Any]:
    failures = [failure.to_dict() for _, failure in jobs.failures(job, SHOWN_FAILURES)]
    return {**job.to_dict(), "failures": failures}


@router.get(
    "/folders",
    dependencies=[Depends(allowed(Operation.JOBS))],
    response_model=schemas.Folders,
    responses=documented(),
)
def list_folders(context: _Shared) -> dict[str, Any]:
    """Folders of the server that jobs may index, by the names that the operator gave them; never their paths."""
    return {"folders": context.jobs.folders}


@router.post(
    "/galleries/{gallery}/jobs",
    status_code=201,
    response_model=schemas.Job,
    responses=documented(413, 415, 507),
)
def create_job(new: schemas.NewJob, key: _JobKey, served: Served, context: _Shared) -> dict[str, Any]:
    """Ask for work in the background. One job of a gallery is at work at a time, the others wait for their turn.

    An upload (`index` without `folder`) stays open for pictures until it is started.
    """
    job = context.jobs.create(served, key.id, new.kind, folder=new.folder, by_folder=new.by_folder, full=new.full)
    return _shown(job, context.jobs)


@router.get(
    "/galleries/{gallery}/jobs",
    dependencies=[Depends(allowed(Operation.JOBS))],
    response_model=schemas.Jobs,
    responses=documented(),
)
def list_jobs(served: Served, context: _Shared, limit: PageLimit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """The jobs of a gallery, the newest first; those that ended are kept for 30 days."""
    found, after = page(context.jobs.of(served.name), lambda job: (-job.number,), limit, cursor)
    return {"jobs": [job.to_dict() for job in found], "next": after}


@router.get("/jobs/{job}", response_model=schemas.Job, responses=documented())
def show_job(found: _Found, context: _Shared) -> dict[str, Any]:
    """How far a job is, with the first failures."""
    return _shown(found, context.jobs)


async def _sent(request: Request, found: _Found, context: _Shared) -> list[tuple[Picture, str | None]]:
    """The pictures of a form, each with the name of the folder that it lies in if that names the person."""
    if media_type(request) != "multipart/form-data":
        raise Problem(415, "media-type", "this takes multipart/form-data")
    pictures: list[tuple[Picture, str | None]] = []
    async with read_form(request, files=context.settings.limits.pictures) as form:
        for name, part in form.multi_items():
            if name != "image" or not isinstance(part, UploadFile):
                raise Problem(422, "part-unknown", "the form has files called image only")
            shown, subject = _names(part.filename or name, by_folder=found.by_folder)
            pictures.append((Picture(shown, await part.read()), subject))
    if not pictures:
        raise Problem(422, "picture-missing", "a picture called 'image' is missing")
    return pictures


def _names(sent: str, *, by_folder: bool) -> tuple[str, str | None]:
    """What an uploaded file is called, and the person that its folder names; neither is ever used as a path."""
    parts = [part for part in PureWindowsPath(sent).parts if part not in ("..", "/", "\\")]
    name = shown_name(parts[-1] if parts else "")
    if not by_folder:
        return name, None
    if len(parts) < 2:
        raise Problem(422, "folder-missing", f"{name}: folders name the people here, so call it 'Ada/{name}'")
    subject = check_name(parts[-2])
    return f"{shown_name(subject)}/{name}", subject


@router.post(
    "/jobs/{job}/pictures",
    response_model=schemas.Job,
    responses=documented(409, 507, *PICTURES),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": picture_body("image")["requestBody"]["content"]["multipart/form-data"]},
        }
    },
)
def add_job_pictures(
    found: _Found, sent: Annotated[list[tuple[Picture, str | None]], Depends(_sent)], context: _Shared
) -> dict[str, Any]:
    """Give an open upload pictures; they are kept until they are done, and erased then.

    Send as many requests as it takes. With `by_folder` a file is called `Ada/1.jpg`: its folder names the person.
    """
    return _shown(context.jobs.add(found, sent), context.jobs)


@router.post("/jobs/{job}/start", response_model=schemas.Job, responses=documented(409, 507))
def start_job(found: _Found, context: _Shared) -> dict[str, Any]:
    """An upload is complete: it gets its turn."""
    return _shown(context.jobs.start(found), context.jobs)


@router.post("/jobs/{job}/cancel", response_model=schemas.Job, responses=documented(409, 507))
def cancel_job(found: _Found, context: _Shared) -> dict[str, Any]:
    """End a job after the picture that is at work. What it stored stays; what still waits is erased."""
    return _shown(context.jobs.cancel(found), context.jobs)


@router.get("/jobs/{job}/failures", response_model=schemas.JobFailures, responses=documented())
def list_job_failures(found: _Found, context: _Shared, limit: PageLimit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """All pictures that gave nothing, with the reasons."""
    rows, after = page(context.jobs.failures(found), lambda row: (row[0],), limit, cursor)
    return {"failures": [failure.to_dict() for _, failure in rows], "next": after}


@router.get("/jobs/{job}/events", response_class=StreamingResponse, responses={**documented(), **_EVENTS})
def follow_job(
    request: Request,
    found: _Found,
    context: _Shared,
    last_event_id: Annotated[str | None, Header(description="Id of the last event that was seen.")] = None,
) -> Response:
    """Progress as server-sent events, until the job has ended. Every 15 s of silence a comment is sent."""
    last = int(last_event_id) if last_event_id and _VERSION.fullmatch(last_event_id) else 0
    if found.ended is not None and found.version <= last:
        return Response(status_code=204)
    _STREAMS.require_room()
    token = offered(request.headers) or ""
    events: AsyncIterator[str] = _STREAMS.follow(
        lambda: _shown(context.jobs.get(found.id), context.jobs), partial(context.keys.check, token), last
    )
    return StreamingResponse(events, media_type="text/event-stream")
