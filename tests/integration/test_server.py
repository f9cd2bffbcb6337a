"""A real server in its own process, with the real models and photographs, and clients that mean it no good."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from http_server import MIEN, Server, files, start, stop

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, portraits: Path) -> Iterator[Server]:
    limits = ("--per-minute", "100000", "--in-flight", "8")
    started = start(tmp_path_factory.mktemp("server"), *limits, "--folder", f"portraits={portraits}")
    yield started
    stop(started)


def test_who_is_enrolled_is_identified_and_others_are_nobody(server: Server, portraits: Path) -> None:
    with server.client() as client:
        enrolled = client.post("/v1/galleries/family/subjects/Obama/references", files=files(portraits / "obama.jpg"))
        assert enrolled.status_code == 201, enrolled.text
        found = client.post(
            "/v1/galleries/family/identifications?faces=largest",
            files=files(portraits / "obama2.jpg", portraits / "biden.jpg"),
        ).json()
        assert [probe["decision"] for probe in found["probes"]] == ["Obama", None]
        assert found["model"]["name"] == "sface"
        verified = client.post(
            "/v1/galleries/family/verifications?subject=Obama", files=files(portraits / "obama3.jpg")
        ).json()
        assert verified["match"] is True
        assert verified["score"] >= verified["threshold"]


def test_the_server_answers_as_the_library_does(server: Server, portraits: Path) -> None:
    import mien

    pair = portraits / "obama.jpg", portraits / "obama2.jpg"
    expected = mien.verify(*pair).to_dict()
    with server.client() as client:
        sent = {"probe": pair[0].read_bytes(), "reference": pair[1].read_bytes()}
        told = client.post("/v1/comparisons", files=sent).json()
    assert told["score"] == pytest.approx(expected["score"], abs=2e-3)
    assert (told["match"], told["threshold"]) == (expected["match"], expected["threshold"])


def test_the_commands_key_opens_the_running_server_until_it_is_revoked(server: Server) -> None:
    made = server.mien("keys", "create", "--role", "viewer", "--gallery", "family", "--expires", "90d")
    with server.client(str(made["token"])) as client:
        assert client.get("/v1/galleries/family").status_code == 200
        server.mien("keys", "revoke", str(made["id"]))
        assert client.get("/v1/galleries/family").json()["type"] == "urn:mien:key-revoked"


def test_what_the_command_changes_is_seen_by_the_next_request(server: Server, portraits: Path) -> None:
    path = str(server.folder / "family.mien")
    subprocess.run(
        [sys.executable, "-m", "mien", "enrol", "-g", path, "Biden", str(portraits / "biden.jpg")],
        check=True,
        capture_output=True,
    )
    with server.client() as client:
        names = [row["subject"] for row in client.get("/v1/galleries/family/subjects").json()["subjects"]]
        assert "Biden" in names
        reference = client.get("/v1/galleries/family/subjects/Biden/references").json()["references"][0]
        crop = client.get(f"/v1/galleries/family/references/{reference['id']}/crop")
        assert (crop.status_code, crop.headers["content-type"], crop.content[:3]) == (
            200,
            "image/jpeg",
            b"\xff\xd8\xff",
        )


def test_decoders_that_are_killed_while_idle_cost_no_request(server: Server, portraits: Path) -> None:
    before = server.decoders()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    while any(Path(f"/proc/{pid}/cmdline").read_bytes() for pid in before):  # empty as soon as it has ended
        time.sleep(0.01)
    with server.client() as client:
        told = [client.post("/v1/faces", files=files(portraits / "obama.jpg")) for _ in range(3 * len(before))]
    assert [answer.status_code for answer in told] == [200] * len(told)
    assert not set(before) & set(server.decoders())


def test_a_body_without_end_is_cut_and_fills_no_memory(server: Server) -> None:
    before = server.rss()
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    head = "POST /v1/faces HTTP/1.1\r\ncontent-type: image/png\r\ntransfer-encoding: chunked"
    head = head.replace("image/png", "multipart/form-data; boundary=b")
    told = server.raw(head, chunk * 1000)
    assert not told or told.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400"))
    assert server.rss() - before < 40 << 20


def test_a_declared_length_beyond_the_limit_is_refused_before_the_body(server: Server) -> None:
    told = server.raw("POST /v1/faces HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: 10485761")
    assert told.startswith(b"HTTP/1.1 413")
    assert b"urn:mien:body-too-large" in told


def test_a_body_of_the_very_limit_is_read(server: Server) -> None:
    with server.client() as client:
        body = b'{"image": "' + b"A" * (10 * 2**20 - 13) + b'"}'
        assert len(body) == 10 << 20
        headers = {"content-type": "application/json"}
        assert client.post("/v1/faces", content=body, headers=headers).status_code in (415, 422)
        assert client.post("/v1/faces", content=body + b" ", headers=headers).status_code == 413


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        ("POST /v1/faces HTTP/1.1\r\ncontent-length: 5\r\ncontent-type: application/json", b"{}   GARBAGE", b"422"),
        ("POST /v1/faces HTTP/1.1\r\ncontent-length: x", b"", b"400"),
        ("POST /v1/faces HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6", b"", b"400"),
        ("GET /" + "a" * 9_000 + " HTTP/1.1", b"", b"414"),
        ("GET /health HTTP/1.1\r\nx: " + "a" * 40_000, b"", b"431"),
        ("GET /../../etc/passwd HTTP/1.1\r\nconnection: close", b"", b"404"),
        ("GET /v1/..%2f..%2fetc/passwd HTTP/1.1\r\nconnection: close", b"", b"404"),
        ("GET /%c0%af HTTP/1.1\r\nconnection: close", b"", b"404"),
        ("NONSENSE", b"", b"400"),
    ],
)
def test_crooked_requests_are_refused_and_the_server_lives(
    server: Server, head: str, body: bytes, status: bytes
) -> None:
    if "connection: close" not in head and body:
        head += "\r\nconnection: close"
    told = server.raw(head, body)
    assert not told or told.startswith(b"HTTP/1.1 " + status), told[:200]
    assert httpx.get(f"{server.url}/health").status_code == 200


def test_an_unknown_client_cannot_make_the_server_read(server: Server) -> None:
    told = server.raw("POST /v1/faces HTTP/1.1\r\ncontent-length: 10000000\r\nconnection: close", key=False)
    assert told.startswith(b"HTTP/1.1 401")


def test_health_answers_beside_a_thousand_half_open_connections(server: Server) -> None:
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(1000)]
    try:
        for line in lines:
            line.sendall(b"POST /v1/faces HTTP/1.1\r\ncontent-le")
        assert httpx.get(f"{server.url}/health", timeout=10).status_code == 200
    finally:
        for line in lines:
            line.close()


def test_too_many_at_once_get_503_and_those_at_work_their_answer(server: Server, portraits: Path) -> None:
    with server.client() as client, ThreadPoolExecutor(40) as pool:
        sent = files(*[portraits / "obama.jpg"] * 3)
        told = list(pool.map(lambda _: client.post("/v1/galleries/family/identifications", files=sent), range(40)))
    found = {answer.status_code for answer in told}
    assert found == {200, 503}
    assert all(answer.headers["retry-after"] == "1" for answer in told if answer.status_code == 503)
    assert httpx.get(f"{server.url}/ready").status_code == 200


def test_no_key_stands_in_any_file(server: Server) -> None:
    held = b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())
    assert server.token.encode() not in held
    assert server.token.split("_", 2)[2].encode() not in held


def test_sigterm_lets_the_work_end_and_leaves_with_0(tmp_path: Path, portraits: Path) -> None:
    server = start(tmp_path)
    decoders = server.decoders()
    with server.client() as client, ThreadPoolExecutor(1) as pool:
        client.get("/health")
        answer = pool.submit(client.post, "/v1/faces", files=files(*[portraits / "obama.jpg"] * 20))
        while not re.search(r"mien_in_flight [1-9]", client.get("/metrics").text):
            time.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        assert answer.result().status_code == 200
        assert len(answer.result().json()["pictures"]) == 20
    assert server.process.wait(timeout=15) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in decoders)
    stop(server)


def test_a_slow_body_is_given_up(tmp_path: Path, weights: None) -> None:
    server = start(tmp_path, "--body-seconds", "1")
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as line:
            head = "POST /v1/faces HTTP/1.1\r\nhost: s\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n"
            line.sendall(f"{head}x-api-key: {server.token}\r\n\r\n{{".encode())
            told = b"".join(iter(lambda: line.recv(65536), b""))
        assert told.startswith(b"HTTP/1.1 408")
        assert b"urn:mien:body-too-slow" in told
    finally:
        stop(server)


def test_the_first_key_is_shown_once(tmp_path: Path, weights: None) -> None:
    first = start(tmp_path)
    assert re.fullmatch(r"mien_[0-9a-f]{12}_[\w-]{43}", first.token)
    first.process.terminate()
    first.process.wait()
    second = start_again(tmp_path)
    assert second == ""
    stop(first)


def start_again(folder: Path) -> str:
    """What a second start says on stdout."""
    process = subprocess.Popen(
        [*MIEN, "serve", "-g", str(folder / "family.mien"), "--port", "0"],
        env={**os.environ, "MIEN_STATE": str(folder / "state.sqlite")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if "serving" in line:
            break
    process.terminate()
    return process.communicate()[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_are_not_served_without_tls(subprocess_mien, tmp_path: Path, host: str) -> None:
    done = subprocess_mien("serve", "-g", str(tmp_path / "family.mien"), "--host", host)
    assert done.returncode == 2
    assert "--behind-proxy" in done.stderr
    assert not list(tmp_path.iterdir())
