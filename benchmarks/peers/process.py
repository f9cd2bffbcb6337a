"""A system in a process of its own, as the harness sees it: start, ask, weigh, stop. Linux only (reads /proc)."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


class PeerError(Exception):
    """A system that cannot be measured: which, when, and what it said last."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one list of pictures took.

    Args:
        seconds: from the question to the answer.
        cpu_s: CPU seconds of the process and all below it.
        others_s: CPU seconds that all other processes of the machine took meanwhile: how far it was disturbed.
        faces: found.
        templates: made, each finite.
        failed: pictures that gave an error.
    """

    seconds: float
    cpu_s: float
    others_s: float
    faces: int
    templates: int
    failed: int


class Peer:
    """A running system. It is stopped (SIGSTOP) whenever it is not asked, so that its threads disturb nobody.

    Args:
        name: for messages.
        command: what to run.
        log: file for what it prints.
        environment: variables it gets.
        limit_s: longest wait for one answer.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str], limit_s: float = 600.0
    ) -> None:
        self.name, self.limit_s, self._log, self._rest = name, limit_s, log, b""
        self.started = time.perf_counter()
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environment),
                start_new_session=True,
            )
        try:
            self.facts = self._answer("starting", ("versions", "settings"))
        except PeerError:
            self.close()
            raise
        self._signal(signal.SIGSTOP)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, pictures: Sequence[Path]) -> Answer:
        """Have a list of pictures made into templates.

        Raises:
            PeerError: it died, said something else, or took too long.
        """
        question = json.dumps({"pictures": [str(picture) for picture in pictures]}).encode() + b"\n"
        self._signal(signal.SIGCONT)
        busy, cpu, start = busy_seconds(), cpu_seconds(self._process.pid), time.perf_counter()
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # its end is told by the answer that does not come
            self._process.stdin.write(question)
            self._process.stdin.flush()
        counts = self._answer(f"working on {len(pictures)} pictures", ("faces", "templates", "failed"))
        seconds, cpu = time.perf_counter() - start, cpu_seconds(self._process.pid) - cpu
        others = max(0.0, busy_seconds() - busy - cpu)
        self._signal(signal.SIGSTOP)
        return Answer(seconds, cpu, others, counts["faces"], counts["templates"], counts["failed"])

    def peak_mb(self) -> float:
        """Peak resident memory in MB, of the process and all that run below it, each at its own peak."""
        return sum(_status(pid, "VmHWM") for pid in tree(self._process.pid)) / 1024

    def close(self) -> None:
        """End it, and all it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _answer(self, doing: str, keys: Sequence[str]) -> dict[str, Any]:
        line = self._line(doing)
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not set(keys) <= answer.keys():
            said = line.decode("utf-8", "replace").strip()[:80]
            raise PeerError(f"{self.name}: while {doing}, answered {said!r} where JSON with {', '.join(keys)} was due")
        return answer

    def _line(self, doing: str) -> bytes:
        assert self._process.stdout is not None
        end = time.monotonic() + self.limit_s
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise PeerError(f"{self.name}: while {doing}, gave no answer in {self.limit_s:g} s")
            data = os.read(self._process.stdout.fileno(), 1 << 16)
            if not data:
                status = self._process.wait()
                raise PeerError(f"{self.name}: while {doing}, ended with status {status}: {last_line(self._log)}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line


def last_line(log: Path) -> str:
    """The last thing that a process printed."""
    lines = log.read_text("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")


def tree(pid: int) -> Iterator[int]:
    """A process and all that run below it."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        for child in children:
            yield from tree(int(child))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, of all that run below it, and of those below it that have ended."""
    return sum(_ticks(each) for each in tree(pid)) / TICKS


def busy_seconds() -> float:
    """CPU seconds of the whole machine since it started, idle time and waits for disks left out, stolen time in."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(interrupts)) / TICKS


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime


def _status(pid: int, key: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))
