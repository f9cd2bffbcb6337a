from collections.abc import Iterator
from pathlib import Path

import pytest

from http_server import Server, files, start, stop


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, portraits: Path) -> Iterator[Server]:
    """A server that knows Ada, and that nothing may bring down."""
    server = start(tmp_path_factory.mktemp("served"), "--per-minute", "1000000", "--body-seconds", "5")
    with server.client() as client:
        url = "/v1/galleries/family/subjects/Ada/references"
        assert client.post(url, files=files(portraits / "obama.jpg")).status_code == 201
    yield server
    lives = server.process.poll() is None
    stop(server)
    assert lives, "".join(server.log)
    assert "Traceback" not in "".join(server.log), "".join(server.log)
