"""Why somebody may be kept, for what and until when; and who may not be matched any more."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeAlias, cast

import numpy as np

from mien.errors import ConflictError, UsageError
from mien.gallery.index import Ids
from mien.gallery.store.names import check_text
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import CONSENT, SUBJECT

Moment: TypeAlias = str | date
"""A date, which stands for its first instant in UTC, or a date with a time; without a zone it is UTC."""
BASES = ("consent", "contract", "legal-obligation", "vital-interest", "public-task", "legitimate-interest")
"""What Art. 6 GDPR calls them; others are allowed, for laws that have others."""
MAX_BASIS = 100
MAX_SCOPE = 1000
NEVER = "9999-12-31T23:59:59Z"
NOBODY: Ids = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Consent:
    """On what basis somebody is kept.

    Args:
        basis: one of `BASES`, or other text; None for somebody who objected before any was stated.
        scope: for what, in words; may be empty.
        given: since when, UTC.
        expires: from then on the person is not matched, UTC; None: no end.
        withdrawn: when it was taken back, UTC.
        in_force: whether the person may be matched at the time of the question.
    """

    basis: str | None
    scope: str = ""
    given: str | None = None
    expires: str | None = None
    withdrawn: str | None = None
    in_force: bool = True

    @property
    def end(self) -> str:
        """From when on the person may not be matched; empty when it was withdrawn: whatever the clock says."""
        return "" if self.withdrawn is not None else self.expires or NEVER

    def at(self, utc: str) -> Consent:
        """The same, as it is at a time."""
        return replace(self, in_force=self.end > utc)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "basis": self.basis,
            "scope": self.scope,
            "given": self.given,
            "expires": self.expires,
            "withdrawn": self.withdrawn,
            "in_force": self.in_force,
        }


def check(basis: str, scope: str, given: Moment | None, expires: Moment | None, utc: str) -> Consent:
    """A consent as it is stored.

    Raises:
        UsageError: ``text`` or ``consent-date``; it must begin before now and end after it.
    """
    since = utc if given is None else instant(given)
    until = None if expires is None else instant(expires)
    if since > utc:
        raise UsageError(f"given {given}: that is still to come", code="consent-date")
    if until is not None and until <= utc:
        raise UsageError(f"expires {expires}: that is over; to end it now, withdraw it", code="consent-date")
    kind = check_text("basis", basis, MAX_BASIS)
    return Consent(kind, check_text("scope", scope, MAX_SCOPE, blank=True), since, until)


def instant(moment: Moment) -> str:
    """A moment as it is stored: UTC, to the second.

    Example:
        >>> instant("2027-01-01")
        '2027-01-01T00:00:00Z'
    """
    try:
        found = datetime.fromisoformat(moment if isinstance(moment, str) else moment.isoformat())
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"'{moment!s:.40}' is no date: write 2027-01-01 or 2027-01-01T12:00:00+01:00", code="consent-date"
        ) from error
    return found.isoformat(timespec="seconds").replace("+00:00", "Z")


def of_row(row: Row) -> Consent:
    """What a row says; the consent's own idea of now is the beginning of time."""
    return Consent(*row[2:7])


def read(rows: Rows, subject: int, utc: str) -> Consent | None:
    """The consent of one subject at a time."""
    row = _row(rows, subject)
    return None if row is None else of_row(row).at(utc)


def read_all(rows: Rows, utc: str) -> dict[int, Consent]:
    """Those of everybody at a time, by subject id."""
    return {row[1]: of_row(row).at(utc) for row in rows.scan(CONSENT)}


def write(rows: Rows, subject: int, consent: Consent, utc: str) -> None:
    """Put a checked consent in place of the one there."""
    facts = (consent.basis, consent.scope, consent.given, consent.expires, consent.withdrawn)
    row = _row(rows, subject)
    if row is not None:
        if row[2:7] == facts:
            return
        rows.delete(CONSENT, row)
    rows.insert(CONSENT, subject, *facts, utc)
    action = "consent" if consent.withdrawn is None else "withdraw"
    rows.record(utc, action, rows.get(SUBJECT, subject)[1], consents=1)
    rows.advance(appended=True)


def withdraw(rows: Rows, subject: int, utc: str) -> Consent:
    """Take the consent back; who had none objects. Doing it twice keeps the first time."""
    held = read(rows, subject, utc) or Consent(None)
    if held.withdrawn is None:
        held = replace(held, withdrawn=utc).at(utc)
        write(rows, subject, held, utc)
    return held


def inherit(rows: Rows, old: int, new: int) -> None:
    """Give a subject the consent of another that is the same person; of two, the one that ends first holds."""
    row, own = _row(rows, old), _row(rows, new)
    if row is None or (own is not None and of_row(own).end <= of_row(row).end):
        return
    if own is not None:
        rows.delete(CONSENT, own)
    rows.update(CONSENT, row, subject=new)


def delete(rows: Rows, subject: int) -> None:
    """Delete the consent of a subject."""
    row = _row(rows, subject)
    if row is not None:
        rows.delete(CONSENT, row)


def subjects(rows: Rows) -> set[int]:
    """Ids of the subjects about whom something was stated."""
    return {row[1] for row in rows.scan(CONSENT)}


def _row(rows: Rows, subject: int) -> Row | None:
    if not rows.has(CONSENT):
        return None
    found = rows.database.connection.execute("SELECT id FROM consent WHERE subject = ?", (subject,)).fetchone()
    return None if found is None else rows.get(CONSENT, cast(int, found[0]))


class Ended:
    """Who may not be matched, kept in memory in order of time: a question costs a look at the table's tally.

    All rows are read and verified when that tally has changed, so nothing depends on a look-up tree of the file.
    """

    def __init__(self) -> None:
        self._tally: tuple[int, int] | None = None
        self._times: list[str] = []
        self._subjects = NOBODY
        self._ids = NOBODY

    def at(self, rows: Rows, utc: str) -> Ids:
        """Sorted ids of the subjects whose consent has ended by then; the same array while they are the same."""
        if not rows.has(CONSENT):
            return NOBODY
        tally = rows.tally(CONSENT.name)
        if tally != self._tally:
            ends = sorted((of_row(row).end, row[1]) for row in rows.scan(CONSENT) if of_row(row).end != NEVER)
            self._times = [end for end, _ in ends]
            self._subjects = np.array([subject for _, subject in ends], np.int64)
            self._ids, self._tally = NOBODY, tally
        count = bisect_right(self._times, utc)
        if count != len(self._ids):
            self._ids = np.sort(self._subjects[:count])
        return self._ids


def require(ended: Ids, subject: int, label: str) -> None:
    """Raise ConflictError (``consent-ended``) for somebody who may not be matched, nor added to."""
    place = int(np.searchsorted(ended, subject))
    if place < len(ended) and ended[place] == subject:
        raise ConflictError(
            f"the consent of '{label}' has ended: renew it with `mien gallery consent`, or erase with "
            "`mien gallery sweep`",
            code="consent-ended",
            source=label,
        )
