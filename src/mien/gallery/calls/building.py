"""Makes the search file of a gallery: at once when asked to, in the background when a process stays."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.errors import MienError, UsageError
from mien.gallery.calls.session import Session
from mien.gallery.index import Index, State, choose_backend, indexes
from mien.gallery.search.draft import begin_draft, discard, write_file
from mien.gallery.search.file import LEAST, Facts, search_path
from mien.gallery.search.projection import Projection
from mien.gallery.store.database import os_error, sync_folder

STRAY_SHARE = 0.1
"""A file that lacks more than this, or holds more than this in vain, is worth a new one."""
STAYS_S = 5.0
"""A process that searches this long after opening is taken for one that stays."""

log = logging.getLogger("mien")


class Building(Session):
    """The calls that make searching start faster; see `Gallery`."""

    _opened_at = 0.0
    _thread: threading.Thread | None = None
    _stop: threading.Event | None = None
    _draft: Path | None = None

    def optimize(self, index: str | None = None, *, stopped: Callable[[], bool] = lambda: False) -> dict[str, Any]:
        """Write the search file anew, so that the next opening reads no rows and searches run at their best.

        Args:
            index: backend to use from now on; None for the one in use, or that for this many references.
            stopped: asked now and then; when it says so, the work ends and the file stays as it was.

        Returns:
            backend, references, seconds, bytes, recall (top-10, None when not measured).

        Raises:
            UsageError: in a batch, stopped, or the gallery holds no reference.
            StoreError: the file cannot be written.
        """
        if index is not None:
            indexes[index]  # an unknown name is told before the work
        try:
            receipt = self._build(index, stopped)
        except OSError as error:
            if isinstance(error, MienError):
                raise
            raise os_error(error, search_path(self.path)) from error
        if receipt is None:
            raise UsageError(f"{self.path} holds no reference, or was changed meanwhile; try again")
        return receipt

    def optimize_if_due(self, stopped: Callable[[], bool] = lambda: False) -> dict[str, Any] | None:
        """`optimize` when much was added since; what stands in its way is a warning and not an error."""
        with self._reading() as (_, projection):
            if self._read_only or not due(projection):
                return None
        return self._try_build(stopped)

    def close(self) -> None:
        """Release the file; the next call opens it again. An unfinished search file is given up."""
        if self._stop is not None:
            self._stop.set()
        draft, self._draft, self._thread, self._opened_at = self._draft, None, None, 0.0
        if draft is not None:
            with contextlib.suppress(OSError):  # where open files cannot be removed, the thread does it
                discard(draft)
        super().close()

    def _consider_build(self, projection: Projection) -> None:
        """After a search: begin a new search file in the background, if it is due and this process stays."""
        now = time.monotonic()
        self._opened_at = self._opened_at or now
        if self._thread is None and now - self._opened_at > STAYS_S and due(projection) and self._may_build():
            self._stop = stop = threading.Event()
            self._thread = threading.Thread(target=self._try_build, args=(stop.is_set,), name="mien-build")
            self._thread.start()

    def _may_build(self) -> bool:
        return not (self._read_only or self._writes or self._rows is None or self._rows.database.read_only)

    def _try_build(self, stopped: Callable[[], bool]) -> dict[str, Any] | None:
        receipt = None
        try:
            receipt = self._build(None, stopped)
        except (MienError, OSError, MemoryError) as error:
            log.warning("%s: no search file was written, searching stays as it is: %s", self.path, error)
        if receipt is not None and not stopped():
            self._thread = None  # after a failure it stays, so that this process does not try again
        return receipt

    def _build(self, asked: str | None, stopped: Callable[[], bool]) -> dict[str, Any] | None:
        begun = time.perf_counter()
        if self._writes:
            raise UsageError(f"{self.path} is being changed: finish the batch first")
        draft, file = begin_draft(self.path)
        self._draft = draft
        try:
            with file:
                with self._reading() as (_, projection):
                    facts, state = self._snapshot(projection, asked)
                if not facts.rows or stopped():
                    return None
                index = _made(facts.backend, state)
                del state
                if not write_file(file, facts, index.state(), stopped) or not self._publish(draft, facts, stopped):
                    return None
            return _receipt(index, time.perf_counter() - begun, search_path(self.path).stat().st_size)
        finally:
            self._draft = None
            discard(draft)

    def _snapshot(self, projection: Projection, asked: str | None) -> tuple[Facts, State]:
        kept = projection.backend if projection.file and projection.file.facts.asked else None
        wanted = asked or self._backend or kept
        facts = replace(projection.facts(), backend=wanted or choose_backend(len(projection.index)))
        return replace(facts, asked=wanted is not None), projection.index.state()

    def _publish(self, draft: Path, facts: Facts, stopped: Callable[[], bool]) -> bool:
        """Put the draft in place, unless the gallery did more than grow meanwhile."""
        with self._guarded():
            if stopped():
                return False
            rows = self._opened()
            with rows.database.changing():  # who holds the right to write keeps the epoch as it is
                if rows.revision()[1] != facts.epoch:
                    return False
                try:
                    os.replace(draft, search_path(self.path))
                except FileNotFoundError:  # somebody was erased by another process
                    return False
            sync_folder(self.path.resolve().parent)
            self._projection = None  # the next call opens the file
            return True


def due(projection: Projection) -> bool:
    """Whether a new search file pays."""
    count = len(projection.index)
    return count >= LEAST and (projection.file is None or projection.stray > STRAY_SHARE * count)


def _made(backend: str, state: State) -> Index:
    """An index in its best form of what another one held; vectors are shared with it, not copied."""
    columns = {name: state[name] for name in ("references", "subjects", "vectors")}
    return indexes[backend].restore(columns).rebuilt()


def _receipt(index: Index, seconds: float, size: int) -> dict[str, Any]:
    facts = index.describe()
    return {
        "backend": facts["backend"],
        "references": len(index),
        "seconds": round(seconds, 3),
        "bytes": size,
        "recall": facts["recall"],
    }
