"""Keeps the search file beside a gallery in step with it, whatever happens to either."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path

from mien.errors import NotFoundError, StoreError
from mien.gallery.index import indexes
from mien.gallery.search.draft import destroy_drafts, discard
from mien.gallery.search.file import Facts, SearchFile, UnusableError, search_path
from mien.gallery.search.lookup import Lookup
from mien.gallery.search.patch import Patch, restamp
from mien.gallery.search.projection import Projection
from mien.gallery.store.changes import Change, TrackedRows

log = logging.getLogger("mien")


class Upkeep:
    """The search file of one gallery, as this process uses it.

    Args:
        gallery: the gallery file.
        backend: the only index that will do; None for that of the file, or an exact one without.
        read_only: never write.
    """

    def __init__(self, gallery: Path, backend: str | None, *, read_only: bool) -> None:
        self._gallery = gallery
        self._path = search_path(gallery)
        self._backend = backend
        self._read_only = read_only
        self._warned = False

    def project(self, rows: TrackedRows, lookup: Lookup) -> Projection:
        """The gallery in memory: from the search file if there is one of this state, else from all its rows."""
        try:
            file = SearchFile(self._path, lambda facts: self._require(rows, facts))
            return Projection(rows, lookup, file.facts.backend, file)
        except UnusableError as error:
            reason, keep = error.reason, error.keep
        found = Projection(rows, lookup, self._backend or "flat")
        if reason:
            self._warn(f"not used, because {reason}; searching is slower to start")
        if not (keep or self._read_only or rows.database.read_only):
            with contextlib.suppress(OSError):
                discard(self._path)
        return found

    def _require(self, rows: TrackedRows, facts: Facts) -> None:
        """Raise UnusableError unless only appended rows are missing from a file with these facts."""
        if self._backend not in (None, facts.backend):
            raise UnusableError(keep=True)
        try:
            indexes[facts.backend]
        except NotFoundError as error:
            raise UnusableError(error.message, keep=True) from error
        revision, epoch = rows.revision()
        epoch -= rows.epochs  # before this transaction, whose changes the index repeats
        contract = rows.contract.digest if rows.contract else ""
        if facts.uid != rows.database.uid.hex() or facts.contract != contract:
            raise UnusableError("it belongs to another gallery or model", keep=True)
        if facts.epoch > epoch or facts.revision > revision:
            raise UnusableError(keep=True)  # another process was faster, or an older copy of the gallery was put back
        if facts.epoch < epoch:
            raise UnusableError("the gallery was changed without it")

    def begin(self, rows: TrackedRows, *, erasing: bool) -> Patch | None:
        """Before a commit that does more than append: mark the file as being changed; None when there is none.

        Raises:
            StoreError: what is to be erased stands in a file that cannot be changed or removed.
        """
        try:
            if not rows.rewritten:
                return Patch(self._gallery, rows.database.uid.hex(), rows.revision()[1] - rows.epochs)
        except (UnusableError, OSError) as error:
            if isinstance(error, UnusableError) and not error.reason:
                return None
        self._remove(must=erasing)
        return None

    def finish(self, patch: Patch, changes: Sequence[Change], projection: Projection, *, erasing: bool) -> None:
        """After the commit: bring the file to the new state of the gallery.

        Raises:
            StoreError: what was to be erased stands in it still.
        """
        try:
            patch.finish(changes, revision=projection.revision, epoch=projection.epoch, uncut=erasing)
            if projection.file is not None:
                projection.file.renew()
        except (UnusableError, OSError) as error:
            self._warn(f"removed, because {error}")
            self._remove(must=erasing)

    def cut(self, uid: str, projection: Projection) -> None:
        """The log was emptied too: the next opening need not look at it."""
        with contextlib.suppress(UnusableError, OSError):  # then it looks once more
            restamp(self._gallery, uid, projection.epoch, uncut=False)
            if projection.file is not None:
                projection.file.renew()

    def remove_drafts(self) -> None:
        """Remove what anybody began to write before the commit.

        Raises:
            StoreError: it is still there.
        """
        try:
            destroy_drafts(self._gallery)
        except OSError as error:
            raise self._left(error) from error

    def _remove(self, *, must: bool) -> None:
        try:
            discard(self._path)
        except OSError as error:
            if must:
                raise self._left(error) from error
            self._warn(f"left behind, because {error}")

    def _left(self, error: OSError) -> StoreError:
        return StoreError(
            f"{self._path} may hold what is to be erased, and cannot be changed ({error.strerror}): remove it, repeat",
            code="search-file-left",
            source=str(self._gallery),
        )

    def _warn(self, what: str) -> None:
        if not self._warned:
            log.warning("%s: %s", self._path, what)
            self._warned = True
