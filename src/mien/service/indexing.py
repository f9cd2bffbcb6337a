"""Pictures of a folder on their way into a gallery."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mien.errors import ConflictError, NotFoundError, UsageError
from mien.gallery import Gallery, PictureRecord
from mien.image import Photo
from mien.pipeline import Acquired, Outcome, Seen
from mien.types.outcome import Failure

COMMIT_S = 1.0
"""An index run acknowledges at least this often; a group commit costs one fsync, whatever is in it."""


@dataclass(slots=True)
class Intake:
    """What one run brings into a gallery.

    Args:
        store: the gallery.
        by_folder: the folder that a picture lies in names the person in it.
        failures: pictures that could not be used.
        new: pictures that were added.
        skipped: pictures whose content was there already.
        faces: of the new pictures.
    """

    store: Gallery
    by_folder: bool
    failures: list[Failure]
    new: int = 0
    skipped: int = 0
    faces: int = 0
    _refused: dict[str, Failure] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """How many pictures were dealt with."""
        return self.new + self.skipped + len(self.failures)

    def skip(self, seen: Seen) -> bool:
        """Whether a picture is not to be looked at: it is known, or its person may not be added to."""
        if self.store.knows(seen.sha256):
            return True
        refusal = self._refusal(seen)
        if refusal is not None:
            self._refused[seen.source] = refusal
        return refusal is not None

    def keep(self, outcomes: Iterable[Outcome]) -> None:
        """Store what was found as one change."""
        with self.store.batch():
            for outcome in outcomes:
                self._keep(outcome)

    def _keep(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            self.failures.append(outcome)
        elif outcome.source in self._refused:
            self.failures.append(self._refused.pop(outcome.source))
        elif not isinstance(outcome, Acquired) or self.store.knows(outcome.sha256):
            self.skipped += 1
        elif refusal := self._refusal(outcome):  # the consent has ended meanwhile
            self.failures.append(refusal)
        else:
            found = self.store.add_picture(record_of(outcome), outcome.templates, subject=self._subject(outcome))
            self.faces += len(found)
            self.new += 1

    def _subject(self, seen: Seen) -> str | None:
        return Path(seen.source).parent.name if self.by_folder else None

    def _refusal(self, seen: Seen) -> Failure | None:
        subject = self._subject(seen)
        return None if subject is None else refusal_of(self.store, subject, seen.source)


def refusal_of(store: Gallery, subject: str, picture: str) -> Failure | None:
    """Why a picture may not be added to a subject: its name is not allowed, or its consent has ended."""
    try:
        store.require_addable(subject)
    except (UsageError, NotFoundError, ConflictError) as error:
        return Failure(picture, error.code, f"{picture}: {error.message}")
    return None


def record_of(photo: Photo | Acquired) -> PictureRecord:
    """A picture as a gallery keeps it."""
    return PictureRecord(photo.sha256, photo.source, photo.size)


def timed_batches(outcomes: Iterable[Outcome]) -> Iterator[list[Outcome]]:
    """What has come in `COMMIT_S` seconds, as one batch to commit."""
    batch: list[Outcome] = []
    began = time.monotonic()
    for outcome in outcomes:
        batch.append(outcome)
        if time.monotonic() - began >= COMMIT_S:
            yield batch
            batch, began = [], time.monotonic()
    if batch:
        yield batch
