"""Pictures of strangers are decoded in processes of their own, with limits; one that dies takes one request with it.

A worker opens, decodes, finds the faces and cuts them out; bytes go in, faces and crops come out. It may spend
`CPU_S` seconds of processor time on a picture and `MEMORY` bytes beyond what it takes idle.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np

from mien.cores import CORES, usable_cores
from mien.errors import ImageError, LimitError, MienError, ModelError
from mien.geometry.align import ARCFACE, align_faces
from mien.image import Limits, encode_jpeg, open_photo, thumbnail
from mien.models import Detector
from mien.pipeline import Policy, Seen, choose
from mien.pipeline.acquire import require_size
from mien.pipeline.pipeline import CROP, too_small
from mien.server.leaving import client_left, gone, left
from mien.server.metrics import Metrics
from mien.service import Models
from mien.types.arrays import Crops
from mien.types.faces import Faces

CPU_S = 10
"""Seconds of processor time for one picture."""
MEMORY = 1 << 30
"""Bytes of address space for one picture."""
ANSWER_S = 30.0
"""Seconds until a worker that says nothing is replaced."""
TURN_S = 20.0
"""Seconds that a picture waits for a worker before it is refused."""
STOP_S = 2.0
STARTS = 2
"""Processes that are started anew, one after the other, before it is told that they do not start."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a worker gives: the picture, its faces, and (n, 112, 112, 3) uint8 RGB crops when they were asked for."""

    seen: Seen
    faces: Faces
    crops: Crops | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was sent: the bytes of a file, and what the client calls it."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """Find the faces of a picture.

    Args:
        picture: where to look.
        policy: which faces to cut out; None = find all, cut out none, and none is no error.
        least_px: least height of a chosen face.
        nobody: a picture without a face is no error.
    """

    picture: Picture
    policy: Policy | None
    least_px: float = 0
    nobody: bool = False

    def work(self, detector: Detector, limits: Limits) -> Found:
        """The faces."""
        photo = open_photo(self.picture.data, name=self.picture.name, limits=limits)
        image = photo.decode(detector.side)
        found = detector.detect(image)
        if self.policy is None:
            return Found(Seen.of(photo), found, None)
        if self.nobody and not found:
            return Found(Seen.of(photo), found, np.empty((0, CROP, CROP, 3), np.uint8))
        faces = require_size(choose(found, self.policy), self.least_px)
        if too_small(faces, image):
            image = photo.decode()
        points = faces.points * np.array(image.scale, np.float32)
        return Found(Seen.of(photo), faces, align_faces(image.pixels, points))


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut a square around a face out of a picture.

    Args:
        picture: where it is.
        box: x0 y0 x1 y1 of the face in pixels of the upright full picture.
        side: of the square, in pixels.
    """

    picture: Picture
    box: tuple[float, float, float, float]
    side: int

    def work(self, detector: Detector, limits: Limits) -> bytes:
        """A JPEG."""
        del detector
        image = open_photo(self.picture.data, name=self.picture.name, limits=limits).decode()
        return encode_jpeg(thumbnail(image.pixels, self.box, size=self.side), 85)


@dataclass(frozen=True, slots=True)
class Whole:
    """Take a picture for an aligned face, the middle of it if it is not square; error rates do not hold for it.

    Args:
        picture: the face.
    """

    picture: Picture

    def work(self, detector: Detector, limits: Limits) -> Found:
        """The one face."""
        del detector
        photo = open_photo(self.picture.data, name=self.picture.name, limits=limits)
        box = (0.0, 0.0, float(photo.size[0]), float(photo.size[1]))
        image = photo.decode()
        crop = thumbnail(image.pixels, (0, 0, *image.size), size=CROP, margin=0)
        points = ARCFACE[None] * (np.array(photo.size, np.float32) / np.float32(CROP))
        faces = Faces(np.array([box], np.float32), np.zeros(1, np.float32), points, photo.size, photo.source)
        return Found(Seen.of(photo), faces, crop[None])


Task = Look | Cut | Whole


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
        self._idle: queue.Queue[_Worker] = queue.Queue()
        self.count = workers or usable_cores()
        for _ in range(self.count):
            self._idle.put(_Worker(models))

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
        except _DiedError as death:
            outcome = "died"
            self._metrics.decoder_deaths.inc()
            with contextlib.suppress(OSError):  # the next picture tries again
                worker = _Worker(self._models)
            raise death.refusal(task.picture.name) from None
        except MienError as error:
            outcome = error.code
            raise
        finally:
            self._metrics.pictures.labels(outcome).inc()
            self._idle.put(worker)


class _DiedError(Exception):
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


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")  # a fork would copy the engine's threads half
        self._pipe, theirs = context.Pipe()
        process: BaseProcess = context.Process(target=_serve, args=(theirs, self._models), daemon=True)
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
            except _DiedError as death:
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
        raise _DiedError(None)

    def _died(self) -> _DiedError:
        self._pipe.close()
        self._process.join(STOP_S)
        return _DiedError(self._process.exitcode or 0)


def _no_start(why: str) -> ModelError:
    text = f"the processes that decode pictures do not start ({why}); look for limits of memory and processes"
    return ModelError(text, code="decoder-start")


def _serve(pipe: Connection, models: Models) -> None:
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
