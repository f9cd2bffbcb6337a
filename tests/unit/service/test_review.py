"""Which questions are asked, against all pairs looked at one by one."""

import itertools

import numpy as np
import pytest

from mien.gallery.people.records import GroupedFaces
from mien.service.review import Question, questions_of

CUT = 0.4


def faces(seed: int = 0, *, people: int = 9, count: int = 24) -> GroupedFaces:
    rng = np.random.default_rng(seed)
    subjects = np.sort(rng.integers(1, people + 1, count)).astype(np.int64) * 10
    vectors = rng.normal(size=(count, 6)) + np.eye(6)[subjects // 10 % 6] * 2
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return GroupedFaces(
        ids=np.arange(100, 100 + count),
        subjects=subjects,
        named=subjects <= 20,
        kept=subjects <= 20,
        pictures=rng.integers(0, 12, count),
        vectors=vectors,
        apart=frozenset({(30, 40)}),
        scores=np.ones(count, np.float32),
        settled=np.zeros(count, np.bool_),
    )


def brute_force(stored: GroupedFaces) -> dict[tuple[object, ...], float]:
    """Every question that may be asked, with its average cosine."""
    scores = stored.vectors @ stored.vectors.T
    members = {int(s): np.flatnonzero(stored.subjects == s) for s in np.unique(stored.subjects)}
    found: dict[tuple[object, ...], float] = {}
    for a, b in itertools.combinations(members, 2):
        together = any(stored.pictures[i] == stored.pictures[j] != 0 for i in members[a] for j in members[b])
        named = stored.named[members[a][0]] and stored.named[members[b][0]]
        if not together and not named and (a, b) not in stored.apart:
            found["join", a, b] = float(scores[np.ix_(members[a], members[b])].mean())
    for subject, rows in members.items():
        for row in rows if len(rows) > 1 else ():
            found["keep", subject, int(stored.ids[row])] = float(scores[row, rows[rows != row]].mean())
    return found


def name(question: Question) -> tuple[object, ...]:
    last = question.second if question.kind == "join" else question.faces[0][0]
    return question.kind, question.first, last


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("block", [2, 5, 100])
def test_the_least_sure_are_asked_first(seed: int, block: int) -> None:
    stored = faces(seed)
    expected = brute_force(stored)
    found = questions_of(stored, CUT, 8, block=block).questions
    wanted = sorted(abs(score - CUT) for score in expected.values())[:8]
    assert [abs(q.score - CUT) for q in found] == pytest.approx(wanted, abs=1e-5)
    assert [q.score for q in found] == pytest.approx([expected[name(q)] for q in found], abs=1e-5)


def test_all_are_asked_when_there_are_few() -> None:
    stored = faces()
    assert {name(q) for q in questions_of(stored, CUT, 1000, block=3).questions} == set(brute_force(stored))


def test_a_face_that_somebody_placed_is_not_asked_about() -> None:
    stored = faces()
    pinned = frozenset(stored.ids.tolist())
    assert {q.kind for q in questions_of(stored, CUT, 1000, pinned).questions} == {"join"}


def test_the_face_in_doubt_does_not_stand_for_the_others() -> None:
    for question in questions_of(faces(), CUT, 1000).questions:
        assert not set(question.faces[0]) & set(question.faces[1])
        assert question.faces[0]
        assert question.faces[1]


def test_nobody_means_no_question() -> None:
    nobody = GroupedFaces(
        *(np.empty(0, np.int64),) * 2,
        *(np.empty(0, np.bool_),) * 2,
        np.empty(0, np.int64),
        np.empty((0, 6), np.float32),
        frozenset(),
        np.empty(0, np.float32),
        np.empty(0, np.bool_),
    )
    assert questions_of(nobody, CUT, 10).questions == ()
