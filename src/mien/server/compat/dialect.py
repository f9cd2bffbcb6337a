"""Problem documents told in the words of another server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.server.problems import MEDIA_TYPE, URN

Translate = Callable[["Told", Scope], tuple[int, dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Told:
    """A problem: HTTP status, stable code, one line for a person."""

    status: int
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """How errors are told.

    Args:
        speaks: whether an address belongs to it.
        translate: a problem as status and JSON.
    """

    speaks: Callable[[str], bool]
    translate: Translate


class Dialects:
    """ASGI middleware: errors at some addresses look as clients of another server expect them.

    Args:
        app: what answers.
        dialects: the first that speaks at an address translates.
    """

    def __init__(self, app: ASGIApp, *, dialects: Sequence[Dialect]) -> None:
        self.app = app
        self.dialects = dialects

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        spoken = next((each for each in self.dialects if scope["type"] == "http" and each.speaks(scope["path"])), None)
        if spoken is None:
            await self.app(scope, receive, send)
            return
        held: Message | None = None
        body = bytearray()

        async def translated(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_problem(message):
                held = message
            elif held is None:
                await send(message)
            else:
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    status, document = spoken.translate(_told(bytes(body)), scope)
                    await _send(held, status, document, send)

        await self.app(scope, receive, translated)


def under(prefix: str) -> Callable[[str], bool]:
    """Whether an address is a prefix or lies below it."""
    return lambda path: path == prefix or path.startswith(f"{prefix}/")


def _is_problem(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith(MEDIA_TYPE)


def _told(body: bytes) -> Told:
    document = json.loads(body or b"{}")  # an answer to HEAD has no body
    return Told(
        document.get("status", 404), str(document.get("type", "")).removeprefix(URN), document.get("detail", "")
    )


async def _send(start: Message, status: int, document: dict[str, Any], send: Send) -> None:
    content = json.dumps(document).encode()
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-type"] = "application/json"
    headers["content-length"] = str(len(content))
    await send({**start, "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": content})
