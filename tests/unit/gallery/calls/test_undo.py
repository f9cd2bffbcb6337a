"""Corrections that are taken back."""

import numpy as np
import pytest

from mien.errors import ConflictError, NotFoundError, UsageError
from mien.gallery import Gallery, PictureRecord
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

CONTRACT = TemplateContract("toy", "0" * 64, 4, "toy")


def face(gallery: Gallery, number: int, name: str | None = None) -> int:
    vector = np.eye(4, dtype=np.float32)[number % 4][None]
    shown = Face((0.0, 0.0, 50.0, 50.0), 0.9, ((20.0, 20.0),) * 5, f"{number}.jpg")
    templates = Templates(vector, Precision.F32, CONTRACT, (shown,))
    record = PictureRecord(f"{number:064x}", f"{number}.jpg", (100, 100))
    return gallery.add_picture(record, templates, subject=name)[0]


def state(gallery: Gallery) -> object:
    """All that people can see of a gallery, and who is kept apart."""
    apart = gallery.grouped().apart
    people = [(s.id, s.uid, s.name, s.references, dict(s.attributes), s.consent) for s in gallery.subjects()]
    return people, [(r.id, r.subject, r.pinned) for r in gallery.references()], apart


@pytest.fixture
def people(gallery: Gallery) -> Gallery:
    face(gallery, 1, "Ada")
    face(gallery, 2, "Ada")
    face(gallery, 3, "Bob")
    face(gallery, 4)
    gallery.set_attributes("Bob", {"site": "berlin"})
    gallery.set_consent("Bob", scope="doorbell")
    return gallery


CORRECTIONS = {
    "rename": lambda g: g.rename("Ada", "Ada Lovelace"),
    "a first name": lambda g: g.rename("#3", "Cleo"),
    "merge": lambda g: g.merge("Ada", "Bob", "#3"),
    "move": lambda g: g.move(1, "Bob"),
    "move of the only face": lambda g: g.move(4, "Bob"),
    "move to somebody new": lambda g: g.move(1, "Dora"),
    "separate": lambda g: g.separate("Ada", "Bob"),
    "split": lambda g: g.split("Ada", [2]),
    "split with a name": lambda g: g.split("Ada", [2], "Eve"),
}


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_undo_brings_back_what_was(people: Gallery, correction: str) -> None:
    before = state(people)
    CORRECTIONS[correction](people)
    assert state(people) != before
    people.undo()
    assert state(people) == before
    assert people.check() == []


def test_several_corrections_are_taken_back_one_by_one(people: Gallery) -> None:
    states = []
    for correct in (
        CORRECTIONS["rename"],
        lambda g: g.separate("Ada Lovelace", "Bob"),
        lambda g: g.split("Ada Lovelace", [1]),
    ):
        states.append(state(people))
        correct(people)
    assert people.undoable() == ["rename", "separate", "split"]
    for before in reversed(states):
        people.undo()
        assert state(people) == before
    with pytest.raises(NotFoundError, match="no correction"):
        people.undo()


def test_what_was_changed_since_is_not_overwritten(people: Gallery) -> None:
    people.rename("Ada", "Eve")
    with Gallery.open(people.path) as other:
        other.rename("Eve", "Ida")
    after = state(people)
    with pytest.raises(ConflictError, match="changed since"):
        people.undo()
    assert state(people) == after


def test_a_name_that_somebody_took_meanwhile_stays_theirs(people: Gallery) -> None:
    people.merge("Ada", "Bob")
    with Gallery.open(people.path) as other:
        other.rename("#3", "Bob")
    with pytest.raises(ConflictError, match="changed since"):
        people.undo()


def test_nothing_of_somebody_forgotten_comes_back(people: Gallery) -> None:
    people.merge("Ada", "Bob")
    people.forget("Ada")
    with pytest.raises(NotFoundError, match="no correction"):
        people.undo()


def test_a_split_keeps_the_two_apart(people: Gallery) -> None:
    label = people.split("Ada", [2])
    old, new = people.subject("Ada").id, people.subject(label).id
    assert (old, new) in people.grouped().apart


def test_a_split_leaves_somebody_behind(people: Gallery) -> None:
    with pytest.raises(UsageError, match="some, not all, of the 2 faces"):
        people.split("Ada", [1, 2])
    with pytest.raises(UsageError, match="some, not all"):
        people.split("Ada", [3])


def test_covers_are_the_first_faces_of_each(people: Gallery) -> None:
    assert people.covers(1) == {1: [1], 2: [3], 3: [4]}
    assert people.covers(5) == {1: [1, 2], 2: [3], 3: [4]}
