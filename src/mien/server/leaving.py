"""Work for a client that has left is not begun.

Nobody reads the answer, and whoever waits behind it is served sooner. Where a request waits for its turn, at the
decoders and at the embedder, it is asked whether its client is still there.
"""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.server.problems import Problem

_CLIENT: ContextVar[threading.Event | None] = ContextVar("mien-client", default=None)
"""Set when the client of the request at work has left; None: the work is nobody's request."""


def client_left() -> threading.Event | None:
    """What is set when the client of this request leaves; for threads that work for several."""
    return _CLIENT.get()


def left(client: threading.Event | None) -> bool:
    """Whether a client has left."""
    return client is not None and client.is_set()


def gone() -> Problem:
    """Why work for a client that left was not begun; nobody reads it."""
    return Problem(503, "client-left", "the client has left before its turn came")


class Leaving:
    """ASGI middleware that notices that the client of a request leaves once its body has come.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        client, watch = threading.Event(), list[asyncio.Task[None]]()

        async def wait() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            client.set()

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                client.set()
            elif not message.get("more_body", False) and not watch:
                watch.append(asyncio.create_task(wait()))
            return message

        token = _CLIENT.set(client)
        try:
            await self.app(scope, heard, send)
        finally:
            _CLIENT.reset(token)
            for task in watch:
                task.cancel()
