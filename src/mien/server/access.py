"""Who may do what: roles x operations, decided before a request's body is read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from mien.errors import UsageError
from mien.gallery import acting
from mien.server.keys import Key, KeyRefusedError, Role
from mien.server.problems import Problem

if TYPE_CHECKING:
    from mien.server.context import Context

PURPOSE = "x-purpose"
"""Header in which a client states why; it stands in the audit record."""
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Operation(StrEnum):
    """Kinds of work a role may be allowed."""

    DETECT = "detect"
    COMPARE = "compare"
    MODELS = "models"
    GALLERIES = "galleries"
    SUBJECTS = "subjects"
    IDENTIFY = "identify"
    VERIFY = "verify"
    ENROL = "enrol"
    CORRECT = "correct"
    FORGET = "forget"
    GROUP = "group"
    JOBS = "jobs"
    EXPORT = "export"
    AUDIT = "audit"
    METRICS = "metrics"
    CROPS = "crops"


_O = Operation
_VIEWER = frozenset({_O.DETECT, _O.COMPARE, _O.MODELS, _O.GALLERIES, _O.SUBJECTS, _O.IDENTIFY, _O.VERIFY})
_OPERATOR = _VIEWER | {_O.ENROL, _O.CORRECT, _O.FORGET, _O.GROUP, _O.JOBS}
ALLOWED: Mapping[Role, frozenset[Operation]] = MappingProxyType(
    {
        Role.VIEWER: _VIEWER,
        Role.OPERATOR: _OPERATOR,
        Role.ADMIN: frozenset(Operation),
        Role.AUDITOR: frozenset({_O.MODELS, _O.GALLERIES, _O.AUDIT, _O.METRICS}),
    }
)
"""What each role may do. An auditor sees no person, an operator no audit trail."""


def allowed(operation: Operation) -> Callable[[Request], Key]:
    """The dependency of a route that carries out `operation`, in the gallery of its path if it has one.

    The route's function gets the key; without the right one the answer is 401 or 403.
    """

    def check(request: Request) -> Key:
        key = key_of(request)
        if operation not in ALLOWED[key.role]:
            raise Problem(403, "role-forbidden", f"the role {key.role} may not {operation}; use another key")
        gallery = request.path_params.get("gallery")
        if gallery is not None and not key.opens(gallery):
            raise Problem(403, "gallery-forbidden", "this key does not open that gallery; use another key")
        return key

    return check


def key_of(request: Request) -> Key:
    """The key that came with a request; 401 without a good one."""
    key = request.scope.get("mien.key")
    if isinstance(key, Key):
        return key
    raise request.scope.get("mien.refusal") or _missing()


def context_of(request: Request) -> Context:
    """The context of the application that answers."""
    context: Context = request.app.state.context
    return context


def offered(headers: Headers) -> str | None:
    """The token in ``Authorization: Bearer …``, or in ``x-api-key`` when there is no ``Authorization``."""
    if "authorization" not in headers:
        return headers.get("x-api-key")
    kind, _, token = headers["authorization"].partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


class Authentication:
    """ASGI middleware that looks the key up once.

    Whatever is not a mere read needs a good key before a byte of its body is taken; reads are decided by their route.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, with its key."""
        if scope["type"] == "http":
            try:
                scope["mien.key"] = _find(scope)
            except KeyRefusedError as error:
                scope["mien.refusal"] = error
                if scope["method"] not in _SAFE:
                    refusal = Problem(401, error.code, error.message, {"WWW-Authenticate": "Bearer"})
                    await refusal.answer()(scope, receive, send)
                    return
            else:
                await self._act(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _act(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; the audit trail names the key, and the purpose that the client states."""
        key: Key = scope["mien.key"]
        with contextlib.ExitStack() as acts:
            try:
                acts.enter_context(acting(f"key {key.id}", Headers(scope=scope).get(PURPOSE, "")))
            except UsageError as error:
                await Problem(422, error.code, error.message).answer()(scope, receive, send)
                return
            await self.app(scope, receive, send)


def _find(scope: Scope) -> Key:
    token = offered(Headers(scope=scope))
    if token is None:
        raise _missing()
    context: Context = scope["app"].state.context
    return context.keys.check(token)


def _missing() -> KeyRefusedError:
    return KeyRefusedError(
        "this needs a key: send it as 'Authorization: Bearer mien_…' or 'x-api-key'", code="key-missing"
    )
