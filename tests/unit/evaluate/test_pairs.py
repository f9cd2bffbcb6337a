"""Pair lists: anybody's CSV, LFW's own, and a folder for each person."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mien.errors import NotFoundError, UsageError
from mien.evaluate.embed import Embedded
from mien.evaluate.protocols.folder import read_folder
from mien.evaluate.protocols.lfw import read_lfw
from mien.evaluate.protocols.pairs import compare, cosines, read_pairs
from mien.types.arrays import unit_rows


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in "abcd":
        (tmp_path / f"{name}.png").write_bytes(b"a picture is opened later")
    return tmp_path


def listed(root: Path, text: str) -> Path:
    path = root / "pairs.csv"
    path.write_text(text)
    return path


def test_a_pair_list_has_pictures_folds_people_and_groups(root: Path) -> None:
    text = "a,b,mated,fold,gender,subject_a,subject_b\na.png,b.png,1,0,f,x,x\na.png,c.png,0,1,f|m,x,y\n"
    pairs = read_pairs(listed(root, text), root)
    assert pairs.samples == ("a.png", "b.png", "c.png")
    assert pairs.sources == [root / name for name in pairs.samples]
    assert (pairs.a.tolist(), pairs.b.tolist()) == ([0, 0], [1, 2])
    assert pairs.mated.tolist() == [True, False]
    assert pairs.fold is not None
    assert pairs.fold.tolist() == [0, 1]
    assert pairs.subjects is not None
    assert pairs.subjects.tolist() == [0, 0, 1]
    assert pairs.groups["gender"].tolist() == ["f", "f|m"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the header must name a,b,mated"),
        ("a,b,label\na.png,b.png,1\n", "mated is missing in 'a,b,label'"),
        ("a,b,mated,Folds\na.png,b.png,1,0\n", "unknown column 'Folds'; did you mean 'fold'"),
        ("a,b,mated,subject_a\na.png,b.png,1,x\n", "come together"),
        ("a,b,mated,race,race\na.png,b.png,1,0,0\n", "'race' is there twice"),
        ("a,b,mated\n", "no pair in it"),
        ("a,b,mated\na.png,none.png,1\n", "line 2: no picture 'none.png' below"),
        ("a,b,mated\na.png,,1\n", "line 2: no picture ''"),
        ("a,b,mated\na.png,b.png,1\nb.png,a.png,1\n", "line 3: the pair 'b.png' and 'a.png' stands in line 2"),
        ("a,b,mated\na.png,a.png,1\n", "line 2: 'a.png' is paired with itself"),
        ("a,b,mated\na.png,b.png,yes\n", "line 2: mated must be 1 or 0, got 'yes'"),
        ("a,b,mated\na.png,b.png\n", "line 2: 2 fields where the header has 3"),
        ("a,b,mated,fold\na.png,b.png,1,-1\n", "line 2: fold must be a whole number"),
        ("a,b,mated\na.png,b.png,1\nc.png,d.png,1\n", "all pairs are mated"),
        ("a,b,mated\na.png,b.png,0\n", "all pairs are non-mated"),
        ("a,b,mated,subject_a,subject_b\na.png,b.png,1,x,y\na.png,c.png,0,x,z\n", "mated contradicts"),
        ("a,b,mated,subject_a,subject_b\na.png,b.png,1,x,x\na.png,c.png,0,z,y\n", "of another subject"),
    ],
)
def test_a_wrong_pair_list_is_refused_with_its_line(root: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_pairs(listed(root, text), root)
    assert said in str(caught.value)
    assert caught.value.exit_code == 2


def test_scores_are_cosines_and_a_failed_picture_fails_all_its_pairs(root: Path) -> None:
    pairs = read_pairs(listed(root, "a,b,mated\na.png,b.png,1\na.png,c.png,0\nb.png,c.png,0\n"), root)
    vectors = unit_rows(np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32))
    failed = np.array([False, False, True])
    embedded = Embedded(vectors, failed, ("", "", "no-face"), np.ones(3, np.float32))
    scores = compare(pairs, embedded, name="toy", meta={"command": "mien …"})
    assert scores.failed.tolist() == [False, True, True]
    assert scores.score[0] == pytest.approx(float(vectors[0] @ vectors[1]))
    assert scores.meta == {"command": "mien …", "data": "pairs", "samples": 3, "failures": {"c.png": "no-face"}}


def test_many_cosines_are_those_of_the_whole_matrix() -> None:
    random = np.random.default_rng(0)
    vectors = random.normal(size=(50, 4)).astype(np.float32)
    a, b = random.integers(0, 50, (2, 100_000))
    assert np.allclose(cosines(vectors, a, b), (vectors @ vectors.T)[a, b], atol=1e-5)


def lfw(root: Path, text: str, name: str = "pairs.txt") -> Path:
    for person, count in (("Ada_L", 2), ("Eve", 2), ("Max", 1)):
        (root / "images" / person).mkdir(parents=True, exist_ok=True)
        for number in range(1, count + 1):
            (root / "images" / person / f"{person}_{number:04d}.jpg").write_bytes(b"x")
    (root / name).write_text(text)
    return root


def test_lfws_view_2_has_folds_and_people_from_the_names(tmp_path: Path) -> None:
    root = lfw(tmp_path, "2\t1\nAda_L\t1\t2\nAda_L\t1\tEve\t2\nEve\t1\t2\nMax\t1\tEve\t1\n")
    pairs = read_lfw(root)
    assert pairs.mated.tolist() == [True, False, True, False]
    assert pairs.fold is not None
    assert pairs.fold.tolist() == [0, 0, 1, 1]
    assert pairs.samples[0] == "Ada_L/Ada_L_0001.jpg"
    assert pairs.subjects is not None
    assert pairs.subjects.tolist() == [0, 0, 1, 1, 2]


def test_lfws_view_1_is_one_list_without_folds(tmp_path: Path) -> None:
    pairs = read_lfw(lfw(tmp_path, "1\nEve\t1\t2\nMax\t1\tEve\t1\n", "pairsDevTest.txt"), view=1)
    assert pairs.fold is None
    assert pairs.mated.tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the first line must be"),
        ("10 folds\n", "the first line must be"),
        ("2\t1\nAda_L\t1\t2\n", "1 pairs where the first line announces others"),
        ("1\nEve\t1\t2\nMax\t1\n", "line 3: no pair of pictures"),
        ("1\nEve\t1\t2\nMax\t1\tEve\t9\n", "which is not in"),
    ],
)
def test_a_wrong_lfw_list_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_lfw(lfw(tmp_path, text))


def test_lfw_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no pairs\.txt there"):
        read_lfw(tmp_path)
    (tmp_path / "pairs.txt").write_text("1\nEve\t1\t2\nMax\t1\tEve\t1\n")
    with pytest.raises(NotFoundError, match="no pictures such as"):
        read_lfw(tmp_path)


def test_a_folder_makes_every_pair_of_pictures(tmp_path: Path) -> None:
    for name in ("ada/1.png", "ada/2.png", "eve/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    pairs = read_folder(tmp_path)
    named = [(pairs.samples[a], pairs.samples[b]) for a, b in zip(pairs.a, pairs.b, strict=True)]
    assert named == list(combinations(("ada/1.png", "ada/2.png", "eve/1.png"), 2))
    assert pairs.mated.tolist() == [True, False, False]
    (tmp_path / "ada" / "2.png").unlink()
    with pytest.raises(UsageError, match="nobody has two pictures"):
        read_folder(tmp_path)
