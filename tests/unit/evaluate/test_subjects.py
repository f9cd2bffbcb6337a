"""Photographs of known people, and comparisons drawn from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import UsageError
from mien.evaluate.protocols.subjects import drawn_pairs, read_subjects


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (32, 32), (90, 90, 90)).save(path)


def test_a_folder_is_a_person(tmp_path: Path) -> None:
    for name in ("bo/2.jpg", "ada/1.jpg", "ada/2.jpg"):
        picture(tmp_path / name)
    data = read_subjects(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in data.paths] == ["ada/1.jpg", "ada/2.jpg", "bo/2.jpg"]
    assert data.people.tolist() == [0, 0, 1]


def test_in_london_the_file_names_the_person(tmp_path: Path) -> None:
    for name in ("neutral_front/001_03.jpg", "neutral_front/002_03.jpg", "smiling_front/001_08.jpg"):
        picture(tmp_path / name)
    data = read_subjects(tmp_path)
    assert (data.name, data.people.tolist()) == ("London", [0, 1, 0])


def test_a_list_names_people(tmp_path: Path) -> None:
    for name in ("x.jpg", "y.jpg"):
        picture(tmp_path / name)
    (tmp_path / "who.csv").write_text("file,subject\nx.jpg,ada\ny.jpg,bo\n")
    data = read_subjects(tmp_path / "who.csv")
    assert (data.name, data.people.tolist()) == ("who", [0, 1])


def test_one_person_alone_is_no_comparison(tmp_path: Path) -> None:
    picture(tmp_path / "x.jpg")
    (tmp_path / "who.csv").write_text("file,subject\nx.jpg,ada\n")
    with pytest.raises(UsageError, match="two people or more"):
        read_subjects(tmp_path / "who.csv")


@pytest.mark.parametrize("nonmated", [50, 2_000_000])
def test_pairs_are_of_the_kind_they_say_and_there_once(nonmated: int) -> None:
    people = np.repeat(np.arange(100), [40, *[3] * 99])
    a, b, mated = drawn_pairs(people, mated=20, nonmated=nonmated, seed=1)
    assert ((people[a] == people[b]) == mated).all()
    assert (a < b).all()
    assert len(np.unique(a * len(people) + b)) == len(a)
    assert np.bincount(people[a[mated]]).tolist() == [20, *[3] * 99]
    most = len(people) * (len(people) - 1) // 2 - 780 - 99 * 3
    assert (~mated).sum() == min(nonmated, most)


def test_the_seed_decides_the_pairs() -> None:
    people = np.repeat(np.arange(50), 4)
    one, again, other = (drawn_pairs(people, mated=2, nonmated=100, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(x, y) for x, y in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


def test_nobody_with_two_photographs_is_refused() -> None:
    with pytest.raises(UsageError, match="nobody has two photographs"):
        drawn_pairs(np.arange(9), mated=2, nonmated=10, seed=0)
