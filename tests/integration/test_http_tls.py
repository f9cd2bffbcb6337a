"""A server that speaks TLS itself, with a certificate made here; and the ways in which one cannot be started."""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from http_server import Server, start, stop

pytestmark = [
    pytest.mark.weights,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate"),
]


@dataclass(frozen=True)
class Pair:
    """A certificate of 127.0.0.1 and its key."""

    certificate: Path
    key: Path

    def options(self) -> tuple[str, ...]:
        return "--certificate", str(self.certificate), "--private-key", str(self.key)


def make(folder: Path, name: str, *more: str) -> Pair:
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 2 -subj /CN=localhost"
    alternative = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    where = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
    subprocess.run([*command.split(), *alternative, *where, *(more or ["-nodes"])], check=True, capture_output=True)
    return pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make(tmp_path_factory.mktemp("certificates"), "server")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, weights: None, pair: Pair) -> Iterator[Server]:
    started = start(tmp_path_factory.mktemp("secure"), "--host", "0.0.0.0", *pair.options())
    yield started
    stop(started)
    assert "Traceback" not in "".join(started.log), "".join(started.log)


def test_who_knows_the_certificate_is_answered_and_told_to_stay_with_tls(server: Server, pair: Pair) -> None:
    assert server.url.startswith("https://0.0.0.0:")
    trusted = ssl.create_default_context(cafile=str(pair.certificate))
    with httpx.Client(base_url=f"https://127.0.0.1:{server.port}", verify=trusted) as client:
        answer = client.get("/v1/key", headers={"x-api-key": server.token})
        assert (answer.status_code, answer.json()["role"]) == (200, "admin")
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert client.get("/v1/key").status_code == 401


def test_who_does_not_know_it_sends_nothing(server: Server) -> None:
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"https://127.0.0.1:{server.port}/health")


def test_plain_http_and_noise_get_no_answer_and_harm_nobody(server: Server, pair: Pair) -> None:
    for said in (f"GET /v1/key HTTP/1.1\r\nx-api-key: {server.token}\r\n\r\n".encode(), b"\x16\x03\x01" + bytes(99)):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(said)
            line.shutdown(socket.SHUT_WR)
            try:
                answer = line.recv(65536)
            except ConnectionResetError:
                answer = b""
        assert b"HTTP/" not in answer
        assert b"admin" not in answer
    trusted = ssl.create_default_context(cafile=str(pair.certificate))
    assert httpx.get(f"https://127.0.0.1:{server.port}/health", verify=trusted).status_code == 200


def bad_pairs(folder: Path, pair: Pair) -> dict[str, Pair]:
    (folder / "noise.pem").write_bytes(b"no certificate")
    other = make(folder, "other")
    return {
        "not there": Pair(folder / "none.pem", folder / "none.key"),
        "no certificate": Pair(folder / "noise.pem", pair.key),
        "no key": Pair(pair.certificate, folder / "noise.pem"),
        "of another": Pair(pair.certificate, other.key),
        "a folder": Pair(folder, folder),
        "needs a password": make(folder, "locked", "-passout", "pass:secret"),
    }


@pytest.mark.parametrize(
    "case", ["not there", "no certificate", "no key", "of another", "a folder", "needs a password"]
)
def test_a_certificate_that_cannot_be_used_is_told_in_one_line(
    subprocess_mien, tmp_path: Path, pair: Pair, case: str
) -> None:
    state = ("--state", str(tmp_path / "state.sqlite"))
    bad = bad_pairs(tmp_path, pair)[case]
    done = subprocess_mien("serve", "-g", str(tmp_path / "family.mien"), "--port", "0", *state, *bad.options())
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("mien: ")]) == 1
    assert "admin key" not in done.stdout  # none is used up by a start that fails
    assert not (tmp_path / "family.mien").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_others_are_not_served_without_tls_or_a_proxy(subprocess_mien, tmp_path: Path, host: str) -> None:
    done = subprocess_mien("serve", "-g", str(tmp_path / "family.mien"), "--host", host)
    assert done.returncode == 2
    assert "--behind-proxy" in done.stderr
    assert not list(tmp_path.iterdir())


def test_behind_a_proxy_others_need_a_key_too(tmp_path: Path, weights: None) -> None:
    server = start(tmp_path, "--host", "0.0.0.0", "--behind-proxy")
    try:
        url = f"http://127.0.0.1:{server.port}"
        for headers in ({}, {"x-forwarded-for": "127.0.0.1"}, {"x-forwarded-proto": "https"}):
            assert httpx.get(f"{url}/v1/key", headers=headers).status_code == 401
        assert httpx.get(f"{url}/v1/key", headers={"x-api-key": server.token}).status_code == 200
    finally:
        stop(server)
