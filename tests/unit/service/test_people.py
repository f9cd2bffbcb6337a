from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gallery_toys import CONTRACT, picture, templates
from mien.gallery import Gallery
from mien.grouping import GroupingRule
from mien.service.people import sort_faces
from mien.types.template import Templates

RULE = GroupingRule(0.9, 0.9, 0.0, "drawn", "2026-01-01", "none")


def looks(person: int, *photographs: int) -> list[Templates]:
    """One template a photograph, all of one person."""
    found = []
    for number in photographs:
        one = templates(person)
        vector = one.vectors + 0.1 * templates(1000 + number).vectors
        found.append(Templates(vector / np.linalg.norm(vector), one.precision, CONTRACT, one.faces))
    return found


def add(gallery: Gallery, person: int, *photographs: int) -> list[int]:
    rows = zip(photographs, looks(person, *photographs), strict=True)
    return [gallery.add_picture(picture(number), template)[0] for number, template in rows]


def run(gallery: Gallery) -> list[set[int]]:
    stored = gallery.grouped(RULE.key)
    grouping = sort_faces(stored, RULE)
    groups = [stored.ids[grouping.members(g)].tolist() for g in range(len(grouping))]
    gallery.assign_groups(groups, RULE.key)
    return [set(group) for group in groups]


@pytest.fixture
def gallery(tmp_path: Path):
    with Gallery(tmp_path / "family.mien", create=True) as opened:
        yield opened


def test_new_photographs_join_the_people_that_are_there_and_a_face_that_was_alone(gallery: Gallery) -> None:
    ada, bob = add(gallery, 1, 1, 2), add(gallery, 2, 3)
    assert run(gallery) == [set(ada)]

    ada += add(gallery, 1, 4)
    bob += add(gallery, 2, 5)

    assert run(gallery) == [set(ada), set(bob)]
    assert {len(gallery.show(s.label).references) for s in gallery.subjects()} == {2, 3}


def test_a_name_given_between_two_runs_takes_what_comes(gallery: Gallery) -> None:
    ada = add(gallery, 1, 1, 2)
    run(gallery)
    gallery.rename("#1", "ada")
    ada += add(gallery, 1, 3)
    run(gallery)
    assert [r.id for r in gallery.show("ada").references] == ada


def test_two_people_told_apart_stay_so_when_new_faces_come(gallery: Gallery) -> None:
    one, other = add(gallery, 1, 1), add(gallery, 1, 2)
    gallery.separate("#1", "#2")
    run(gallery)
    add(gallery, 1, 3, 4)
    owners = [next(i for i, group in enumerate(run(gallery)) if face in group) for face in (one[0], other[0])]
    assert owners[0] != owners[1]


def test_two_faces_of_a_new_photograph_are_two_people(gallery: Gallery) -> None:
    ada = add(gallery, 1, 1, 2)
    run(gallery)
    both = gallery.add_picture(picture(9), templates(1, 1))
    (group,) = run(gallery)
    assert len(group & set(both)) == 1
    assert set(ada) < group
