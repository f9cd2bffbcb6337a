"""Records of what changes nothing in a gallery: decisions about people, and work done on all of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mien.errors import StoreReadOnlyError
from mien.gallery.calls.reader import Reader
from mien.gallery.people.records import Hit
from mien.gallery.store.ledger import Act
from mien.gallery.store.schema import SUBJECT
from mien.gallery.store.trail import Decision
from mien.types.arrays import FloatArray


class Recording(Reader):
    """The calls that add to the audit trail alone; see `Gallery`."""

    def note(self, action: str, **counts: int) -> None:
        """Record work that was done on the gallery, by whoever acts now; on disk when this returns.

        Args:
            action: what was done, such as ``job-optimize``.
            counts: how many of what.
        """
        self._record([Act(self._utc(), action, None, counts)])

    def _audit_search(self, found: Sequence[Sequence[Hit]], decision: Decision | None) -> None:
        if not self._audit_decisions:
            return
        matched: Counter[str] = Counter()
        if decision is not None:
            matched.update(hit.subject for hits in found for hit in hits if hit.score >= decision.threshold)
        with self._reading() as (rows, projection):
            ids = {projection.find(label): count for label, count in matched.items()}
            uids = {rows.get(SUBJECT, number)[1]: count for number, count in ids.items() if number is not None}
        self._audit("search" if decision is None else "identify", len(found), uids, decision)

    def _audit_compare(self, scores: FloatArray, uid: str, decision: Decision | None) -> None:
        if self._audit_decisions:
            matches = 0 if decision is None else int((scores >= decision.threshold).any(axis=1).sum())
            self._audit("compare" if decision is None else "verify", len(scores), {uid: matches}, decision)

    def _audit(self, action: str, probes: int, matched: Mapping[str, int], decision: Decision | None) -> None:
        """A record for each person concerned, or one when there is nobody."""
        utc = self._utc()
        concerned: list[tuple[str | None, int]] = [*matched.items()] or [(None, 0)]
        counts = [(uid, {"probes": probes, **_matches(count, decision)}) for uid, count in concerned]
        self._record([Act(utc, action, uid, counted, decision) for uid, counted in counts])

    def _record(self, acts: Sequence[Act]) -> None:
        with self._guarded():
            database = self._opened().database
            if self._read_only or database.read_only:
                raise StoreReadOnlyError(f"{self.path} is open for reading only", source=str(self.path))
            if self._writes:  # part of the change that is under way
                with self._writing(names=False) as (rows, _):
                    for act in acts:
                        act.write(rows)
                return
            sound = not database.had_log
        self._ledger.write(acts, sound=sound)


def _matches(count: int, decision: Decision | None) -> dict[str, int]:
    return {} if decision is None else {"matches": count}
