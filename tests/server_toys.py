"""A server over drawn faces: no weights, no processes, one gallery."""

import asyncio
import io
import os
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from fastapi import FastAPI
from PIL import Image

from mien.gallery import Gallery
from mien.gallery.calls.session import Clock, utc_now
from mien.models import LoadSettings
from mien.pipeline import Policy
from mien.server.answers import Answers
from mien.server.app import create_app
from mien.server.batching import Batcher
from mien.server.context import Context
from mien.server.decoding import Found, Look, Picture, Whole
from mien.server.engine import Engine
from mien.server.jobs import Jobs
from mien.server.keys import KeyStore
from mien.server.metrics import Metrics
from mien.server.reports import Reports
from mien.server.served import ServedGallery
from mien.server.settings import RequestLimits, Settings
from mien.service import LocalGallery, Models
from mien.testing.toys import ToyDetector, ToyEmbedder, draw_picture


@dataclass(frozen=True, slots=True)
class NamedToyEmbedder(ToyEmbedder):
    engine: str = "toy"


class DirectDecoders:
    """The work of a decoder, done where it is asked for."""

    count = 1

    def require_start(self) -> None:
        pass

    def look(self, picture: Picture, policy: Policy | None, *, least_px: float = 0, nobody: bool = False) -> Found:
        return Look(picture, policy, least_px, nobody).work(ToyDetector(), Models().limits)

    def whole(self, picture: Picture) -> Found:
        return Whole(picture).work(ToyDetector(), Models().limits)


def toy_context(
    folder: Path,
    stack: ExitStack,
    *,
    limits: RequestLimits | None = None,
    clock: Clock = utc_now,
    names=("family",),
    folders: dict[str, Path] | None = None,
) -> Context:
    galleries = {name: folder / f"{name}.mien" for name in names}
    limits = limits or RequestLimits(per_minute=100_000)
    settings = Settings(galleries, folder / "state.sqlite", limits=limits, folders=folders or {})
    metrics = Metrics()
    batcher = Batcher(NamedToyEmbedder(), metrics)
    engine = Engine(DirectDecoders(), batcher, Models())  # type: ignore[arg-type]
    served = {}
    for name, path in galleries.items():
        reader, writer = (
            LocalGallery(Gallery.open(path, create=True, clock=clock, audit_decisions=True), Models()) for _ in range(2)
        )
        served[name] = ServedGallery(name, reader, writer, engine)
        stack.callback(served[name].close)
    keys = KeyStore(settings.state, clock)
    answers = Answers(settings.state, settings.limits.keep_answers_s, clock)
    for closed in (batcher, keys, answers):
        stack.callback(closed.close)
    jobs = Jobs(settings, served, clock)
    stack.callback(jobs.close)
    return Context(settings, keys, answers, served, jobs, Reports(settings.reports, clock), engine, metrics, clock)


def toy_app(context: Context) -> FastAPI:
    app = create_app(context.settings, context=context)
    app.state.context = context
    return app


class Client:
    """Requests to an application in this process; its faults are answers, not exceptions."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.headers: dict[str, str] = {}

    def request(self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
                return await client.request(method, path, headers={**self.headers, **(headers or {})}, **rest)

        return asyncio.run(ask())

    def get(self, path: str, **rest: Any) -> httpx.Response:
        return self.request("GET", path, **rest)

    def post(self, path: str, **rest: Any) -> httpx.Response:
        return self.request("POST", path, **rest)

    def patch(self, path: str, **rest: Any) -> httpx.Response:
        return self.request("PATCH", path, **rest)

    def delete(self, path: str, **rest: Any) -> httpx.Response:
        return self.request("DELETE", path, **rest)


def png(*people: int) -> bytes:
    """A drawn picture of these people as a file."""
    buffer = io.BytesIO()
    Image.fromarray(draw_picture(list(people))).save(buffer, "PNG")
    return buffer.getvalue()


def empty_png() -> bytes:
    """A picture of nobody."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((200, 200, 3), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class DrawnModels(Models):
    """Finds drawn faces; a process that finds the file `broken` ends instead."""

    broken: Path = Path("broken")

    def load_detector(self, settings: LoadSettings | None = None) -> ToyDetector:
        del settings
        if self.broken.exists():
            os._exit(3)
        return ToyDetector()
