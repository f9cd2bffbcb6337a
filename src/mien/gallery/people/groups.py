"""Grouping and a gallery: what the grouping is told, and how its answer is taken over; what people said stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from mien.errors import NotFoundError, UsageError
from mien.gallery.index import Ids
from mien.gallery.people import consent, settled
from mien.gallery.people.corrections import drop_if_empty, pairs
from mien.gallery.people.faces import put_subject
from mien.gallery.people.records import GroupedFaces
from mien.gallery.search.projection import Projection
from mien.gallery.store.rows import Rows
from mien.gallery.store.schema import REFERENCE


def columns(rows: Rows, projection: Projection, ended: Ids, rule: str | None = None) -> GroupedFaces:
    """All references as columns, but those of whoever may not be matched; `rule` says which earlier grouping counts."""
    dimension = rows.contract.dimension if rows.contract else 0
    ids, subjects = projection.owners()
    vectors = np.empty((len(ids), dimension), np.float32)
    pictures, pinned = np.zeros(len(ids), np.int64), np.zeros(len(ids), np.bool_)
    scores = np.empty(len(ids), np.float32)
    for place, row in enumerate(rows.scan(REFERENCE)):
        vectors[place] = rows.vectors([row])[0]
        pictures[place], scores[place], pinned[place] = row[2] or 0, row[4], bool(row[5])
    apart = frozenset(pairs(rows))
    named = np.isin(subjects, list(projection.named()))
    stated = [s for pair in apart for s in pair] + sorted(consent.subjects(rows))
    said = np.unique(np.concatenate([subjects[named], subjects[pinned], stated]))
    kept = np.isin(subjects, said)
    done = np.zeros(len(ids), np.bool_) if rule is None else settled.read(rows, rule, ids, subjects, pinned)
    found = GroupedFaces(ids.copy(), subjects.copy(), named, kept, pictures, vectors, apart, scores, done)
    return found.only(~np.isin(subjects, ended)) if len(ended) else found


def assign(
    rows: Rows,
    projection: Projection,
    groups: Sequence[Sequence[int]],
    utc: str,
    rule: str | None = None,
    ended: Ids = consent.NOBODY,
) -> int:
    """Make each group one subject, as far as what people said allows.

    A subject is *kept* when it has a name, a correction, a separation or a consent; its references stay. The others of
    a group join its kept subject if there is exactly one, apart from a face whose picture shows that subject already.
    Otherwise they become one subject without a name, under the number that most of them have had. References of
    whoever may not be matched (`ended`) are left as they are. With a `rule` it is remembered that all have been
    settled by it, unless somebody was left out.
    """
    known = _Known(rows, projection, set(ended.tolist()))
    wanted: dict[int, int | None] = {}  # reference: kept subject, or None for one without a name
    loose: list[list[int]] = []
    for group in known.checked(groups):
        kept = {known.owner[r] for r in group} & known.kept
        free = [r for r in group if known.owner[r] not in known.kept]
        target = kept.pop() if len(kept) == 1 else None
        stay = []
        for reference in free:
            if target is not None and known.joins(reference, target):
                wanted[reference] = target
            else:
                stay.append(reference)
        if stay:
            loose.append(stay)
    for numbered in _number(loose, known):
        wanted.update(numbered)
    count = _apply(rows, known, loose, wanted, utc)
    if rule is not None and not len(ended):
        settled.write(rows, rule, *known.after(wanted))
    return count


class _Known:
    """Owners, pictures and what is kept, by id."""

    def __init__(self, rows: Rows, projection: Projection, ended: set[int]) -> None:
        ids, subjects = projection.owners()
        self._ended = ended
        self.owner = dict(zip(ids.tolist(), subjects.tolist(), strict=True))
        self.picture: dict[int, int] = {}
        self._pinned: set[int] = set()
        self.kept = set(projection.named()) | {subject for pair in pairs(rows) for subject in pair}
        self.kept |= consent.subjects(rows)
        for row in rows.scan(REFERENCE):
            if row[2] is not None:
                self.picture[row[0]] = row[2]
            if row[5]:
                self.kept.add(row[1])
                self._pinned.add(row[0])
        self._shown = {(self.owner[r], p) for r, p in self.picture.items() if self.owner[r] in self.kept}
        self.path = str(rows.database.path)

    def checked(self, groups: Sequence[Sequence[int]]) -> list[list[int]]:
        """The groups as lists of ids that are there, each once, without those of people who may not be matched."""
        plain = [[int(reference) for reference in group] for group in groups]
        seen = [reference for group in plain for reference in group]
        if len(set(seen)) != len(seen):
            raise UsageError("a reference stands in two groups")
        missing = next((reference for reference in seen if reference not in self.owner), None)
        if missing is not None:
            raise NotFoundError(f"{self.path} has no reference {missing}; it changed since, group again")
        return [[reference for reference in group if self.owner[reference] not in self._ended] for group in plain]

    def joins(self, reference: int, subject: int) -> bool:
        """Whether a reference may join a kept subject; two faces of one picture are two people."""
        spot = (subject, self.picture.get(reference, 0))
        if spot[1] and spot in self._shown:
            return False
        self._shown.add(spot)
        return True

    def after(self, wanted: Mapping[int, int | None]) -> tuple[Ids, Ids, NDArray[np.bool_]]:
        """(n,) ids, subjects and pins once `wanted` is done."""
        ids = list(self.owner)
        subjects = [wanted.get(r) or owner for r, owner in self.owner.items()]
        return np.array(ids, np.int64), np.array(subjects, np.int64), np.array([r in self._pinned for r in ids], bool)


def _number(loose: Sequence[Sequence[int]], known: _Known) -> list[dict[int, int | None]]:
    """For each group of free references the subject that they become; None for a new one.

    Each subject goes to the group that holds most of its references, each group takes its best subject.
    """
    counts = Counter((known.owner[r], g) for g, group in enumerate(loose) for r in group)
    taken: dict[int, int] = {}  # group: subject
    used: set[int] = set()
    for (subject, group), _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        if group not in taken and subject not in used:
            taken[group] = subject
            used.add(subject)
    return [dict.fromkeys(group, taken.get(g)) for g, group in enumerate(loose)]


def _apply(rows: Rows, known: _Known, loose: Sequence[Sequence[int]], wanted: dict[int, int | None], utc: str) -> int:
    for group in loose:
        if wanted[group[0]] is None:
            wanted.update(dict.fromkeys(group, put_subject(rows, None, utc)))
    changed = [(r, s) for r, s in wanted.items() if s is not None and s != known.owner[r]]
    for reference, subject in changed:
        rows.update(REFERENCE, rows.get(REFERENCE, reference), subject=subject)
    for subject in sorted({known.owner[reference] for reference, _ in changed}):
        drop_if_empty(rows, subject)
    if changed:
        rows.record(utc, "group", references=len(changed))
        rows.advance(appended=False)
    return len(changed)
