"""People are erased: when somebody asks for it, and when their consent has ended."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mien.errors import MienError
from mien.gallery import acting
from mien.server.answers import Answers
from mien.server.jobs import Jobs
from mien.server.metrics import Metrics
from mien.server.served import ServedGallery

FIRST_S = 60.0
"""Seconds from the start of the server to the first sweep, at most: time to stop one whose clock is wrong."""
STOP_S = 5.0
ACTOR = "server sweep"
"""Who erases, in the audit trail, when nobody asked for it."""

log = logging.getLogger("mien")


@dataclass(frozen=True, slots=True)
class Eraser:
    """Erases people from a gallery, and with them what the server remembers beside it.

    Args:
        answers: those that an idempotency key brings back.
        jobs: pictures that wait.
        metrics: told how many were swept.
    """

    answers: Answers
    jobs: Jobs
    metrics: Metrics

    def forget(self, served: ServedGallery, subject: str) -> dict[str, Any]:
        """Erase a person for good; the receipt says what was erased."""
        self.jobs.forget(served.name, subject)  # before it could be stored once more
        receipt = served.writer.forget(subject)
        self._forget_beside(served, {subject, str(receipt["subject"])})
        return receipt

    def sweep(self, served: ServedGallery) -> list[dict[str, Any]]:
        """Erase everybody whose consent has ended; the receipts."""
        store = served.writer.store
        if not store.info()["due"]:
            return []
        for person in store.subjects():
            if person.consent is not None and not person.consent.in_force:
                self.jobs.forget(served.name, person.label)
        receipts = store.sweep()
        self._forget_beside(served, [receipt["subject"] for receipt in receipts])
        self.metrics.swept.inc(len(receipts))
        return receipts

    def _forget_beside(self, served: ServedGallery, labels: Iterable[str]) -> None:
        for label in labels:
            self.answers.forget(served.name, label)
            self.jobs.forget(served.name, label)


class Sweeper:
    """A thread that sweeps all galleries now and then.

    Args:
        eraser: does it.
        galleries: where.
        every_s: seconds between two sweeps.
    """

    def __init__(self, eraser: Eraser, galleries: Iterable[ServedGallery], every_s: float) -> None:
        self._eraser = eraser
        self._galleries = tuple(galleries)
        self._every_s = every_s
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._live, name="mien-sweep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread; a sweep that is at work is finished, or not begun."""
        self._closing.set()
        self._thread.join(STOP_S)

    def sweep(self) -> None:
        """Sweep all galleries; what stands in the way of one is a warning, and tried again the next time."""
        for served in self._galleries:
            try:
                with acting(ACTOR):
                    receipts = self._eraser.sweep(served)
            except MienError as error:
                self._eraser.metrics.sweeps.labels(error.code).inc()
                log.warning("%s: not swept: %s", served.name, error)
                continue
            self._eraser.metrics.sweeps.labels("done").inc()
            if receipts:
                log.info("%s: swept, %d whose consent has ended", served.name, len(receipts))

    def _live(self) -> None:
        wait = min(FIRST_S, self._every_s)
        while not self._closing.wait(wait):
            self.sweep()
            wait = self._every_s
