"""A job's progress as server-sent events: each is the whole job, so nothing is lost to a client that comes back."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio
from starlette.concurrency import run_in_threadpool

from mien.errors import MienError
from mien.server.problems import Problem

POLL_S = 0.25
HEARTBEAT_S = 15.0
"""Seconds of silence after which a comment shows proxies and clients that the line is alive."""
MAX_STREAMS = 200
"""Clients that may follow jobs at once."""


class Streams:
    """How many clients follow jobs; the next one gets 503."""

    def __init__(self, limit: int = MAX_STREAMS) -> None:
        self.limit = limit
        self.open = 0

    def require_room(self) -> None:
        """Raise a problem when there are too many."""
        if self.open >= self.limit:
            detail = f"{self.limit} clients follow jobs already; come back later, or ask for the job"
            raise Problem(503, "busy", detail, {"Retry-After": "5"})

    async def follow(
        self, look: Callable[[], dict[str, Any]], still_allowed: Callable[[], object], last: int
    ) -> AsyncIterator[str]:
        """Events until the job's end.

        Args:
            look: the job now, with ``version`` and ``ended``.
            still_allowed: raises when the client's key opens it no more.
            last: version that the client has seen.
        """
        self.open += 1
        try:
            spoke = time.monotonic()
            while True:
                document = await run_in_threadpool(look)
                if document["version"] > last:
                    last, spoke = document["version"], time.monotonic()
                    yield _event(document)
                if document["ended"] is not None:
                    return
                if time.monotonic() - spoke >= HEARTBEAT_S:
                    await run_in_threadpool(still_allowed)
                    spoke = time.monotonic()
                    yield ": alive\n\n"
                await anyio.sleep(POLL_S)
        except MienError:  # the job was forgotten, or the key was revoked
            return
        finally:
            self.open -= 1


def _event(document: dict[str, Any]) -> str:
    kind = "progress" if document["ended"] is None else "end"
    return f"id: {document['version']}\nevent: {kind}\ndata: {json.dumps(document)}\n\n"
