"""What keeps the server upright: how much a body may be, how long it may take, how many requests at once and a minute.

Pure ASGI middleware. A body is cut while it streams in; a request too many is told at once when to come back, instead
of waiting in a queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mien.server.keys import Key
from mien.server.metrics import Metrics
from mien.server.problems import Problem
from mien.server.settings import RequestLimits

ALWAYS = frozenset({"/health", "/ready", "/metrics"})
"""Answered however busy the server is."""
BUSY_S = 1
LINGER_S = 2.0
"""Longest wait for the rest of a body that is refused."""
READ_COST = 0.1
"""What a read takes of the rate, against 1 for a change or a picture."""
_CLOSE = {"Connection": "close"}
_KEPT = 10_000
"""Keys whose rate is remembered; who is forgotten starts with a full minute."""


class HeadLimit:
    """Refuses addresses and headers that are too long; the connection is closed.

    Args:
        app: what answers.
        limits: bytes.
    """

    def __init__(self, app: ASGIApp, *, limits: RequestLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self.app(scope, receive, send)
        else:
            await refusal.answer()(scope, receive, send)

    def _refusal(self, scope: Scope) -> Problem | None:
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > self.limits.address_bytes:
            return Problem(414, "address-too-long", f"an address has at most {self.limits.address_bytes} bytes", _CLOSE)
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self.limits.header_bytes:
            return Problem(431, "headers-too-large", f"headers have at most {self.limits.header_bytes} bytes", _CLOSE)
        return None


class BodyLimit:
    """Refuses a body that is too large, or takes too long, while it comes in.

    Args:
        app: what answers.
        limits: bytes and seconds.
    """

    def __init__(self, app: ASGIApp, *, limits: RequestLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared, endless = headers.get("content-length", "0"), "transfer-encoding" in headers
        if not declared.isascii() or not declared.isdigit() or int(declared[:20]) > self.limits.body_bytes:
            if declared.isascii() and declared.isdigit() and int(declared[:20]) <= 2 * self.limits.body_bytes:
                await _discard(receive)
            await self._too_large().answer()(scope, receive, send)
            return
        deadline, count, complete = time.monotonic() + self.limits.body_s, 0, False

        async def counted() -> Message:
            nonlocal count, complete
            if complete:
                return await receive()  # waits for the client to leave
            try:
                message = await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError:
                limit = f"{self.limits.body_s:g} s"
                raise Problem(408, "body-too-slow", f"the body did not come within {limit}", _CLOSE) from None
            if message["type"] == "http.request":
                count += len(message.get("body", b""))
                complete = not message.get("more_body", False)
                if count > self.limits.body_bytes:
                    raise self._too_large()
            return message

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start" and not complete and endless:
                MutableHeaders(scope=message)["Connection"] = "close"  # or the rest would be read, to be thrown away
            await send(message)

        await self.app(scope, counted, answered)

    def _too_large(self) -> Problem:
        size = f"{self.limits.body_bytes / (1 << 20):g} MiB"
        return Problem(413, "body-too-large", f"a request has at most {size}; send smaller or fewer pictures", _CLOSE)


async def _discard(receive: Receive) -> None:
    """Take in a body that is little too large: closed before it has come, the client's system drops the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while (await receive()).get("more_body", False):
                pass


class InFlight:
    """Lets so many requests work at once; the next one gets 503 and a time to come back.

    A stream of events gives its place back when it begins.

    Args:
        app: what answers.
        limit: requests at once.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self.app = app
        self.limit = limit
        self.working = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["path"] in ALWAYS:
            await self.app(scope, receive, send)
            return
        metrics: Metrics = scope["app"].state.context.metrics
        if self.working >= self.limit:
            metrics.shed.inc()
            detail = f"{self.limit} requests are at work already; try again in a second"
            await Problem(503, "busy", detail, {"Retry-After": str(BUSY_S)}).answer()(scope, receive, send)
            return
        held = True
        self._count(1, metrics)

        def leave() -> None:
            nonlocal held
            if held:
                held = False
                self._count(-1, metrics)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and _is_events(message):
                leave()
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            leave()

    def _count(self, step: int, metrics: Metrics) -> None:
        self.working += step
        metrics.in_flight.set(self.working)


def _is_events(message: Message) -> bool:
    return Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")


@dataclass(slots=True)
class _Allowance:
    """Tokens of one key, and when they were counted."""

    left: float
    at: float


class Rate:
    """Requests a minute and key; a minute's worth may come at once, then as many as it fills up again.

    Args:
        app: what answers.
        per_minute: requests that change something or carry pictures; a read counts `READ_COST`.
        clock: seconds that never go back.
    """

    def __init__(self, app: ASGIApp, *, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.app = app
        self.per_minute = per_minute
        self.clock = clock
        self.allowances: OrderedDict[str, _Allowance] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        key = scope.get("mien.key")
        if scope["type"] == "http" and isinstance(key, Key) and scope["path"] not in ALWAYS:
            wait = self.take(key.id, READ_COST if scope["method"] in ("GET", "HEAD", "OPTIONS") else 1.0)
            if wait:
                detail = f"{self.per_minute} requests a minute are allowed; come back in {wait} s"
                refusal = Problem(429, "rate-limit", detail, {"Retry-After": str(wait)})
                await refusal.answer()(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def take(self, key: str, cost: float) -> int:
        """Take `cost` from a key's allowance: 0, or whole seconds until there is enough."""
        now = self.clock()
        held = self.allowances.setdefault(key, _Allowance(float(self.per_minute), now))
        self.allowances.move_to_end(key)
        if len(self.allowances) > _KEPT:
            self.allowances.popitem(last=False)
        held.left = min(float(self.per_minute), held.left + (now - held.at) * self.per_minute / 60)
        held.at = now
        if held.left + 1e-9 < cost:
            return max(1, math.ceil((cost - held.left) * 60 / self.per_minute - 1e-6))
        held.left -= cost
        return 0
