"""What is kept of people and how long: consent, its end, erasure, and what faces look like."""

from __future__ import annotations

from typing import Any

from mien.gallery.calls.undo import Undoing
from mien.gallery.people import consent, crops, erasure
from mien.gallery.people.consent import Consent, Moment


class Retaining(Undoing):
    """The calls that say how long people are kept; see `Gallery`."""

    def set_consent(
        self,
        subject: str,
        *,
        basis: str = "consent",
        scope: str = "",
        given: Moment | None = None,
        expires: Moment | None = None,
    ) -> Consent:
        """Put down on what basis somebody is kept, in place of what was stated before; it renews one that has ended.

        Args:
            subject: name, or ``#12``.
            basis: one of `mien.gallery.BASES`, or other text.
            scope: for what, in words.
            given: since when; now when left out.
            expires: from this moment on the person is never matched, and `sweep` erases; None: no end.

        Raises:
            UsageError: a text or date is not allowed.
        """
        with self._writing() as (rows, projection):
            utc = self._utc()
            stated = consent.check(basis, scope, given, expires, utc)
            consent.write(rows, projection.require(subject, str(self.path)), stated, utc)
            return stated

    def withdraw(self, subject: str) -> Consent:
        """Take somebody's consent back, stated or not: never matched from now on, and erased by `sweep`."""
        with self._writing() as (rows, projection):
            return consent.withdraw(rows, projection.require(subject, str(self.path)), self._utc())

    def keep_crops(self) -> None:
        """Keep a small picture of each face that is added from now on; whoever adds it has to give one."""
        with self._writing() as (rows, _):
            crops.keep(rows, self._utc())

    def drop_crops(self) -> int:
        """Erase the small pictures of faces, and keep none from now on. Returns how many there were."""
        with self._writing(erase=True) as (rows, _):
            return crops.drop(rows, self._utc())

    def sweep(self) -> list[dict[str, Any]]:
        """Erase everybody whose consent has expired or was withdrawn, as `forget` does; all of them or nobody.

        It runs when it is called: by `mien gallery sweep`, and by a server as often as it is told to.

        Returns:
            The receipts.
        """
        with self._reading() as (rows, _):
            if not len(self._ended_by(rows, self._utc())):
                return []
        with self._writing(erase=True) as (rows, projection):
            utc = self._utc()
            ended: list[int] = self._ended_by(rows, utc).tolist()
            return erasure.erase(rows, projection, ended, utc, "sweep") if ended else []

    def forget(self, subject: str) -> dict[str, Any]:
        """Erase a person: templates, name, pictures nobody else is in, and their traces in the file and its log.

        Not covered: copies elsewhere, backups, and what a file system or an SSD keeps of overwritten blocks.

        Returns:
            The receipt: uid, references, pictures, paths (cleared because they held the name), record, utc.

        Raises:
            StoreLockedError: the person is gone for every reader, but another process kept the log from being cut;
                `forget` of anyone, or the next opening, cuts it.
        """
        with self._writing(erase=True) as (rows, projection):
            number = projection.require(subject, str(self.path))
            (receipt,) = erasure.erase(rows, projection, [number], self._utc())
            return receipt
