"""What the server counts, for Prometheus. Labels are routes and statuses, never people or galleries."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_FACES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The counters of one application."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("mien_requests", "Requests answered.", labels, registry=registry)
        self.seconds = Histogram(
            "mien_request_seconds",
            "Seconds to the first byte.",
            ["route"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.in_flight = Gauge("mien_in_flight", "Requests at work.", registry=registry)
        self.shed = Counter("mien_shed", "Requests refused because too many were at work.", registry=registry)
        self.pictures = Counter("mien_pictures", "Pictures decoded, by outcome.", ["outcome"], registry=registry)
        self.decoder_deaths = Counter("mien_decoder_deaths", "Decoders that died and were replaced.", registry=registry)
        self.swept = Counter("mien_swept", "People erased because their consent had ended.", registry=registry)
        self.sweeps = Counter("mien_sweeps", "Galleries swept, by outcome.", ["outcome"], registry=registry)
        self.batch_faces = Histogram(
            "mien_batch_faces", "Faces embedded in one call.", registry=registry, buckets=_FACES
        )

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self.registry)


class Measured:
    """ASGI middleware that counts answers by route, not by address.

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
        metrics: Metrics = scope["app"].state.context.metrics
        start = time.perf_counter()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "other")
                metrics.requests.labels(scope["method"][:10], route, message["status"]).inc()
                metrics.seconds.labels(route).observe(time.perf_counter() - start)
            await send(message)

        await self.app(scope, receive, watched)
