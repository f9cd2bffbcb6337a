"""Ten thousand connections that say nothing, or half a head: whether the server still answers the others.

Runs as a process of its own, since each connection is an open file here as well as in the server.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from load_client import HOST, get
from load_server import Server

HALF = b"POST /v1/faces HTTP/1.1\r\nhost: s\r\ncontent-le"
SOURCES = 4
"""Addresses 127.0.0.x that the connections come from, as one has ports for 28,000 only."""
PROBE_EVERY_S = 0.1
WAIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Held:
    """What it cost the server to hold them.

    Args:
        connections: that the server had open at the last probe.
        opened_s: until all had been accepted.
        p50_ms, p99_ms, worst_ms: of `probes` calls of /health, each over a new connection, beside them.
        before_mb, held_mb, after_mb: resident memory of the server's own process.
        ended_s: from the first connection until the server itself had closed all of them.
        answered: of the half-open ones, how many were told 408 before.
    """

    connections: int
    opened_s: float
    probes: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    before_mb: float
    held_mb: float
    after_mb: float
    ended_s: float
    answered: int


def hold(server: Server, *, silent: int, half_open: int, probes: int) -> Held:
    """Open them, ask for /health, wait until the server has closed them all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, silent + half_open + 1000)), hard))
    files, before = server.files(), server.own_mb()
    start = time.perf_counter()
    lines = [_line(server.port, number) for number in range(silent + half_open)]
    try:
        for line in lines[silent:]:
            line.sendall(HALF)
        _wait(lambda: server.files() >= len(lines))  # and few others
        opened = time.perf_counter() - start
        taken = asyncio.run(_probe(server.port, probes))
        most, held = server.files(), server.own_mb()
        _wait(lambda: server.files() <= files)
        ended = time.perf_counter() - start
        connections = most - server.files()
        answered = sum(_told_408(line) for line in lines[silent:])
    finally:
        for line in lines:
            line.close()
    p50, p99, worst = (float(np.percentile(taken, q)) for q in (50, 99, 100))
    return Held(connections, opened, probes, p50, p99, worst, before, held, server.own_mb(), ended, answered)


def _line(port: int, number: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=30, source_address=(f"127.0.0.{2 + number % SOURCES}", 0))


def _wait(reached: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not reached() and time.monotonic() < end:
        time.sleep(0.05)


async def _probe(port: int, count: int) -> Sequence[float]:
    taken = []
    for _ in range(count):
        start = time.perf_counter()
        status, _ = await get(port, "/health")
        assert status == 200
        taken.append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(PROBE_EVERY_S)
    return taken


def _told_408(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        return line.recv(4096).startswith(b"HTTP/1.1 408 ")
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Slow:
    """A client that drips: what it sent, the status it got, seconds until the server closed the connection."""

    what: str
    status: str
    seconds: float


def drip(server: Server, what: str) -> Slow:
    """A byte every 0.2 s, of a ``head`` or a ``body``, until the server has enough of it."""
    head = f"POST {server.path} HTTP/1.1\r\nhost: s\r\nx-api-key: {server.token}\r\n"
    if what == "body":
        head += "content-type: application/json\r\ncontent-length: 100000\r\n\r\n"
    start = time.perf_counter()
    with socket.create_connection((HOST, server.port), timeout=0.2) as line:
        line.sendall(head.encode())
        told = b""
        while time.perf_counter() - start < WAIT_S:
            try:
                line.sendall(b"a")
                came = line.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                break
            if not came:
                break
            told += came
    return Slow(what, told[9:12].decode() or "none", time.perf_counter() - start)
