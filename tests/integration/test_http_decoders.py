"""Decoders that are killed while requests need them: nothing worse than a refusal, and soon all is as before."""

import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from http_server import Server, files, start, stop

pytestmark = pytest.mark.weights
ROUNDS = 6


@pytest.fixture
def server(tmp_path: Path, portraits: Path) -> Iterator[Server]:
    """A server of its own, since its decoders die."""
    started = start(tmp_path, "--per-minute", "1000000", "--workers", "2")
    yield started
    stop(started)
    assert "Traceback" not in "".join(started.log), "".join(started.log)


def test_killing_decoders_under_load_is_never_a_fault(server: Server, portraits: Path) -> None:
    done, told = threading.Event(), list[tuple[int, str]]()
    sent = files(portraits / "obama.jpg")

    def ask(path: str) -> None:
        with server.client() as client:
            while not done.is_set():
                answer = client.post(path, files=sent)
                told.append((answer.status_code, "" if answer.is_success else answer.json()["type"]))

    paths = ["/v1/faces", "/v1/galleries/family/identifications", "/v1/faces", "/v1/galleries/family/identifications"]
    threads = [threading.Thread(target=ask, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for _ in range(ROUNDS):
        time.sleep(0.7)
        for pid in server.decoders():
            os.kill(pid, signal.SIGKILL)
        for path in ("/health", "/ready"):
            answer = httpx.get(server.url + path, timeout=30)
            assert answer.status_code == 200, answer.text
    done.set()
    for thread in threads:
        thread.join(60)
    refused = {(422, "urn:mien:image-decoder-ended"), (503, "urn:mien:busy")}
    refused.add((503, "urn:mien:decoder-start"))  # several in a row were killed before they had their detector
    assert set(told) <= {(200, ""), *refused}
    assert (200, "") in told
    with server.client() as client:
        after = [client.post("/v1/faces", files=sent).status_code for _ in range(8)]
        deaths = float(re.search(r"^mien_decoder_deaths_total ([\d.]+)", client.get("/metrics").text, re.MULTILINE)[1])
    assert after == [200] * 8  # those killed while idle cost no picture
    assert deaths >= 2
    assert len(server.decoders()) == 2
