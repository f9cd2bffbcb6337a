"""Jobs of a real server with the real models: killed in the middle, cancelled, followed, and beside requests."""

import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from http_server import MIEN
from mien.server.keys import KeyStore, Role

pytestmark = [pytest.mark.weights, pytest.mark.data]
JOBS = "/v1/galleries/family/jobs"
PICTURES = 600
"""So many that a fast machine too has told of some of them before it has done all."""


@dataclass
class Server:
    process: subprocess.Popen[str]
    folder: Path
    url: str
    token: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"x-api-key": self.token}, timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


@pytest.fixture(scope="module")
def photos(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of some people, one folder each, and a file that is none."""
    people = sorted((data / "lfw" / "images").iterdir(), key=lambda path: (-len(list(path.iterdir())), path.name))
    root = tmp_path_factory.mktemp("photos")
    for path in itertools.islice((path for person in people for path in sorted(person.iterdir())), PICTURES):
        (root / path.parent.name).mkdir(exist_ok=True)
        shutil.copy(path, root / path.parent.name)
    (root / "torn.jpg").write_bytes(b"no picture")
    return root


@pytest.fixture
def serve(tmp_path: Path, photos: Path, weights: None) -> Iterator[Callable[[], Server]]:
    """Starts a server, and when it is called again kills it (as by `kill -9`) and starts it with the same state."""
    keys = KeyStore(tmp_path / "state.sqlite")
    _, token = keys.create(Role.ADMIN)
    keys.close()
    servers: list[Server] = []

    def begin() -> Server:
        for server in servers:
            server.kill()
        servers[:] = [_start(tmp_path, token, photos)]
        return servers[0]

    yield begin
    for server in servers:
        server.kill()


def _start(folder: Path, token: str, photos: Path) -> Server:
    options = ["--port", "0", "--folder", f"photos={photos}", "--per-minute", "100000", "--workers", "2"]
    process = subprocess.Popen(
        [*MIEN, "serve", "-g", str(folder / "family.mien"), *options],
        env={**os.environ, "MIEN_STATE": str(folder / "state.sqlite")},
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if found := re.search(r"serving .* at (http://127\.0\.0\.1:\d+)", line):
            threading.Thread(target=process.stderr.read, daemon=True).start()
            return Server(process, folder, found[1], token)
    raise AssertionError(f"the server ended with {process.wait()}")


def wait(client: httpx.Client, job: dict[str, Any], until: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    for _ in range(1200):
        shown = client.get(f"/v1/jobs/{job['id']}").json()
        if until(shown):
            return shown
        time.sleep(0.05)
    raise AssertionError(f"it did not come to that: {shown}")


def ended(client: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    return wait(client, job, lambda shown: shown["ended"] is not None)


def upload(client: httpx.Client, photos: Path) -> dict[str, Any]:
    """An upload of all photographs, named by their folders, in requests of forty; not started."""
    job = client.post(JOBS, json={"kind": "index", "by_folder": True}).json()
    paths = sorted(photos.glob("*/*.jpg"))
    for some in (paths[i : i + 40] for i in range(0, len(paths), 40)):
        files = [("image", (path.relative_to(photos).as_posix(), path.read_bytes())) for path in some]
        answer = client.post(f"/v1/jobs/{job['id']}/pictures", files=files)
        assert answer.status_code == 200, answer.text
    return job


def spool(server: Server) -> list[Path]:
    return list((server.folder / "state.sqlite.jobs").glob("*.picture"))


def test_an_upload_survives_kill_9_and_every_picture_is_counted_once(serve: Callable[[], Server], photos: Path) -> None:
    server = serve()
    with server.client() as client:
        job = upload(client, photos)
        assert len(spool(server)) == PICTURES
        client.post(f"/v1/jobs/{job['id']}/start")
        wait(client, job, lambda shown: 0 < shown["done"] < PICTURES)
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    assert spool(server), "the job was done before the kill"
    server = serve()
    with server.client() as client:
        done = ended(client, job)
        people = client.get("/v1/galleries/family/subjects?limit=1000").json()["subjects"]
    assert (done["state"], done["total"], done["done"]) == ("done", PICTURES, PICTURES)
    assert done["new"] + done["skipped"] + done["failed"] == PICTURES
    folders = {path.name: len(list(path.iterdir())) for path in photos.iterdir() if path.is_dir()}
    stored = {person["subject"]: person["references"] for person in people}
    assert stored.keys() == folders.keys()
    assert sum(stored.values()) == PICTURES - done["failed"]


def test_a_folder_survives_kill_9_and_gives_what_the_command_gives(serve: Callable[[], Server], photos: Path) -> None:
    server = serve()
    with server.client() as client:
        job = client.post(JOBS, json={"kind": "index", "folder": "photos"}).json()
        wait(client, job, lambda shown: 0 < shown["done"] < PICTURES)
    server = serve()
    with server.client() as client:
        done = ended(client, job)
        assert done["failures"] == [
            {"file": "torn.jpg", "reason": "image-unrecognised", "message": done["failures"][0]["message"]}
        ]
        assert str(photos) not in json.dumps(done)
        references = client.get("/v1/galleries/family").json()["references"]
        group = ended(client, client.post(JOBS, json={"kind": "group"}).json())
        assert ended(client, client.post(JOBS, json={"kind": "optimize"}).json())["state"] == "done"
    assert (done["state"], done["total"], done["failed"]) == ("done", PICTURES + 1, 1)
    assert group["state"] == "done"
    command = subprocess.run(
        [sys.executable, "-m", "mien", "group", "-g", str(server.folder / "other.mien"), str(photos), "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    told = json.loads(command.stdout)
    assert (references, group["people"]) == (told["faces"], len(told["groups"]))


def test_cancelling_keeps_what_was_stored_and_erases_what_waits(serve: Callable[[], Server], photos: Path) -> None:
    server = serve()
    with server.client() as client:
        job = upload(client, photos)
        client.post(f"/v1/jobs/{job['id']}/start")
        wait(client, job, lambda shown: 0 < shown["done"] < PICTURES)
        client.post(f"/v1/jobs/{job['id']}/cancel")
        done = ended(client, job)
        assert done["state"] == "cancelled"
        assert 0 < done["new"] < PICTURES
        assert client.get("/v1/galleries/family").json()["references"] == done["faces"]
        for _ in range(200):  # they are erased right after the end was written down
            if not spool(server):
                break
            time.sleep(0.05)
        assert spool(server) == []


def test_progress_comes_as_events_and_requests_are_answered_meanwhile(
    serve: Callable[[], Server], photos: Path
) -> None:
    server = serve()
    seen: list[dict[str, Any]] = []
    face = next(photos.glob("*/*.jpg")).read_bytes()
    with server.client() as client, server.client() as other:
        job = client.post(JOBS, json={"kind": "index", "folder": "photos"}).json()
        with client.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line.removeprefix("data: ")))
                    assert other.post("/v1/faces", files={"image": ("1.jpg", face)}).status_code == 200
        assert httpx.get(f"{server.url}/v1/jobs/{job['id']}/events").status_code == 401
    done = [shown["done"] for shown in seen]
    assert done == sorted(done)
    assert len(set(done)) > 2, "progress was told only at the end"
    assert (seen[-1]["state"], seen[-1]["done"]) == ("done", PICTURES + 1)
