"""Score files: what is written is read back, and what is wrong is refused with its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.errors import NotFoundError, UsageError
from mien.evaluate.scores import Scores, read_scores, write_scores


def system(name: str = "toy") -> Scores:
    return Scores(
        name=name,
        score=np.array([0.9, -np.inf, 0.1, 0.25]),
        mated=np.array([True, True, False, False]),
        failed=np.array([False, True, False, False]),
        fold=np.array([0, 1, 0, 1]),
        a=np.array([0, 0, 1, 3]),
        b=np.array([1, 2, 3, 4]),
        samples=("a, 1.jpg", "a2.jpg", 'a"3.jpg', "b.jpg", "c.jpg"),
        subjects=np.array([7, 7, 7, 9, 11]),
        groups={"gender": np.array(["f", "f", "f|m", "m"])},
        meta={"command": "mien …", "environment": {"cores": 2}},
    )


def comparisons(scores: Scores) -> list[tuple[object, ...]]:
    """Everything that is known of each comparison, whatever the numbers behind the names."""
    assert scores.a is not None
    assert scores.b is not None
    assert scores.fold is not None
    assert scores.subjects is not None
    same = scores.subjects[scores.a] == scores.subjects[scores.b]
    names = [(scores.samples[a], scores.samples[b]) for a, b in zip(scores.a, scores.b, strict=True)]
    columns = (scores.score, scores.mated, scores.failed, scores.fold, same, scores.groups["gender"])
    return list(zip(names, *(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"scores{suffix}"
    write_scores([system("one"), system("other")], path)
    found = read_scores(path)
    assert [scores.name for scores in found] == ["one", "other"]
    assert [comparisons(scores) for scores in found] == [comparisons(system())] * 2
    assert found[0].meta == (system().meta if suffix == ".parquet" else {})
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_two_columns_are_enough(tmp_path: Path) -> None:
    path = tmp_path / "theirs.csv"
    path.write_bytes(b"\xef\xbb\xbfmated,score\r\n1,0.5\r\n0,-2e-3\r\n")
    (found,) = read_scores(path)
    assert found.name == "theirs"
    assert found.score.tolist() == [0.5, -0.002]
    assert found.people is None


def test_people_without_pictures_are_enough_for_intervals(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("score,mated,subject_a,subject_b\n1,1,ada,ada\n0,0,ada,eve\n")
    (found,) = read_scores(path)
    assert found.people is not None
    assert [list(side) for side in found.people] == [[0, 0], [0, 1]]


def test_a_failed_comparison_has_no_score(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("score,mated,failed\n,1,1\n0.3,0,0\n7,1,true\n")
    (found,) = read_scores(path)
    assert found.score.tolist() == [-np.inf, 0.3, -np.inf]
    assert found.pairs == {"mated": 2, "nonmated": 1, "failed": 2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the column score and mated is missing"),
        ("score;mated\n1;1\n", "this: score;mated"),
        ("score,label\n1,1\n", "the column mated is missing"),
        ("score,mated\n", "no comparison in it"),
        ("score,mated,mated\n1,1,1\n", "mated is there twice"),
        ("score,mated,a\n1,1,x\n", "a and b come together"),
        ("score,mated,Fold\n1,1,1\n", "did you mean 'fold'"),
        ("score,mated\n0.5,1\nnan,0\n", "line 3: the score nan"),
        ("score,mated\n0.5,1\n\ninf,0\n", "line 4: the score inf"),
        ("score,mated\n0.5,1\n,0\n", "line 3: an empty score"),
        ("score,mated\n0.5,1\nhigh,0\n", "line 3: score must be a number, got 'high'"),
        ("score,mated\n0.5,1\n0.4,maybe\n", "line 3: mated must be 1 or 0, got 'maybe'"),
        ("score,mated\n0.5,1\n0.4,\n", "line 3: no mated"),
        ("score,mated\n0.5,1\n0.4\n", "line 3: 1 fields where the header has 2"),
        ("score,mated,fold\n0.5,1,x\n", "line 2: fold must be a whole number"),
        ("score,mated\n0.5,1\n0.4,1\n", "all comparisons of s are mated"),
        ("score,mated\n0.5,0\n0.4,0\n", "all comparisons of s are non-mated"),
        ("score,mated,failed\n0.5,1,0\n,0,1\n", "no non-mated comparison of s has a score"),
        ("score,mated,subject_a,subject_b\n1,1,x,y\n0,0,x,y\n", "line 2: mated contradicts"),
        ("score,mated,a,b,subject_a,subject_b\n1,1,p,q,x,x\n0,0,p,r,z,y\n", "belongs to two subjects"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.csv"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_scores(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_is_told_within_the_system_it_belongs_to(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("name,score,mated\none,1,1\nother,1,1\none,0,0\nother,nan,0\n")
    with pytest.raises(UsageError, match="line 5: the score nan"):
        read_scores(path)


def test_what_is_no_score_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such score file"):
        read_scores(tmp_path / "none.csv")
    for name, content, said in (
        ("s.txt", b"score,mated\n", "ends in .parquet or .csv"),
        ("s.parquet", b"score,mated\n", "is no Parquet file"),
        ("s.csv", b"\xff\xfe\x00", "is not CSV text in UTF-8"),
    ):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(UsageError, match=said):
            read_scores(path)


def test_systems_of_one_name_or_of_different_columns_share_no_file(tmp_path: Path) -> None:
    plain = Scores("plain", system().score, system().mated, system().failed)
    with pytest.raises(UsageError, match="different names"):
        write_scores([system(), system()], tmp_path / "s.csv")
    with pytest.raises(UsageError, match="same columns"):
        write_scores([system(), plain], tmp_path / "s.csv")
    assert not list(tmp_path.iterdir())


def test_scores_that_contradict_themselves_are_refused() -> None:
    one = np.ones(1)
    true = np.ones(1, bool)
    with pytest.raises(ValueError, match="-inf where failed"):
        Scores("toy", one, true, true)
    with pytest.raises(ValueError, match="fold must have shape"):
        Scores("toy", one, true, ~true, fold=np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="come together"):
        Scores("toy", one, true, ~true, a=np.zeros(1, np.int64))
