"""What the routes share: settings, keys, galleries, engine, counters, remembered answers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mien.cores import usable_cores
from mien.errors import NotFoundError
from mien.gallery.calls.session import Clock, utc_now
from mien.models import load_embedder
from mien.runtime import quiet_libraries
from mien.server.answers import Answers
from mien.server.batching import Batcher
from mien.server.decoding import Decoders
from mien.server.engine import Engine
from mien.server.erasing import Eraser, Sweeper
from mien.server.jobs import Jobs
from mien.server.keys import KeyStore
from mien.server.metrics import Metrics
from mien.server.reports import Reports
from mien.server.served import ServedGallery
from mien.server.settings import Settings
from mien.service import LocalGallery, Models, open_gallery


@dataclass(frozen=True, slots=True)
class Context:
    """One running server.

    Args:
        settings: what it serves.
        keys: who may use it.
        answers: those that an idempotency key brings back.
        galleries: by name.
        jobs: what is done in the background.
        reports: evaluations that are shown.
        engine: of the default models, for calls that need no gallery.
        metrics: what is counted.
        clock: gives the time, in UTC.
        started: when, in seconds of the monotonic clock.
    """

    settings: Settings
    keys: KeyStore
    answers: Answers
    galleries: Mapping[str, ServedGallery]
    jobs: Jobs
    reports: Reports
    engine: Engine
    metrics: Metrics
    clock: Clock
    started: float = field(default_factory=time.monotonic)
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, repr=False)

    def gallery(self, name: str) -> ServedGallery:
        """A gallery by its name.

        Raises:
            NotFoundError: none is called so.
        """
        if name not in self.galleries:
            raise NotFoundError(f"no gallery '{name:.64}' is served here", code="no-gallery", source=name)
        return self.galleries[name]

    @property
    def eraser(self) -> Eraser:
        """What erases people, here and in the galleries."""
        return Eraser(self.answers, self.jobs, self.metrics)

    def close(self) -> None:
        """End the workers and close the files."""
        self._open.close()


def open_context(settings: Settings, *, clock: Clock = utc_now) -> Context:
    """Open the galleries, which are made if they are not there, load the models and start the decoders.

    Raises:
        MienError: whatever stands in the way, before anything is served.
    """
    with contextlib.ExitStack() as stack:
        # NumPy's threads go on spinning for tens of milliseconds after a search, on cores that decoders have use for.
        stack.enter_context(quiet_libraries())
        metrics = Metrics()
        decoders = Decoders(settings.models, metrics, workers=settings.workers)
        stack.callback(decoders.close)
        keys = KeyStore(settings.state, clock)
        stack.callback(keys.close)
        answers = Answers(settings.state, settings.limits.keep_answers_s, clock)
        stack.callback(answers.close)
        engines = _Engines(decoders, metrics, stack)
        opened: dict[str, ServedGallery] = {}
        for name, path in settings.galleries.items():
            reader, writer = (open_gallery(path, models=settings.models, audit_decisions=True) for _ in range(2))
            stack.callback(writer.close)
            stack.callback(reader.close)
            if settings.keep_crops:
                writer.store.keep_crops()
            opened[name] = ServedGallery(name, reader, writer, engines.engine(reader))
        default = engines.of(settings.models)
        decoders.wait_ready()
        reports = Reports(settings.reports, clock)
        jobs = Jobs(settings, opened, clock)
        stack.callback(jobs.close)
        if settings.sweep_s is not None:
            sweeper = Sweeper(Eraser(answers, jobs, metrics), opened.values(), settings.sweep_s)
            stack.callback(sweeper.close)
        return Context(settings, keys, answers, opened, jobs, reports, default, metrics, clock, _open=stack.pop_all())


@dataclass(frozen=True, slots=True)
class _Engines:
    """Galleries of one embedder share it."""

    decoders: Decoders
    metrics: Metrics
    stack: contextlib.ExitStack
    made: dict[str, Engine] = field(default_factory=dict)

    def engine(self, gallery: LocalGallery) -> Engine:
        """The engine of a gallery's own models."""
        return self.of(gallery.models)

    def of(self, models: Models) -> Engine:
        """The engine of these models."""
        name = models.embedder_card.name
        if name not in self.made:
            # As for many pictures: many requests share the cores, which decoders have use for, too.
            embedder = load_embedder(name, replace(models.settings, threads="throughput"))
            batcher = Batcher(embedder, self.metrics, calls=max(1, usable_cores() // 2))
            self.stack.callback(batcher.close)
            self.made[name] = Engine(self.decoders, batcher, models)
        return self.made[name]
