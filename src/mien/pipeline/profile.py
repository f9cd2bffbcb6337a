"""Where the time of a run goes, by stage, from all its threads and processes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final

IDLE: Final = "wait for pictures"
"""What a worker does that has nothing to do."""
STARVED: Final = "wait for workers"
"""What the caller does until the next batch is ready."""
WAITS: Final = frozenset({IDLE, STARVED})
MOST_SPANS: Final = 500_000
"""A trace holds the first so many spans, about 60 MB of JSON; the table counts all."""

_NOTHING: Final = nullcontext()


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of work of one thread: seconds of the monotonic clock, and of the thread's own processor time."""

    stage: str
    start: float
    wall: float
    cpu: float
    items: int
    process: int
    thread: int

    def event(self) -> dict[str, Any]:
        """A complete event of the Trace Event Format, in microseconds."""
        return {
            "name": self.stage,
            "ph": "X",
            "ts": round(self.start * 1e6, 1),
            "dur": round(self.wall * 1e6, 1),
            "pid": self.process,
            "tid": self.thread,
            "args": {"items": self.items, "cpu_us": round(self.cpu * 1e6, 1)},
        }


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage took, summed over threads.

    Args:
        name: of the stage.
        items: pictures, faces or rows that went through it.
        wall: seconds from start to end of its spans.
        cpu: seconds that its own threads computed. The difference is waiting: for the disk, for a lock, for the other
            threads on the cores; in `detect` and `embed` also for the threads of an engine that has its own.
    """

    name: str
    items: int = 0
    wall: float = 0.0
    cpu: float = 0.0

    @property
    def waited(self) -> float:
        """Seconds in which its threads did not compute."""
        return max(0.0, self.wall - self.cpu)

    @property
    def each(self) -> float:
        """Seconds an item."""
        return self.wall / self.items if self.items else 0.0


@dataclass(frozen=True, slots=True)
class Profile:
    """A run's stages, in the order in which they first ended, its length, and the processor time of its process."""

    stages: tuple[Stage, ...]
    wall: float
    cpu: float

    def share(self, stage: Stage) -> float | None:
        """The stage's part of the time that threads spent on all stages, 0..1; None for waiting between them."""
        if stage.name in WAITS:
            return None
        total = sum(other.wall for other in self.stages if other.name not in WAITS)
        return stage.wall / total if total else 0.0


class Recorder:
    """Collects spans from any thread; costs two clock readings and a lock a span, about 3 us.

    Args:
        trace: keep the spans themselves too, for `trace`; otherwise only their sums, whatever the length of the run.
    """

    def __init__(self, *, trace: bool = False) -> None:
        self.keeps_spans = trace
        self._lock = threading.Lock()
        self._stages: dict[str, Stage] = {}
        self._spans: list[Span] = []
        self._local = threading.local()
        self._began = time.perf_counter(), time.process_time()
        self._other_cpu = 0.0

    def span(self, stage: str, items: int = 1) -> Timing:
        """A context: the time within counts for the stage."""
        return Timing(self, stage, items)

    def worker(self) -> Working:
        """A context for one task of a worker thread; the time since its last task counts as waiting for work."""
        return Working(self)

    def add(self, span: Span) -> None:
        """Count a span."""
        with self._lock:
            self._count(Stage(span.stage, span.items, span.wall, span.cpu))
            if self.keeps_spans and len(self._spans) < MOST_SPANS:
                self._spans.append(span)

    def drain(self) -> Drained:
        """Everything counted since the last call, and forget it; another process hands it to its parent's `merge`."""
        with self._lock:
            cpu, before = time.process_time(), self._began[1]
            drained = Drained(tuple(self._stages.values()), tuple(self._spans), cpu - before)
            self._stages, self._spans, self._began = {}, [], (self._began[0], cpu)
        return drained

    def merge(self, drained: Drained) -> None:
        """Count what another recorder counted; all clocks of a machine are the same."""
        with self._lock:
            for stage in drained.stages:
                self._count(stage)
            self._spans += drained.spans[: MOST_SPANS - len(self._spans)]
            self._other_cpu += drained.cpu

    def profile(self) -> Profile:
        """The sums so far."""
        wall, cpu = time.perf_counter() - self._began[0], time.process_time() - self._began[1]
        with self._lock:
            return Profile(tuple(self._stages.values()), wall, cpu + self._other_cpu)

    def trace(self) -> dict[str, Any]:
        """A document in the Trace Event Format, which Perfetto and Chrome's tracing page open."""
        with self._lock:
            spans = sorted(self._spans, key=lambda span: span.start)
        return {"traceEvents": [*_names(spans), *(span.event() for span in spans)], "displayTimeUnit": "ms"}

    def _count(self, more: Stage) -> None:
        now = self._stages.get(more.name, Stage(more.name))
        self._stages[more.name] = replace(
            now, items=now.items + more.items, wall=now.wall + more.wall, cpu=now.cpu + more.cpu
        )


@dataclass(frozen=True, slots=True)
class Drained:
    """What a recorder counted, on its way to another one: stages, spans, processor seconds of its process."""

    stages: tuple[Stage, ...]
    spans: tuple[Span, ...]
    cpu: float


class Timing:
    """The context that `Recorder.span` gives."""

    __slots__ = ("_cpu", "_items", "_recorder", "_stage", "_start")

    def __init__(self, recorder: Recorder, stage: str, items: int) -> None:
        self._recorder, self._stage, self._items = recorder, stage, items

    def __enter__(self) -> None:
        self._start, self._cpu = time.perf_counter(), time.thread_time()

    def __exit__(self, *_: object) -> None:
        wall, cpu = time.perf_counter() - self._start, time.thread_time() - self._cpu
        thread = threading.get_native_id()
        self._recorder.add(Span(self._stage, self._start, wall, cpu, self._items, os.getpid(), thread))


class Working:
    """The context that `Recorder.worker` gives."""

    __slots__ = ("_recorder",)

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def __enter__(self) -> None:
        now = time.perf_counter()
        last = getattr(self._recorder._local, "ended", None)
        if last is not None:
            thread = threading.get_native_id()
            self._recorder.add(Span(IDLE, last, now - last, 0.0, 1, os.getpid(), thread))

    def __exit__(self, *_: object) -> None:
        self._recorder._local.ended = time.perf_counter()


def span(recorder: Recorder | None, stage: str, items: int = 1) -> AbstractContextManager[None]:
    """`Recorder.span`, or nothing without a recorder."""
    return _NOTHING if recorder is None else recorder.span(stage, items)


def working(recorder: Recorder | None) -> AbstractContextManager[None]:
    """`Recorder.worker`, or nothing without a recorder."""
    return _NOTHING if recorder is None else recorder.worker()


def _names(spans: Iterable[Span]) -> list[dict[str, Any]]:
    """Metadata events that name each thread by its process and number."""
    threads = sorted({(span.process, span.thread) for span in spans})
    return [
        {"name": "thread_name", "ph": "M", "pid": process, "tid": thread, "args": {"name": f"thread {thread}"}}
        for process, thread in threads
    ]
