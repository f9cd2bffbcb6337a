"""Clients that ask a server to identify, so many at once, for so long: `wrk`, or one written here where it is missing.

Both send the same bytes over connections that stay open, several pictures in turn.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from load_server import Server

LUA = Path(__file__).with_name("load_identify.lua")
BOUNDARY = "mien-load"
HOST = "127.0.0.1"
ANSWER_S = 60.0
MOST = 1_000_000
"""Requests of one run, however fast the server is."""


@dataclass(slots=True)
class Outcome:
    """What a run brought.

    Args:
        seconds: it took.
        p50_ms, p99_ms: of the answers: by wrk of all, by the client here of those with status 200.
        done: answers with status 200.
        shed: answers with status 503.
        errors: everything else: other statuses, broken connections, timeouts.
    """

    seconds: float
    p50_ms: float
    p99_ms: float
    done: int
    shed: int
    errors: int

    @property
    def per_s(self) -> float:
        """Answers with status 200 a second."""
        return self.done / self.seconds


def drive(server: Server, pictures: Sequence[Path], *, concurrency: int, seconds: float, client: str) -> Outcome:
    """Ask for so long, with so many connections.

    `client` is ``wrk``, or ``asyncio``, which waits as long as a 503 says, or ``auto``: the first if it is there.
    """
    if client == "wrk" or (client == "auto" and shutil.which("wrk")):
        return _wrk(server, pictures, concurrency, seconds)
    return asyncio.run(ask(server, pictures, concurrency=concurrency, seconds=seconds))


def _wrk(server: Server, pictures: Sequence[Path], concurrency: int, seconds: float) -> Outcome:
    command = ["wrk", "-t1", f"-c{concurrency}", f"-d{seconds:.0f}s", "--timeout", "30s", "-s", str(LUA)]
    command += [f"http://{HOST}:{server.port}{server.path}", "--", server.token, BOUNDARY, *map(str, pictures)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    told = json.loads(done.stdout.splitlines()[-1])
    return Outcome(told["seconds"], told["p50_ms"], told["p99_ms"], told["done"], told["shed"], told["errors"])


@dataclass(slots=True)
class Tally:
    """What the connections have counted so far."""

    seconds: list[float] = field(default_factory=list)
    done: int = 0
    shed: int = 0
    errors: int = 0


async def ask(
    server: Server,
    pictures: Sequence[Path],
    *,
    concurrency: int,
    seconds: float,
    per_s: float | None = None,
    tally: Tally | None = None,
) -> Outcome:
    """Ask from this process: `per_s` times a second on all connections together, or as often as there are answers.

    Who looks meanwhile finds the counts in `tally`.
    """
    tally = Tally() if tally is None else tally
    requests = [_request(server, picture.read_bytes()) for picture in pictures]
    start = time.perf_counter()
    pause = concurrency / per_s if per_s else 0.0
    await asyncio.gather(
        *(_connection(server.port, requests, n, tally, start + seconds, pause) for n in range(concurrency))
    )
    taken = np.array(tally.seconds or [np.nan]) * 1000
    p50, p99 = (float(np.percentile(taken, q)) for q in (50, 99))
    return Outcome(time.perf_counter() - start, p50, p99, tally.done, tally.shed, tally.errors)


def _request(server: Server, picture: bytes) -> bytes:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\n\r\n'.encode()
    body = part + picture + f"\r\n--{BOUNDARY}--\r\n".encode()
    head = f"POST {server.path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {server.token}\r\n"
    head += f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def _connection(
    port: int, requests: Sequence[bytes], number: int, tally: Tally, end: float, pause: float
) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        for turn in range(number, number + MOST // 64):
            sent = time.perf_counter()
            if sent >= end:
                return
            if reader.at_eof():  # this process was stopped for longer than the server keeps a silent connection
                writer.close()
                reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(requests[turn % len(requests)])
            status, headers, _ = await asyncio.wait_for(answer(reader), ANSWER_S)
            taken = time.perf_counter() - sent
            if status == 200:
                tally.done += 1
                tally.seconds.append(taken)
            elif status == 503:
                tally.shed += 1
                await asyncio.sleep(float(headers["retry-after"]))
            else:
                tally.errors += 1
            await asyncio.sleep(max(0.0, pause - taken))
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        tally.errors += 1
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer, which has a declared length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers, body


async def get(port: int, path: str, token: str = "") -> tuple[int, bytes]:
    """One GET over a connection of its own."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        key = f"Authorization: Bearer {token}\r\n" if token else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{key}\r\n".encode())
        status, _, body = await asyncio.wait_for(answer(reader), ANSWER_S)
        return status, body
    finally:
        writer.close()
