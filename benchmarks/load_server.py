"""A real `mien serve` to be measured: its gallery, its pictures, its processes. Shared by the scripts beside it."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import mien
from mien.models import load_embedder
from mien.server.keys import KeyStore, Role
from mien.types.template import Precision, Templates
from scaling_child import FACE, drawn

PICTURE_BYTES = 52_000
"""Largest size of a picture that is sent; they come to about 50 KB."""
START_S = 60.0
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs.

    Args:
        process: the server itself; its decoders are children of it.
        port: on 127.0.0.1.
        token: of an admin key.
        gallery: name in addresses.
        started: when it was started, in seconds of `time.perf_counter`.
    """

    process: subprocess.Popen[str]
    port: int
    token: str
    gallery: str
    started: float

    @property
    def path(self) -> str:
        """Where identify requests go."""
        return f"/v1/galleries/{self.gallery}/identifications"

    def decoders(self) -> list[int]:
        """Process ids of its children."""
        return _children(self.process.pid)

    def memory_mb(self) -> tuple[float, float]:
        """Resident memory of all its processes: as they show it (shared pages counted in each), and shared out."""
        pids = [self.process.pid, *self.decoders()]
        totals = [sum(_kb(pid, field) for pid in pids) / 1024 for field in ("Rss", "Pss")]
        return totals[0], totals[1]

    def own_mb(self) -> float:
        """Resident memory of the server itself."""
        return _kb(self.process.pid, "Rss") / 1024

    def cpu_s(self) -> tuple[float, float]:
        """Processor time so far: of the server, of its children."""
        return _cpu_s(self.process.pid), sum(_cpu_s(pid) for pid in self.decoders())

    def files(self) -> int:
        """Open descriptors of the server itself."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextlib.contextmanager
def serving(gallery: Path, work: Path, *options: str) -> Iterator[Server]:
    """Start a server on a free port of 127.0.0.1, end it afterwards."""
    state = work / "state.sqlite"
    with contextlib.closing(KeyStore(state)) as keys:
        token = keys.create(Role.ADMIN, label="load")[1]
    command = [sys.executable, "-m", "mien", "serve", "-g", str(gallery), "--state", str(state), "--port", "0"]
    command += ["--per-minute", "1000000", *options]
    log = work / "server.log"
    started = time.perf_counter()
    with log.open("w") as errors, subprocess.Popen(command, stderr=errors, text=True) as process:
        try:
            yield Server(process, _port(log, process), token, gallery.stem, started)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(START_S)


def _port(log: Path, process: subprocess.Popen[str]) -> int:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        found = re.search(r"serving .* at http://127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.005)
    raise SystemExit(f"the server did not start: {log.read_text().strip()[-500:]}")


def make_gallery(path: Path, people: Sequence[Path], templates: int) -> None:
    """A gallery of real people, one picture each, and drawn templates of strangers to fill it up."""
    with mien.open(path) as gallery:
        for picture in people:
            gallery.enrol(picture.stem, picture)
        embedder = load_embedder("sface")
        vectors = drawn(0, templates)
        rows = Templates(vectors, Precision(embedder.precision), embedder.contract, (FACE,) * len(vectors))
        gallery.store.enrol_many(rows, [f"drawn {number:06}" for number in range(templates)])


def make_pictures(sources: Sequence[Path], folder: Path) -> list[Path]:
    """The pictures saved anew as JPEGs of about 50 KB, as large in pixels as they were."""
    folder.mkdir()
    return [_at_most(PICTURE_BYTES, source, folder / source.name) for source in sources]


def _at_most(size: int, source: Path, target: Path) -> Path:
    from PIL import Image

    with Image.open(source) as picture:
        for quality in range(95, 20, -3):
            buffer = io.BytesIO()
            picture.convert("RGB").save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= size:
                break
    target.write_bytes(buffer.getvalue())
    return target


def counted(text: str) -> Mapping[str, float]:
    """Samples of Prometheus' text format without labels, by name."""
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in pairs}


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that ended meanwhile
            found += map(int, (task / "children").read_text().split())
    return found


def _kb(pid: int, field: str) -> int:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(rf"^{field}:\s+(\d+) kB", text, re.MULTILINE)[1])  # type: ignore[index]
    return 0


def _cpu_s(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S
    return 0.0
