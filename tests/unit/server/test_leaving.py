"""What is asked by a client that has left is dropped where it waits, and nothing else is."""

import asyncio
import threading
from contextvars import copy_context
from typing import Any

import numpy as np
import pytest
from starlette.types import Message, Receive, Scope, Send

from mien.pipeline import Policy
from mien.server import leaving
from mien.server.batching import Batcher
from mien.server.context import Context
from mien.server.decoding import Decoders, Picture
from mien.server.leaving import Leaving, client_left, left
from mien.server.metrics import Metrics
from mien.server.problems import Problem
from mien.service import Models
from mien.testing.toys import ToyEmbedder
from server_toys import NamedToyEmbedder, png

CROPS = np.zeros((2, 112, 112, 3), np.uint8)


def client(*, gone: bool) -> threading.Event:
    event = threading.Event()
    if gone:
        event.set()
    return event


def as_request_of(event: threading.Event | None, work: Any) -> Any:
    """Work done as the request of a client."""
    context = copy_context()
    context.run(leaving._CLIENT.set, event)
    return context.run(work)


def test_the_flag_is_set_when_the_client_leaves_while_its_request_is_at_work() -> None:
    seen: list[bool] = []
    at_work = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"
        flag = client_left()
        seen.append(left(flag))
        at_work.set()
        await asyncio.to_thread(flag.wait, 20)
        seen.append(await asyncio.to_thread(lambda: left(client_left())))

    async def ask() -> None:
        sent: list[Message] = [{"type": "http.request", "body": b"x", "more_body": False}]

        async def receive() -> Message:
            if sent:
                return sent.pop()
            await at_work.wait()
            return {"type": "http.disconnect"}

        await Leaving(app)({"type": "http"}, receive, lambda message: asyncio.sleep(0))
        assert client_left() is None
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(ask())
    assert seen == [False, True]


def test_a_body_that_breaks_off_is_a_client_that_left() -> None:
    async def ask() -> bool:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await receive()
            result.append(left(client_left()))

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        result: list[bool] = []
        await Leaving(app)({"type": "http"}, receive, lambda message: asyncio.sleep(0))
        return result[0]

    assert asyncio.run(ask())


def test_faces_of_a_client_that_left_are_not_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    embedded: list[int] = []
    embed = ToyEmbedder.embed

    def counted(embedder: ToyEmbedder, crops: Any) -> Any:
        embedded.append(len(crops))
        return embed(embedder, crops)

    monkeypatch.setattr(NamedToyEmbedder, "embed", counted)
    batcher = Batcher(NamedToyEmbedder(), Metrics())
    try:
        with pytest.raises(Problem, match="left"):
            as_request_of(client(gone=True), lambda: batcher.embed(CROPS))
        assert embedded == []
        for event in (client(gone=False), None):
            assert len(as_request_of(event, lambda: batcher.embed(CROPS))) == 2
        assert embedded == [2, 2]
    finally:
        batcher.close()


class Idle:
    """Stands for a worker process."""

    tasks = 0

    def __init__(self, models: Models) -> None:
        del models

    def revive(self) -> int:
        return 0

    def run(self, task: Any) -> Any:
        Idle.tasks += 1
        raise Problem(418, "worked", "the worker was asked")

    def close(self) -> None:
        pass


def test_a_picture_of_a_client_that_left_is_not_decoded_and_the_decoder_stays_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mien.server.decoding.decoders.Worker", Idle)
    metrics = Metrics()
    decoders = Decoders(Models(), metrics, workers=1)
    for event, code in ((client(gone=True), "client-left"), (client(gone=False), "worked"), (None, "worked")):
        with pytest.raises(Problem) as caught:
            as_request_of(event, lambda: decoders.look(Picture("a.png", b""), None))
        assert caught.value.code == code
    assert Idle.tasks == 2
    assert 'mien_pictures_total{outcome="client-left"} 1.0' in metrics.text().decode()
    decoders.close()


def test_the_threads_of_a_request_know_whose_work_they_do(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, event = context.engine, client(gone=False)
    seen: list[object] = []
    look = engine.decoders.look

    def watched(*args: Any, **rest: Any) -> Any:
        seen.append(client_left())
        return look(*args, **rest)

    monkeypatch.setattr(engine.decoders, "look", watched, raising=False)
    pictures = [Picture(f"{n}.png", png(n)) for n in (1, 2, 3)]
    found = as_request_of(event, lambda: list(engine.acquire_each(pictures, Policy.ALL)))
    assert len(found) == 3
    assert seen == [event] * 3
