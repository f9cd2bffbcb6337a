"""Worker processes, for machines with so many cores that the threads of one process wait for its interpreter.

Each process loads its own models and gets an equal part of the cores. A thread here stands for each of its threads and
speaks with it over a pipe: here goes a batch of sources, back comes what they are, then here which of them to skip, and
back come the outcomes. So `skip` is asked in this process only, and order and bounds are those of `stream`.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, TypeAlias

from mien.cores import CORES, usable_cores
from mien.errors import MienError, UsageError
from mien.image import Limits, Photo, PhotoSource
from mien.pipeline.acquire import Policy
from mien.pipeline.batch import acquire, open_all
from mien.pipeline.outcome import Outcome, Seen
from mien.pipeline.pipeline import Pipeline
from mien.pipeline.profile import Recorder, working
from mien.pipeline.stream import Skip, in_order, worker_threads
from mien.runtime.threads import quiet_libraries
from mien.types.outcome import Failure

Load: TypeAlias = Callable[[], Pipeline]
"""Opens the models; picklable, since it is called in the worker process."""
STOP_S = 5.0
"""Seconds for a worker to end by itself before it is killed."""
_REAPING = threading.Lock()  # of two threads that wait for one process at once, one is told no exit code


@dataclass(frozen=True, slots=True)
class Task:
    """How the workers treat every picture."""

    policy: Policy
    limits: Limits
    profiled: bool
    traced: bool


def stream_processes(
    load: Load,
    sources: Iterable[PhotoSource],
    *,
    processes: int,
    policy: Policy = Policy.ALL,
    skip: Skip | None = None,
    limits: Limits | None = None,
    recorder: Recorder | None = None,
) -> Iterator[Outcome]:
    """Outcomes of the sources, in their order, as `stream` gives them.

    Args:
        load: opens the models in each process.
        sources: paths, bytes or arrays; an open file cannot be handed to another process.
        processes: how many; each gets an equal part of the cores, at least one.
        policy: which faces to take.
        skip: called, in this process, with each picture before it is decoded; True = answer Seen.
        limits: what a picture may be.
        recorder: told where the time goes, in all processes.

    Raises:
        UsageError: fewer than one process, or a source that cannot be handed over.
        MienError: a worker ended (``worker-ended``), or the models cannot be loaded.
    """
    if processes < 1:
        raise UsageError(f"workers must be at least 1, got {processes}")
    cores = max(1, usable_cores() // processes)
    task = Task(policy, limits or Limits(), recorder is not None, recorder is not None and recorder.keeps_spans)
    idle: SimpleQueue[_Line] = SimpleQueue()

    def work(batch: list[PhotoSource]) -> list[Outcome]:
        line = idle.get()
        try:
            return line.ask(batch, skip, recorder)
        finally:
            idle.put(line)  # also when it failed: whoever waits for it must fail too

    with _started(load, task, processes, cores) as lines:
        for line in lines:
            idle.put(line)
        yield from in_order(work, sources, len(lines), recorder)


@dataclass(frozen=True, slots=True)
class _Line:
    """This side of the pipe to one thread of a worker process."""

    pipe: Connection
    process: BaseProcess

    def ask(self, batch: list[PhotoSource], skip: Skip | None, recorder: Recorder | None) -> list[Outcome]:
        """The outcomes of a batch."""
        for source in batch:
            if hasattr(source, "read"):
                raise UsageError("an open file cannot be handed to a worker process; give its path or its bytes")
        seen = self._exchange(batch)
        outcomes, drained = self._exchange(
            [isinstance(item, Seen) and skip is not None and skip(item) for item in seen]
        )
        if recorder is not None:
            recorder.merge(drained)
        return list(outcomes)

    def _exchange(self, message: object) -> Any:
        try:
            self.pipe.send(message)
            answer = self.pipe.recv()
        except (EOFError, OSError) as error:
            with _REAPING:
                self.process.join(STOP_S)
            raise MienError(
                f"worker process {self.process.pid} ended unexpectedly (exit code {self.process.exitcode}); its own "
                "message stands above. Fewer --workers take less memory",
                code="worker-ended",
            ) from error
        if isinstance(answer, MienError):
            raise answer
        return answer


@contextmanager
def _started(load: Load, task: Task, processes: int, cores: int) -> Iterator[list[_Line]]:
    """Running workers; all of them are gone at the end of the block, however it ends."""
    context = get_context("spawn")  # a fork would copy the engines' threads half
    with ExitStack() as stack:
        lines: list[_Line] = []
        for _ in range(processes):
            pairs = [context.Pipe() for _ in range(worker_threads(cores))]
            process = context.Process(
                target=_run, args=(load, task, cores, [theirs for _, theirs in pairs]), daemon=True
            )
            process.start()
            stack.callback(_end, process)
            for ours, theirs in pairs:
                theirs.close()  # so that a worker's death closes the pipe
                stack.callback(ours.close)
                lines.append(_Line(ours, process))
        yield lines


def _end(process: BaseProcess) -> None:
    process.terminate()
    process.join(STOP_S)
    if process.is_alive():
        process.kill()
        process.join()


def _run(load: Load, task: Task, cores: int, pipes: list[Connection]) -> None:
    """The worker process: one thread for each pipe, until the pipes are closed from the other side."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent, which gets it too, ends the workers
    os.environ[CORES] = str(cores)
    recorder = Recorder(trace=task.traced) if task.profiled else None
    try:
        answer: Callable[[Connection], None] = _Worker(load(), task, recorder).serve
    except MienError as error:
        answer = _Refusal(error).serve
    with quiet_libraries():
        threads = [threading.Thread(target=answer, args=(pipe,)) for pipe in pipes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


@dataclass(frozen=True, slots=True)
class _Worker:
    """The models of this process, at the service of its pipes."""

    pipeline: Pipeline
    task: Task
    recorder: Recorder | None

    def serve(self, pipe: Connection) -> None:
        """Batches in, outcomes out, until the pipe is closed."""
        with pipe:
            while (batch := _receive(pipe)) is not None:
                with working(self.recorder):
                    pipe.send(self._answer(batch, pipe))

    def _answer(self, batch: list[PhotoSource], pipe: Connection) -> object:
        opened = open_all(batch, self.task.limits, self.recorder)
        pipe.send([Seen.of(item) if isinstance(item, Photo) else item for item in opened])
        skipped: list[bool] = pipe.recv()
        chosen: list[Photo | Seen | Failure] = [
            Seen.of(item) if skip and isinstance(item, Photo) else item
            for item, skip in zip(opened, skipped, strict=True)
        ]
        try:
            outcomes = acquire(self.pipeline, chosen, self.task.policy, self.recorder)
        except MienError as error:
            return error
        return outcomes, None if self.recorder is None else self.recorder.drain()


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why this process has no models."""

    error: MienError

    def serve(self, pipe: Connection) -> None:
        """The error for the first batch."""
        with pipe:
            if _receive(pipe) is not None:
                pipe.send(self.error)


def _receive(pipe: Connection) -> list[PhotoSource] | None:
    """The next batch; None when the other side has closed the pipe."""
    try:
        batch: list[PhotoSource] = pipe.recv()
    except (EOFError, ConnectionResetError):
        return None
    return batch
