"""How well faces were sorted into people, and how much work it is to put it right.

Everything follows from the contingency table: how many faces of person p lie in group g. A face that stays alone (-1)
is a group of its own. References: BCubed of Bagga and Baldwin (1998) in the form of Amigo et al., Information Retrieval
12 (2009); adjusted Rand index of Hubert and Arabie (1985); normalised mutual information with the arithmetic mean of
the two entropies (Vinh, Epps and Bailey, JMLR 11, 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Numbers = NDArray[np.float64]
SIZES = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, None))
"""Group sizes, first and last, of the rows of purity by size."""


@dataclass(frozen=True, slots=True)
class Contingency:
    """Faces of each person in each group, as the cells that are not empty.

    Args:
        group_of, person_of: (n,) number of each face's group and person, from 0.
        cell_of: (n,) number of each face's cell.
        cell_group, cell_person: (c,) group and person of each cell.
        cells: (c,) faces in it.
        groups: (g,) faces in each group.
        people: (p,) faces of each person.
    """

    group_of: Ints
    person_of: Ints
    cell_of: Ints
    cell_group: Ints
    cell_person: Ints
    cells: Ints
    groups: Ints
    people: Ints


def contingency(labels: ArrayLike, people: ArrayLike) -> Contingency:
    """The table of a grouping against the truth.

    Args:
        labels: (n,) group of each face, -1 = alone.
        people: (n,) numbers or names of the true people.

    Raises:
        ValueError: columns of different length.
    """
    given = np.asarray(labels, np.int64)
    truth = np.asarray(people)
    if given.shape != truth.shape or given.ndim != 1:
        raise ValueError(f"labels and people must be columns of one length, got {given.shape} and {truth.shape}")
    alone = given < 0
    given = np.where(alone, given.max(initial=0) + np.cumsum(alone), given)
    group_of = np.unique(given, return_inverse=True)[1].astype(np.int64)
    person_of = np.unique(truth, return_inverse=True)[1].astype(np.int64)
    width = int(person_of.max(initial=0)) + 1
    cells, cell_of, counts = np.unique(group_of * width + person_of, return_inverse=True, return_counts=True)
    cell_group, cell_person = np.divmod(cells, width)
    sizes, appearances = np.bincount(group_of), np.bincount(person_of)
    return Contingency(group_of, person_of, cell_of, cell_group, cell_person, counts, sizes, appearances)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean; None where there is nothing to take the share of."""

    precision: float | None
    recall: float | None

    @property
    def f(self) -> float | None:
        """2PR / (P + R)."""
        if self.precision is None or self.recall is None:
            return None
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0

    def to_dict(self) -> dict[str, float | None]:
        """For JSON: precision, recall, f."""
        return {"precision": self.precision, "recall": self.recall, "f": self.f}


@dataclass(frozen=True, slots=True)
class Edits:
    """What a person has to do to put a grouping right, in a viewer where faces of a group can be selected together.

    Args:
        splits: for each group, one for every person in it but the one with most faces there: select that person's
            faces and take them out. In the table: cells - groups.
        merges: for each person, one for every part that the splits left but one: put it with the others. In the
            table: cells - people. A part is all that one group held of that person.
        moved: faces that the splits carry; what it costs in a viewer that moves one face at a time.
    """

    splits: int
    merges: int
    moved: int

    @property
    def total(self) -> int:
        """Operations in all: splits and merges."""
        return self.splits + self.merges

    def to_dict(self) -> dict[str, int]:
        """For JSON: splits, merges, total, moved."""
        return {"splits": self.splits, "merges": self.merges, "total": self.total, "moved": self.moved}


@dataclass(frozen=True, slots=True)
class SizeRow:
    """Groups of a range of sizes (`last` None = and more): how many, their faces, how many mix people, their purity."""

    first: int
    last: int | None
    groups: int
    faces: int
    mixed: int
    purity: float | None

    @property
    def label(self) -> str:
        """The range in words: 2, 3-5, 21+."""
        return f"{self.first}+" if self.last is None else str(self.first) + f"-{self.last}" * (self.last > self.first)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        counts = {"groups": self.groups, "faces": self.faces, "mixed": self.mixed, "purity": self.purity}
        return {"size": self.label, **counts}


@dataclass(frozen=True, slots=True)
class GroupingFigures:
    """Everything about one grouping.

    Args:
        faces: n.
        people, groups: how many there are, and were found; faces alone are groups of one.
        people_seen_twice, groups_of_several: the same without those of one face.
        mixed: groups of several faces that hold more than one person.
        largest: faces in the largest group.
        bcubed, pairwise: agreement over faces, and over pairs of faces.
        ari: adjusted Rand index.
        nmi: normalised mutual information.
        purity: share of faces that are of their group's most frequent person.
        by_size: purity by group size.
        edits: work left to do.
    """

    faces: int
    people: int
    groups: int
    people_seen_twice: int
    groups_of_several: int
    mixed: int
    largest: int
    bcubed: Agreement
    pairwise: Agreement
    ari: float | None
    nmi: float | None
    purity: float | None
    by_size: tuple[SizeRow, ...]
    edits: Edits

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        plain = ("faces", "people", "groups", "people_seen_twice", "groups_of_several", "mixed", "largest")
        return {
            **{name: getattr(self, name) for name in plain},
            "bcubed": self.bcubed.to_dict(),
            "pairwise": self.pairwise.to_dict(),
            "ari": self.ari,
            "nmi": self.nmi,
            "purity": self.purity,
            "purity_by_size": [row.to_dict() for row in self.by_size],
            "edits": self.edits.to_dict(),
        }


def grouping_figures(labels: ArrayLike, people: ArrayLike) -> GroupingFigures:
    """All figures of a grouping; arguments and errors as `contingency`."""
    table = contingency(labels, people)
    kinds = np.bincount(table.cell_group, minlength=len(table.groups))
    return GroupingFigures(
        faces=len(table.group_of),
        people=len(table.people),
        groups=len(table.groups),
        people_seen_twice=int((table.people > 1).sum()),
        groups_of_several=int((table.groups > 1).sum()),
        mixed=int((kinds > 1).sum()),
        largest=int(table.groups.max(initial=0)),
        bcubed=bcubed(table),
        pairwise=pairwise(table),
        ari=adjusted_rand(table),
        nmi=normalised_information(table),
        purity=purity(table),
        by_size=purity_by_size(table),
        edits=edits(table),
    )


def bcubed_of_faces(table: Contingency) -> tuple[Numbers, Numbers]:
    """(n,) precision and (n,) recall of each face: of its group's faces, and of its person's, the share it shares."""
    shared = table.cells[table.cell_of]
    return shared / table.groups[table.group_of], shared / table.people[table.person_of]


def bcubed(table: Contingency) -> Agreement:
    """Means over faces of BCubed precision and recall."""
    if not len(table.group_of):
        return Agreement(None, None)
    precision, recall = bcubed_of_faces(table)
    return Agreement(float(precision.mean()), float(recall.mean()))


def bcubed_interval(
    table: Contingency, *, resamples: int = 1000, seed: int = 0
) -> dict[str, tuple[float, float]] | None:
    """95 % intervals of BCubed precision, recall and F: people drawn with replacement, the grouping as it is.

    None with fewer than two people.
    """
    if len(table.people) < 2:
        return None
    sums = [np.bincount(table.person_of, weights=values) for values in bcubed_of_faces(table)]
    random = np.random.default_rng(seed)
    draws = np.empty((resamples, 3))
    for i in range(resamples):
        drawn = random.integers(0, len(table.people), len(table.people))
        p, r = (values[drawn].sum() / table.people[drawn].sum() for values in sums)
        draws[i] = p, r, 2 * p * r / (p + r)
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    names = ("precision", "recall", "f")
    return {name: (float(a), float(b)) for name, a, b in zip(names, low, high, strict=True)}


def pairwise(table: Contingency) -> Agreement:
    """Over pairs of faces: of those grouped together the share of one person, of one person's the share together."""
    shared, together, alike = (_pairs(counts) for counts in (table.cells, table.groups, table.people))
    return Agreement(shared / together if together else None, shared / alike if alike else None)


def adjusted_rand(table: Contingency) -> float | None:
    """Rand index over pairs, corrected for chance: 1 = the same, 0 = as good as random; None without faces."""
    n = len(table.group_of)
    if n < 2:
        return 1.0 if n else None
    shared, together, alike = (_pairs(counts) for counts in (table.cells, table.groups, table.people))
    expected = together * alike / (n * (n - 1) // 2)
    most = (together + alike) / 2
    return 1.0 if most == expected else (shared - expected) / (most - expected)


def normalised_information(table: Contingency) -> float | None:
    """Mutual information over the mean of the two entropies, 0..1; None without faces."""
    n = len(table.group_of)
    if not n:
        return None
    groups, people, cells = (_entropy(counts / n) for counts in (table.groups, table.people, table.cells))
    mean = (groups + people) / 2
    return max(0.0, (groups + people - cells) / mean) if mean > 0 else 1.0


def purity(table: Contingency) -> float | None:
    """Share of faces that are of their group's most frequent person; None without faces."""
    return int(_main(table).sum()) / len(table.group_of) if len(table.group_of) else None


def purity_by_size(table: Contingency) -> tuple[SizeRow, ...]:
    """Purity of the groups of each range of sizes."""
    main = _main(table)
    rows = []
    for first, last in SIZES:
        chosen = (table.groups >= first) & (table.groups <= (last or np.inf))
        faces = int(table.groups[chosen].sum())
        mixed = int((main[chosen] < table.groups[chosen]).sum())
        rows.append(
            SizeRow(first, last, int(chosen.sum()), faces, mixed, int(main[chosen].sum()) / faces if faces else None)
        )
    return tuple(rows)


def edits(table: Contingency) -> Edits:
    """The work of putting it right; see `Edits`."""
    cells = len(table.cells)
    moved = len(table.group_of) - int(_main(table).sum())
    return Edits(cells - len(table.groups), cells - len(table.people), moved)


def _main(table: Contingency) -> Ints:
    """(g,) faces of each group's most frequent person."""
    main = np.zeros(len(table.groups), np.int64)
    np.maximum.at(main, table.cell_group, table.cells)
    return main


def _pairs(counts: Ints) -> int:
    return int((counts * (counts - 1) // 2).sum())


def _entropy(shares: Numbers) -> float:
    return float(-(shares * np.log(shares)).sum())
