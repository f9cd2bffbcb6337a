"""Evaluation reports that the operator shows."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends
from pydantic import Field
from starlette.responses import Response

from mien.server.access import Operation, allowed, context_of
from mien.server.bodies import router as make_router
from mien.server.context import Context
from mien.server.problems import documented
from mien.server.schemas import Out

router = make_router("reports")
documents = APIRouter(include_in_schema=False)
SANDBOX = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""A report is a page of its own: no script, no request elsewhere, and no part of the pages' origin."""
_Shared = Annotated[Context, Depends(context_of)]


class ReportOut(Out):
    """A report."""

    name: str = Field(description="Where it lies below the folder.", examples=["lfw/report.html"])
    title: str = Field(examples=["Verification on LFW"])
    modified: str
    address: str = Field(description="Where it is read without a key, for an hour at least.")


class ReportsOut(Out):
    """The reports that are shown."""

    reports: list[ReportOut]
    shown: bool = Field(description="Whether the operator shows any: `mien serve --reports FOLDER`.")


@router.get(
    "/reports",
    dependencies=[Depends(allowed(Operation.MODELS))],
    response_model=ReportsOut,
    responses=documented(),
)
def list_reports(context: _Shared) -> dict[str, Any]:
    """Evaluation reports, each with an address that opens it for a while."""
    reports = context.reports
    below = f"/reports/{reports.ticket()}/"
    rows = [
        {"name": each.name, "title": each.title, "modified": each.modified, "address": below + quote(each.name)}
        for each in reports.found()
    ]
    return {"reports": rows, "shown": reports.root is not None}


@documents.get("/reports/{ticket}/{name:path}")
def show_report(ticket: str, name: str, context: _Shared) -> Response:
    """A file of a report, for whoever has a link that is still good."""
    context.reports.require_ticket(ticket)
    data, kind = context.reports.read(name)
    return Response(data, media_type=kind, headers={"Content-Security-Policy": SANDBOX})
