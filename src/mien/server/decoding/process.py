"""The process that decodes: what it may spend on a picture, and nothing of one left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from mien.cores import CORES
from mien.errors import ImageError, MienError
from mien.server.decoding.tasks import Task
from mien.service import Models

CPU_S = 10
"""Seconds of processor time for one picture."""
MEMORY = 1 << 30
"""Bytes of address space for one picture."""


def serve_tasks(pipe: Connection, models: Models) -> None:
    """The worker process: tasks in, answers out, until the pipe is closed from the other side."""
    for number in (signal.SIGINT, signal.SIGTERM):  # the parent, which gets them too, lets the work end first
        signal.signal(number, signal.SIG_IGN)
    os.environ[CORES] = "1"
    with pipe, contextlib.suppress(EOFError, ConnectionError):
        try:
            detector = models.load_detector(replace(models.settings, threads="latency"))  # as the library does
        except MienError as error:
            pipe.send(error)
            return
        _limit_memory()
        pipe.send(None)
        for task in _tasks(pipe):
            _limit_time()
            try:
                answer: object = task.work(detector, models.limits)
            except MienError as error:
                answer = error
            except MemoryError:
                answer = _too_much(task.picture.name)
            pipe.send(answer)


def _tasks(pipe: Connection) -> Iterator[Task]:
    while True:
        yield pipe.recv()


def _too_much(name: str) -> ImageError:
    text = f"{name}: decoding takes more than {MEMORY >> 30} GiB; make it smaller first"
    return ImageError(text, code="image-too-much-memory", source=name)


def _limit_memory() -> None:
    """From here on `MEMORY` bytes more, and no file of a crash with a picture in it."""
    if sys.platform != "linux":
        return
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_time() -> None:
    """`CPU_S` more seconds of processor time; the limit counts from the start of the process."""
    if sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_S + 1, hard))
