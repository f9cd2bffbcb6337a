"""Searches: among all people or some of them, never among those whose consent has ended; and what was searched."""

from __future__ import annotations

import numpy as np

from mien.compare.similarity import similarity
from mien.gallery.calls.recording import Recording
from mien.gallery.index import Ids
from mien.gallery.people import consent, corrections, faces
from mien.gallery.people import where as filters
from mien.gallery.people.records import Hit, Searched
from mien.gallery.search.probes import check_probes, check_top
from mien.gallery.search.projection import Projection
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import REFERENCE, SUBJECT
from mien.gallery.store.trail import Decision
from mien.types.arrays import AnyArray, FloatArray
from mien.types.template import Precision, Templates


class Narrowing(Recording):
    """The calls that compare; see `Gallery`.

    With `audit_decisions` each of them leaves audit records, on disk before the answer is given.
    """

    _everybody: tuple[Ids, Ids, Ids] | None = None
    """Whose the references are, who may not be matched, and who that leaves."""

    def searched(self, where: str | None = None) -> Searched:
        """Who answers a search, and how many they are: a threshold for a false positive rate depends on it.

        Args:
            where: a filter such as ``site=berlin and age>=30`` (`mien.gallery.people.where`); None: everybody.

        Raises:
            UsageError: the filter cannot be read; the message names the character.
        """
        terms = None if where is None else filters.parse(where)
        with self._reading() as (rows, projection):
            found = projection.index.describe()["recall"]
            recall = None if found is None else float(found["top10"])
            among = None if terms is None else filters.select(rows, terms)
            return _count(projection, where, self._matchable(rows, projection, among), recall, among)

    def search(
        self,
        templates: Templates,
        top: int = 10,
        *,
        min_score: float | None = None,
        among: Ids | None = None,
        where: str | None = None,
        decision: Decision | None = None,
    ) -> list[list[Hit]]:
        """For each probe the subjects most alike, by their best reference; each subject once, ties by number.

        Args:
            templates: (n) probes of the gallery's model.
            top: 1..1000.
            min_score: leave out who scores less.
            among: sorted ids of the subjects that may answer; None: all.
            where: a filter that they must pass as well; see `searched`.
            decision: what the caller decides by; for the audit trail.

        Raises:
            ModelMismatchError: probes of another model or precision.
            UsageError: the filter cannot be read, or `top` is out of range.
        """
        terms = None if where is None else filters.parse(where)
        with self._reading() as (rows, _):
            faces.require_comparable(rows, templates.contract, templates.precision, str(self.path))
            if terms is not None:
                passing = filters.select(rows, terms)
                among = passing if among is None else np.intersect1d(among, passing, assume_unique=True)
            found = self._search(templates.vectors, top, min_score, templates.precision, among)
        self._audit_search(found, decision)
        return found

    def search_vectors(
        self,
        vectors: AnyArray,
        top: int = 10,
        *,
        min_score: float | None = None,
        precision: Precision = Precision.F32,
        among: Ids | None = None,
        decision: Decision | None = None,
    ) -> list[list[Hit]]:
        """`search` for bare vectors that are known to come from the gallery's model.

        Args:
            vectors: (n, d), any length but 0.
            top: 1..1000.
            min_score: leave out who scores less.
            precision: arithmetic that made them.
            among: sorted ids of the subjects that may answer; None: all.
            decision: what the caller decides by; for the audit trail.

        Raises:
            UsageError: not (n, d), not finite, zero, or `top` out of range.
        """
        found = self._search(vectors, top, min_score, precision, among)
        self._audit_search(found, decision)
        return found

    def compare(self, templates: Templates, subject: str, *, decision: Decision | None = None) -> FloatArray:
        """Scores of probes against one subject.

        Args:
            templates: (n) probes of the gallery's model.
            subject: name, or ``#12``.
            decision: what the caller decides by; for the audit trail.

        Returns:
            (n, m) float32; columns in the order of `show(subject).references`.

        Raises:
            NotFoundError: nobody is called so.
            ConflictError: the subject's consent has ended.
            ModelMismatchError: probes of another model or precision.
        """
        with self._reading() as (rows, projection):
            faces.require_comparable(rows, templates.contract, templates.precision, str(self.path))
            number = projection.require(subject, str(self.path))
            consent.require(self._ended_by(rows, self._utc()), number, subject)
            found = [rows.get(REFERENCE, row_id) for row_id in projection.references(number)]
            stored = rows.vectors(found).reshape(len(found), templates.contract.dimension)
            scores = similarity(templates.vectors, stored)
            uid = rows.get(SUBJECT, number)[1]
        self._audit_compare(scores, uid, decision)
        return scores

    def score(
        self,
        vectors: AnyArray,
        reference: int,
        *,
        precision: Precision = Precision.F32,
        decision: Decision | None = None,
    ) -> FloatArray:
        """(n,) float32 scores of bare vectors against one stored face; as `search_vectors`.

        Raises:
            NotFoundError: no such reference.
            ConflictError: the subject's consent has ended.
        """
        with self._reading() as (rows, projection):
            row = corrections.find_reference(rows, projection, reference)
            consent.require(self._ended_by(rows, self._utc()), row[1], projection.label(row[1]))
            assert rows.contract is not None
            faces.require_comparable(rows, rows.contract, precision, str(self.path))
            scores = similarity(check_probes(vectors, rows.contract.dimension), rows.vectors([row]))
            uid = rows.get(SUBJECT, row[1])[1]
        self._audit_compare(scores, uid, decision)
        return scores[:, 0]

    def _search(
        self, vectors: AnyArray, top: int, min_score: float | None, precision: Precision, among: Ids | None
    ) -> list[list[Hit]]:
        check_top(top, min_score)
        while True:
            with self._reading() as (rows, projection):
                probes = check_probes(vectors, rows.contract.dimension if rows.contract else None)
                if rows.contract is None:
                    return [[] for _ in probes]
                faces.require_comparable(rows, rows.contract, precision, str(self.path))
                lists = projection.index.search(probes, top, min_score, self._matchable(rows, projection, among))
                if projection.intact():  # else another process was changing what was searched: once more
                    self._consider_build(projection)
                    return [[Hit(projection.label(s), score, r) for s, score, r in found] for found in lists]

    def _matchable(self, rows: Rows, projection: Projection, among: Ids | None) -> Ids | None:
        """Those of `among` whose consent has not ended; None: everybody."""
        ended = self._ended_by(rows, self._utc())
        if not len(ended):
            return among
        if among is not None:
            return np.setdiff1d(among, ended, assume_unique=True)
        owners, last = projection.owners()[1], self._everybody
        if last is None or last[0] is not owners or last[1] is not ended:
            self._everybody = last = (owners, ended, np.setdiff1d(owners, ended))
        return last[2]


def _count(
    projection: Projection, where: str | None, matchable: Ids | None, recall: float | None, among: Ids | None
) -> Searched:
    owners = projection.owners()[1]
    if matchable is not None:
        owners = owners[np.isin(owners, matchable)]
    return Searched(where, among, len(np.unique(owners)), len(owners), recall)
