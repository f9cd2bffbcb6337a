"""Connections with a client that waits, over a real socket."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from mien.server.connections import Connection

LARGE = 64 << 20


class Hasty(Connection):
    head_s = 0.2
    stall_s = 0.2


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once, with as much as the address says, without a look at the body."""
    size = int(scope["path"][1:])
    headers = [(b"content-length", str(size).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(size >> 20):
        await send({"type": "http.response.body", "body": bytes(1 << 20), "more_body": True})
    await send({"type": "http.response.body", "body": b"." * (size & 0xFFFFF)})


@pytest.fixture(scope="module")
def server() -> Iterator[uvicorn.Server]:
    config = uvicorn.Config(app, http=Hasty, port=0, lifespan="off", ws="none", log_level="error", timeout_keep_alive=9)
    listening = socket.create_server(("127.0.0.1", 0))
    config.port = listening.getsockname()[1]
    served = uvicorn.Server(config)
    thread = threading.Thread(target=served.run, kwargs={"sockets": [listening]})
    thread.start()
    yield served
    served.should_exit = True
    thread.join()
    listening.close()


@pytest.fixture
def line(server: uvicorn.Server) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.config.port), timeout=20) as opened:
        yield opened


def rest(line: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    try:
        return b"".join(iter(lambda: line.recv(65536), b""))
    except ConnectionResetError:
        return b"reset"


def test_a_silent_connection_is_closed(line: socket.socket) -> None:
    assert rest(line) == b""


def test_an_answer_leaves_at_once(server: uvicorn.Server, line: socket.socket) -> None:
    line.sendall(b"GET /5 HTTP/1.1\r\nhost: s\r\n\r\n")
    while not line.recv(65536).endswith(b"....."):
        pass
    (connection,) = (each for each in server.server_state.connections if each.client == line.getsockname())
    assert connection.transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_half_a_head_is_answered_with_408(line: socket.socket) -> None:
    line.sendall(b"GET /5 HTTP/1.1\r\nhos")
    told = rest(line)
    assert told.startswith(b"HTTP/1.1 408 ")
    assert b"urn:mien:head-too-slow" in told


def test_a_head_that_drips_in_gets_no_more_time(line: socket.socket) -> None:
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.01):
            try:
                line.sendall(b"a")
            except OSError:
                return

    line.sendall(b"GET /5 HTTP/1.1\r\n")
    dripping = threading.Thread(target=drip)
    dripping.start()
    told = rest(line)
    stop.set()
    dripping.join()
    assert told.startswith((b"HTTP/1.1 408 ", b"reset"))


def test_the_second_head_has_its_time_too(line: socket.socket) -> None:
    line.sendall(b"GET /5 HTTP/1.1\r\nhost: s\r\n\r\nGET /5 HT")
    line.sendall(b"TP/1.1\r\n")
    told = rest(line)
    assert told.startswith(b"HTTP/1.1 200 ")
    assert told.count(b".....") == 1


def test_the_rest_of_an_answered_body_keeps_no_connection(line: socket.socket) -> None:
    line.sendall(b"POST /5 HTTP/1.1\r\nhost: s\r\ncontent-length: 100\r\n\r\na")
    while not line.recv(65536).endswith(b"....."):
        pass
    line.sendall(b"a")
    assert rest(line) in (b"", b"reset")


def test_a_client_that_takes_nothing_loses_its_answer(server: uvicorn.Server) -> None:
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(20)
        line.connect(("127.0.0.1", server.config.port))
        line.sendall(f"GET /{LARGE} HTTP/1.1\r\nhost: s\r\n\r\n".encode())
        while not server.server_state.connections:
            threading.Event().wait(0.01)
        while server.server_state.connections:  # nothing is read meanwhile
            threading.Event().wait(0.01)
        assert len(rest(line)) < LARGE


def test_a_connection_in_use_stays_open(line: socket.socket) -> None:
    for _ in range(6):
        line.sendall(b"GET /5 HTTP/1.1\r\nhost: s\r\n\r\n")
        while not line.recv(65536).endswith(b"....."):
            pass
        threading.Event().wait(0.1)
