"""What a person should be asked: the faces whose place is least sure, most telling question first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mien.gallery import Gallery
from mien.gallery.people.records import GroupedFaces
from mien.service.engine import Models
from mien.service.group import grouping_rule
from mien.types.arrays import FloatArray

CONSIDERED = 20_000
"""Largest people that are compared with each other; the number of pairs grows with its square."""
BLOCK = 1024
SHOWN = 3
"""Faces that stand for one side of a question."""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether two sides are the same person.

    Args:
        kind: ``join`` = two people who may be one; ``keep`` = one face that may not belong to the others.
        first, second: subject ids; the same one for ``keep``.
        faces: references that stand for each side; for ``keep`` the first side is the face in doubt.
        score: average cosine between the sides.
    """

    kind: Literal["join", "keep"]
    first: int
    second: int
    faces: tuple[tuple[int, ...], tuple[int, ...]]
    score: float


@dataclass(frozen=True, slots=True)
class Questions:
    """The least sure ones, and what decides.

    Args:
        questions: nearest to the cut first.
        cut: average cosine from which on grouping joins.
        people: how many people there are.
        considered: how many of them, the largest ones, were compared.
    """

    questions: tuple[Question, ...]
    cut: float
    people: int
    considered: int


def find_questions(gallery: Gallery, models: Models, limit: int = 30) -> Questions:
    """The questions whose answers tell most.

    What was answered does not come again: an answer puts two together, or apart for good, or pins a face.

    Args:
        gallery: faces of `models`' embedder.
        models: whose grouping rule decides.
        limit: how many.

    Raises:
        UsageError: the embedder has no measured grouping rule.
    """
    return questions_of(gallery.grouped(), grouping_rule(models).cut, limit, _pinned(gallery))


def _pinned(gallery: Gallery) -> frozenset[int]:
    return frozenset(reference.id for reference in gallery.references() if reference.pinned)


def questions_of(
    stored: GroupedFaces, cut: float, limit: int, pinned: frozenset[int] = frozenset(), *, block: int = BLOCK
) -> Questions:
    """The questions about faces that were read already; see `find_questions`.

    Args:
        stored: all faces.
        cut: average cosine from which on grouping joins.
        limit: how many.
        pinned: references of which somebody said whose they are.
        block: people compared at once.
    """
    people = _People(stored)
    found = [*_joins(people, stored, cut, limit, block), *_keeps(people, stored, cut, limit, pinned)]
    found.sort(key=lambda question: (abs(question.score - cut), question.first, question.second))
    return Questions(tuple(found[:limit]), cut, people.count, len(people.order))


class _People:
    """Sums of the templates of each person, the largest people first."""

    def __init__(self, stored: GroupedFaces) -> None:
        self.ids, self.row, sizes = np.unique(stored.subjects, return_inverse=True, return_counts=True)
        self.count = len(self.ids)
        self.order = np.argsort(-sizes, kind="stable")[:CONSIDERED]
        self.sizes = sizes.astype(np.float32)
        self.sums: FloatArray = np.zeros((self.count, stored.vectors.shape[1]), np.float32)
        np.add.at(self.sums, self.row, stored.vectors)
        self.typical = np.einsum("ij,ij->i", stored.vectors, self.sums[self.row])
        self._faces = np.lexsort((-self.typical, self.row))
        self._starts = np.searchsorted(self.row[self._faces], np.arange(self.count))
        self._stored = stored

    def faces(self, row: int, but: int = -1) -> tuple[int, ...]:
        """The references of a person that are most like the others, without that of face `but`."""
        end = self._starts[row] + int(self.sizes[row])
        chosen = [f for f in self._faces[self._starts[row] : end][: SHOWN + 1] if f != but]
        return tuple(int(self._stored.ids[f]) for f in chosen[:SHOWN])


def _joins(people: _People, stored: GroupedFaces, cut: float, limit: int, block: int) -> list[Question]:
    """Pairs of people whose average cosine lies nearest to the cut; two with names are two people."""
    means = (people.sums / people.sizes[:, None])[people.order]
    named = np.zeros(people.count, np.bool_)
    named[people.row[stored.named]] = True
    named = named[people.order]
    apart = _apart(people, stored)
    best: list[tuple[float, int, int, float]] = []
    for start in range(0, len(means), block):
        scores = means[start : start + block] @ means[start:].T
        rows, columns = np.triu_indices(scores.shape[0], 1, scores.shape[1])
        away = np.abs(scores[rows, columns] - cut)
        away[named[start + rows] & named[start + columns]] = np.inf
        for i in _least(away, limit + len(apart)):
            a, b = int(people.order[start + rows[i]]), int(people.order[start + columns[i]])
            pair = (min(a, b), max(a, b))
            if pair not in apart and np.isfinite(away[i]):
                best.append((float(away[i]), *pair, float(scores[rows[i], columns[i]])))
        best = sorted(best)[:limit]
    ids = people.ids
    return [
        Question("join", int(ids[a]), int(ids[b]), (people.faces(a), people.faces(b)), score) for _, a, b, score in best
    ]


def _apart(people: _People, stored: GroupedFaces) -> set[tuple[int, int]]:
    """Rows of people who are known not to be the same: by word, or because one picture shows both."""
    row_of = {int(subject): row for row, subject in enumerate(people.ids)}
    pairs = {(row_of[a], row_of[b]) for a, b in stored.apart if a in row_of and b in row_of}
    order = np.argsort(stored.pictures, kind="stable")
    pictures, rows = stored.pictures[order], people.row[order]
    bounds = np.flatnonzero(np.diff(pictures)) + 1
    for together, picture in zip(np.split(rows, bounds), np.split(pictures, bounds), strict=True):
        if len(together) > 1 and picture[0]:
            shown = sorted(set(together.tolist()))
            pairs |= {(a, b) for place, a in enumerate(shown) for b in shown[place + 1 :]}
    return {(min(pair), max(pair)) for pair in pairs}


def _keeps(people: _People, stored: GroupedFaces, cut: float, limit: int, pinned: frozenset[int]) -> list[Question]:
    """Faces whose average cosine with the others of their person lies nearest to the cut, or below it."""
    others = people.sizes[people.row] - 1
    asked = (others > 0) & ~np.isin(stored.ids, list(pinned))
    faces = np.flatnonzero(asked)
    scores = (people.typical[faces] - 1) / others[faces]  # a template times itself is 1
    found = []
    for i in _least(np.abs(scores - cut), limit):
        face, row = int(faces[i]), int(people.row[faces[i]])
        sides = ((int(stored.ids[face]),), people.faces(row, face))
        found.append(Question("keep", int(people.ids[row]), int(people.ids[row]), sides, float(scores[i])))
    return found


def _least(values: FloatArray, count: int) -> list[int]:
    """Where the smallest values stand."""
    if len(values) > count:
        where = np.argpartition(values, count)[:count]
        return [int(i) for i in where[np.argsort(values[where], kind="stable")]]
    return [int(i) for i in np.argsort(values, kind="stable")]


def to_dict(found: Questions, labels: dict[int, str]) -> dict[str, Any]:
    """For JSON; `labels` names people by id."""
    return {
        "questions": [
            {
                "kind": question.kind,
                "first": {"id": question.first, "subject": labels[question.first], "faces": list(question.faces[0])},
                "second": {"id": question.second, "subject": labels[question.second], "faces": list(question.faces[1])},
                "score": round(question.score, 4),
            }
            for question in found.questions
        ],
        "cut": round(found.cut, 4),
        "people": found.people,
        "considered": found.considered,
    }
