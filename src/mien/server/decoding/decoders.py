"""As many decoding processes as there are cores, shared by all requests."""

from __future__ import annotations

import contextlib
import queue

from mien.cores import usable_cores
from mien.errors import LimitError, MienError
from mien.pipeline import Policy
from mien.server.decoding.tasks import Cut, Found, Look, Picture, Task, Whole
from mien.server.decoding.worker import STOP_S, DiedError, Worker
from mien.server.leaving import client_left, gone, left
from mien.server.metrics import Metrics
from mien.service import Models

TURN_S = 20.0
"""Seconds that a picture waits for a worker before it is refused."""


class Decoders:
    """So many workers, each with one picture at a time; called from any number of threads.

    Args:
        models: which detector, and what a picture may be.
        metrics: told what became of the pictures.
        workers: None = one a core.
    """

    def __init__(self, models: Models, metrics: Metrics, *, workers: int | None = None) -> None:
        self._models = models
        self._metrics = metrics
        self._idle: queue.Queue[Worker] = queue.Queue()
        self.count = workers or usable_cores()
        for _ in range(self.count):
            self._idle.put(Worker(models))

    def wait_ready(self) -> None:
        """Return when every worker has its detector.

        Raises:
            ModelError: they cannot load it.
        """
        held = [self._idle.get() for _ in range(self.count)]
        try:
            for worker in held:
                worker.revive()
        finally:
            for worker in held:
                self._idle.put(worker)

    def require_start(self) -> None:
        """Return when a worker lives, or another one in its place has started.

        Raises:
            ModelError: it does not start.
        """
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:  # all are at work
            return
        try:
            self._metrics.decoder_deaths.inc(worker.revive())
        finally:
            self._idle.put(worker)

    def look(self, picture: Picture, policy: Policy | None, *, least_px: float = 0, nobody: bool = False) -> Found:
        """The faces of a picture; see `Look`.

        Raises:
            ImageError: the picture cannot be used, or takes more than a picture may.
            FaceError: the policy finds no face to take.
            LimitError: no worker became free.
        """
        found = self._run(Look(picture, policy, least_px, nobody))
        assert isinstance(found, Found)
        return found

    def whole(self, picture: Picture) -> Found:
        """A picture that is an aligned face; see `Whole`."""
        found = self._run(Whole(picture))
        assert isinstance(found, Found)
        return found

    def cut(self, picture: Picture, box: tuple[float, float, float, float], side: int) -> bytes:
        """A JPEG of a face; see `Cut`."""
        cut = self._run(Cut(picture, box, side))
        assert isinstance(cut, bytes)
        return cut

    def close(self) -> None:
        """End the workers."""
        for _ in range(self.count):
            with contextlib.suppress(queue.Empty):
                self._idle.get(timeout=STOP_S).close()

    def _run(self, task: Task) -> object:
        try:
            worker = self._idle.get(timeout=TURN_S)
        except queue.Empty:
            raise LimitError("all decoders are busy; try again in a moment", code="busy") from None
        outcome = "done"
        try:
            if left(client_left()):
                outcome = "client-left"
                raise gone()
            self._metrics.decoder_deaths.inc(worker.revive())
            return worker.run(task)
        except DiedError as death:
            outcome = "died"
            self._metrics.decoder_deaths.inc()
            with contextlib.suppress(OSError):  # the next picture tries again
                worker = Worker(self._models)
            raise death.refusal(task.picture.name) from None
        except MienError as error:
            outcome = error.code
            raise
        finally:
            self._metrics.pictures.labels(outcome).inc()
            self._idle.put(worker)
