"""Errors as RFC 9457 problem documents with stable types, ``urn:mien:<code>``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from mien.errors import (
    ConflictError,
    ImageError,
    LimitError,
    MienError,
    ModelError,
    NotFoundError,
    StoreError,
    StoreFullError,
    UsageError,
)
from mien.server.headers import SECURITY
from mien.server.keys import KeyRefusedError
from mien.types.outcome import Failure

MEDIA_TYPE = "application/problem+json"
URN = "urn:mien:"
_STATUS: tuple[tuple[type[MienError], int], ...] = (
    (ImageError, 422),
    (UsageError, 422),
    (NotFoundError, 404),
    (ConflictError, 409),
    (StoreFullError, 507),
    (StoreError, 503),
    (ModelError, 503),
    (LimitError, 413),
    (KeyRefusedError, 401),
)
_MEANING = {
    400: "The request cannot be read.",
    401: "No key, or one that is unknown, expired or revoked.",
    403: "The key's role or gallery does not allow it.",
    404: "What was named is not there.",
    408: "The body did not come in time.",
    409: "It contradicts what is stored.",
    413: "More than the published limits.",
    414: "The address is too long.",
    415: "The body or a picture is in a format that is not read.",
    422: "A value, a name or a picture cannot be used.",
    429: "Too many requests a minute; Retry-After says when to come back.",
    431: "The headers are too large.",
    500: "A fault of the server.",
    503: "Too many requests at work, or the gallery or a model cannot be used now; Retry-After says when to come back.",
    507: "No space left.",
}
PICTURES = (408, 413, 415)
"""Further problems of routes that take pictures."""
_UNSUPPORTED = frozenset({"image-unrecognised", "image-format"})
"""Codes of pictures in a format that is not read: 415 instead of 422."""
BUSY = "busy"
"""Code of everything that passes when others are done."""
_CODES = {404: "not-found"}
_RETRY_S = 1


class Problem(HTTPException):
    """An answer that is a problem; raised anywhere below the middleware.

    Args:
        status: HTTP status.
        code: stable name; the type is ``urn:mien:<code>``.
        detail: one line: what is wrong and what to do.
        headers: of the answer.
        members: further members of the document.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: dict[str, str] | None = None, **members: object
    ) -> None:
        super().__init__(status, detail, headers)
        self.code = code
        self.members = members

    def answer(self) -> JSONResponse:
        """The document."""
        return problem(self.status_code, self.code, self.detail, self.headers, **self.members)


def problem(status: int, code: str, detail: str, headers: Any = None, **members: object) -> JSONResponse:
    """A problem document.

    Args:
        status: HTTP status.
        code: stable name; the type is ``urn:mien:<code>``.
        detail: one line for a person.
        headers: of the answer.
        members: further members of the document.
    """
    title = HTTPStatus(status).phrase
    text = detail.encode("utf-8", "backslashreplace").decode()  # a lone surrogate is no text
    document = {"type": URN + code, "title": title, "status": status, "detail": text, **members}
    return JSONResponse(document, status, {**SECURITY, **dict(headers or {})}, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route answers with, for OpenAPI; those that every guarded route has are always there."""
    schema = {"$ref": "#/components/schemas/Problem"}
    found: dict[int | str, dict[str, Any]] = {}
    for status in sorted({400, 401, 403, 404, 413, 414, 422, 429, 431, 500, 503, *statuses}):
        found[status] = {"description": _MEANING[status], "content": {MEDIA_TYPE: {"schema": schema}}}
    return found


def status_of(error: MienError) -> int:
    """The HTTP status of an error."""
    if error.code in _UNSUPPORTED:
        return 415
    if error.code == BUSY:
        return 503
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def refused(failure: Failure, **members: object) -> Problem:
    """The problem of a picture on which the whole request hung.

    Args:
        failure: of the picture.
        members: further members; ``answer`` is what would be said if the others had been good.
    """
    status = 415 if failure.reason in _UNSUPPORTED else 422
    return Problem(status, failure.reason, failure.message, None, **members)


def problem_of(error: MienError, app: FastAPI) -> JSONResponse:
    """The document of an error, without paths of this machine."""
    status = status_of(error)
    headers = {"Retry-After": str(_RETRY_S)} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    kind = type(error).__name__  # for clients that raise it again
    return problem(status, error.code, without_paths(error.message, app), headers, error=kind)


def without_paths(text: str, app: FastAPI) -> str:
    """A message in which galleries are called as in addresses, not by their files."""
    settings = app.state.context.settings
    for name, path in settings.galleries.items():
        text = text.replace(str(path), name)
    return text.replace(str(settings.state), "the server's state")


def add_problems(app: FastAPI) -> None:
    """Make every error of an application a problem document."""
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(MienError, _of_error)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(ClientDisconnect, _of_leaving)
    app.add_exception_handler(Exception, _of_fault)


def _of_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.answer()


def _of_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, MienError)
    return problem_of(error, request.app)


def _of_validation(_: Request, error: Exception) -> Response:
    """What was sent is never repeated: it can be a picture, or not fit into JSON."""
    assert isinstance(error, RequestValidationError)
    found = [
        {"where": ascii(".".join(map(str, each["loc"])))[1:-1], "message": each["msg"]} for each in error.errors()[:20]
    ]
    detail = "; ".join(f"{each['where']}: {each['message']}" for each in found[:3])
    return problem(422, "request-invalid", detail, errors=found)


def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        return _of_method(request)
    code = _CODES.get(error.status_code, "request-invalid")
    return problem(error.status_code, code, str(error.detail), error.headers)


def _of_method(request: Request) -> Response:
    """The framework knows one route of an address; OpenAPI knows all."""
    template = getattr(request.scope.get("route"), "path", "")
    methods = ", ".join(sorted(method.upper() for method in request.app.openapi()["paths"].get(template, ())))
    return problem(405, "method-not-allowed", f"this address takes {methods or 'GET'}", {"Allow": methods or "GET"})


def _of_leaving(_: Request, error: Exception) -> Response:
    """The client left before its body had come: nobody reads this, and the server has no fault in it."""
    del error
    return problem(400, "body-incomplete", "the connection ended before the body did")


def _of_fault(_: Request, error: Exception) -> Response:
    """A fault of ours; the traceback goes to the log, not to the client."""
    del error
    return problem(500, "fault", "the server failed; its log says why")
