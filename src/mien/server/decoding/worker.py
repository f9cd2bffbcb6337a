"""One decoding process as its owner sees it: asked, waited for, replaced when it has died."""

from __future__ import annotations

import signal
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from mien.errors import ImageError, MienError, ModelError
from mien.server.decoding.process import CPU_S, serve_tasks
from mien.server.decoding.tasks import Task
from mien.service import Models

ANSWER_S = 30.0
"""Seconds until a worker that says nothing is replaced."""
STOP_S = 2.0
STARTS = 2
"""Processes that are started anew, one after the other, before it is told that they do not start."""


class DiedError(Exception):
    """A worker ended, or had to be ended, over a picture."""

    def __init__(self, exit_code: int | None) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code

    def refusal(self, name: str) -> ImageError:
        """What the one whose picture it was is told."""
        if self.exit_code in (None, -signal.SIGXCPU):
            text = f"{name}: decoding takes more than {CPU_S} s; save it anew as a plain JPEG"
            return ImageError(text, code="image-too-slow", source=name)
        text = f"{name}: the decoder broke off; save it anew as a plain JPEG"
        return ImageError(text, code="image-decoder-ended", source=name)


class Worker:
    """One process and the pipe to it."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")  # a fork would copy the engine's threads half
        self._pipe, theirs = context.Pipe()
        process: BaseProcess = context.Process(target=serve_tasks, args=(theirs, self._models), daemon=True)
        process.start()
        self._process = process
        theirs.close()  # so that a worker's death closes the pipe
        self._ready = False

    def revive(self) -> int:
        """Return when it has its detector; a process that ended before is replaced, for that was no picture's fault.

        Returns:
            How many were replaced.

        Raises:
            ModelError: the detector cannot be loaded, or one process after the other ends before it has.
        """
        ended = 0
        while True:
            if not self._process.is_alive():
                ended += 1
                self._restart()
            try:
                self._wait_ready()
            except DiedError as death:
                if ended == STARTS or death.exit_code is None:
                    raise _no_start(f"exit code {death.exit_code}") from None
            else:
                return ended

    def _restart(self) -> None:
        self.close()
        try:
            self._start()
        except OSError as error:
            raise _no_start(str(error)) from error

    def _wait_ready(self) -> None:
        if not self._ready:
            refusal = self._receive()
            if isinstance(refusal, MienError):
                raise refusal
            self._ready = True

    def run(self, task: Task) -> object:
        """What the task gives; what it raises is raised here."""
        try:
            self._pipe.send(task)
        except OSError:
            raise self._died() from None
        answer = self._receive()
        if isinstance(answer, MienError):
            raise answer
        return answer

    def close(self) -> None:
        """End the process; it leaves by itself when the pipe is closed."""
        self._pipe.close()
        self._process.join(STOP_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _receive(self) -> Any:
        try:
            if self._pipe.poll(ANSWER_S):
                return self._pipe.recv()
        except (EOFError, OSError):
            raise self._died() from None
        self._process.kill()
        self._process.join()
        self._pipe.close()
        raise DiedError(None)

    def _died(self) -> DiedError:
        self._pipe.close()
        self._process.join(STOP_S)
        return DiedError(self._process.exitcode or 0)


def _no_start(why: str) -> ModelError:
    text = f"the processes that decode pictures do not start ({why}); look for limits of memory and processes"
    return ModelError(text, code="decoder-start")
