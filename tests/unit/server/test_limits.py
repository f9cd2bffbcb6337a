"""How much, how long, how many at once and how many a minute; both sides of each boundary."""

import asyncio
from typing import Any

import pytest

from mien.errors import UsageError
from mien.server.limits import BodyLimit, InFlight, Rate
from mien.server.metrics import Metrics
from mien.server.problems import Problem
from mien.server.settings import RequestLimits
from server_toys import Client, toy_app, toy_context


class State:
    def __init__(self) -> None:
        self.state = self
        self.context = self
        self.metrics = Metrics()


def scope(**more: Any) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": "/x", "headers": [], "app": State(), **more}


async def swallow(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads its whole body and answers 200."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def statuses(sent: list[dict[str, Any]]) -> list[int]:
    return [message["status"] for message in sent if message["type"] == "http.response.start"]


async def through(app: Any, request: dict[str, Any], chunks: list[bytes], pause: float = 0) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []
    left = list(chunks)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await app(request, receive, send)
    return sent


@pytest.mark.parametrize("declared", [b"201", b"9" * 5000, b"-1", b"1e2", b"\xb2"])
def test_a_declared_length_beyond_the_limit_is_refused_at_once(declared: bytes) -> None:
    app = BodyLimit(swallow, limits=RequestLimits(body_bytes=100))
    sent = asyncio.run(through(app, scope(headers=[(b"content-length", declared)]), []))
    assert statuses(sent) == [413]
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_body_a_little_too_large_is_taken_in_so_that_the_answer_arrives() -> None:
    app = BodyLimit(swallow, limits=RequestLimits(body_bytes=100))
    chunks = [b"x" * 50, b"x" * 51]
    assert statuses(asyncio.run(through(app, scope(headers=[(b"content-length", b"101")]), chunks))) == [413]


def test_a_body_is_counted_whatever_length_it_claims() -> None:
    app = BodyLimit(swallow, limits=RequestLimits(body_bytes=100))
    fitting = asyncio.run(through(app, scope(), [b"x" * 50, b"x" * 50]))
    assert statuses(fitting) == [200]
    with pytest.raises(Problem) as refusal:
        asyncio.run(through(app, scope(headers=[(b"content-length", b"1")]), [b"x" * 50, b"x" * 51, b"never read"]))
    assert (refusal.value.status_code, refusal.value.code) == (413, "body-too-large")


def test_a_body_that_trickles_is_refused_at_its_deadline() -> None:
    app = BodyLimit(swallow, limits=RequestLimits(body_s=0.2))
    with pytest.raises(Problem) as refusal:
        asyncio.run(through(app, scope(), [b"x"] * 1000, pause=0.01))
    assert (refusal.value.status_code, refusal.value.code) == (408, "body-too-slow")


def test_one_request_too_many_is_told_to_come_back() -> None:
    release = asyncio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        await release.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def run() -> tuple[list[int], list[int], dict[bytes, bytes]]:
        app = InFlight(slow, limit=2)
        working = [asyncio.create_task(through(app, scope(), [])) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await through(app, scope(), [])
        release.set()
        done = [statuses(each)[0] for each in await asyncio.gather(*working)]
        after = await through(app, scope(), [])
        return done, statuses(refused) + statuses(after), dict(refused[0]["headers"])

    done, others, headers = asyncio.run(run())
    assert done == [200, 200]
    assert others == [503, 200]
    assert headers[b"retry-after"] == b"1"


def test_health_answers_however_busy_it_is() -> None:
    app = InFlight(swallow, limit=1)
    app.working = 1
    assert statuses(asyncio.run(through(app, scope(path="/health"), [b""]))) == [200]
    assert statuses(asyncio.run(through(app, scope(path="/v1/faces"), [b""]))) == [503]


def test_a_failed_request_gives_its_place_back() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    app = InFlight(broken, limit=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            asyncio.run(through(app, scope(), []))
    assert app.working == 0


def test_a_stream_of_events_holds_no_place() -> None:
    seen = []

    async def events(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        seen.append(app.working)

    app = InFlight(events, limit=1)
    asyncio.run(through(app, scope(), []))
    assert seen == [0]
    assert app.working == 0


def test_a_minute_has_so_many_requests_and_fills_up_again() -> None:
    now = [0.0]
    rate = Rate(swallow, per_minute=60, clock=lambda: now[0])
    assert [rate.take("a", 1) for _ in range(60)] == [0] * 60
    assert rate.take("a", 1) == 1
    assert rate.take("b", 1) == 0
    now[0] = 0.5
    assert rate.take("a", 1) == 1
    now[0] = 1.0
    assert [rate.take("a", 1), rate.take("a", 1)] == [0, 1]
    now[0] = 1000.0
    assert [rate.take("a", 1) for _ in range(61)] == [0] * 60 + [1]


def test_ten_reads_count_as_one_change() -> None:
    rate = Rate(swallow, per_minute=2, clock=lambda: 0.0)
    assert [rate.take("a", 0.1) for _ in range(21)] == [0] * 20 + [3]


def test_a_key_that_asks_too_often_gets_429_and_a_time(tmp_path) -> None:
    from contextlib import ExitStack

    from mien.server.keys import Role

    with ExitStack() as stack:
        context = toy_context(tmp_path, stack, limits=RequestLimits(per_minute=1))
        client = Client(toy_app(context))
        client.headers["x-api-key"] = context.keys.create(Role.VIEWER)[1]
        answers = [client.post("/v1/faces") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [415, 429]
    assert 1 <= int(answers[1].headers["retry-after"]) <= 60
    assert answers[1].json()["type"] == "urn:mien:rate-limit"


@pytest.mark.parametrize("name", ["body_bytes", "in_flight", "per_minute", "body_s"])
def test_a_limit_must_be_above_zero(name: str) -> None:
    with pytest.raises(UsageError, match=name):
        RequestLimits(**{name: 0})
