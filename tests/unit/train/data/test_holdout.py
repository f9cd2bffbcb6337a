"""Holding people out, and labels and pixels made worse on purpose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mien.errors import NotFoundError, UsageError
from mien.train.data import FaceData, Pictures, data_digest, open_data
from mien.train.data.holdout import lfw_test_people, split_people, without_people
from mien.train.data.noise import scatter_people, swap_labels
from mien.train.data.resolution import at_resolution


def drawn(labels: list[int] | np.ndarray, people: int) -> Pictures:
    labels = np.asarray(labels, np.int64)

    def fetch(row: int) -> np.ndarray:
        return np.random.default_rng(row).integers(0, 256, (112, 112, 3)).astype(np.uint8)

    names = [f"{row}.png" for row in range(len(labels))]
    return Pictures(names, labels, tuple(f"p{n}" for n in range(people)), fetch, {"kind": "drawn"}, aligned=True)


def who(data: FaceData) -> list[str]:
    return [data.people[label] if label >= 0 else "" for label in data.labels.tolist()]


def test_two_halves_share_nobody_and_lose_nobody() -> None:
    data = drawn(np.random.default_rng(0).integers(-1, 21, 300), 21)
    first, second = split_people(data, share=1 / 3, seed=4)
    assert not set(first.people) & set(second.people)
    assert len(first.people) == 7
    assert set(first.people) | set(second.people) == set(data.people)
    assert len(first) + len(second) == (data.labels >= 0).sum()
    assert who(first) == [who(data)[row] for row in first.rows.tolist()]


def test_the_split_follows_its_seed() -> None:
    data = drawn(np.arange(40) % 20, 20)
    assert split_people(data, seed=1)[0].people == split_people(data, seed=1)[0].people
    assert split_people(data, seed=1)[0].people != split_people(data, seed=2)[0].people
    with pytest.raises(UsageError, match=r"20 people cannot be split at 0\.01"):
        split_people(data, share=0.01)


def test_lfw_test_people_are_those_of_both_lists(tmp_path: Path) -> None:
    (tmp_path / "pairsDevTest.txt").write_text("1\nAda_L\t1\t2\nBo_B\t1\tCy_C\t3\n")
    (tmp_path / "pairs.txt").write_text("1\t1\nDee_D\t1\t2\nAda_L\t1\tEve_E\t1\n")
    assert lfw_test_people(tmp_path, [1]) == {"Ada_L", "Bo_B", "Cy_C"}
    assert lfw_test_people(tmp_path) == {"Ada_L", "Bo_B", "Cy_C", "Dee_D", "Eve_E"}
    (tmp_path / "pairs.txt").unlink()
    with pytest.raises(NotFoundError, match=r"pairs\.txt is not there; it says who must not be learnt from"):
        lfw_test_people(tmp_path)


def test_people_left_out_are_gone_and_strangers_stay() -> None:
    kept = without_people(drawn([0, 1, -1, 2, 1], 3), {"p1", "nobody"})
    assert kept.rows.tolist() == [0, 2, 3]
    assert who(kept) == ["p0", "", "p2"]
    with pytest.raises(UsageError, match="nothing is left to learn from"):
        without_people(drawn([0, 1], 2), {"p0", "p1"})


@pytest.mark.data
def test_what_remains_of_lfw_shares_nobody_with_the_test_of_view_1(data: Path) -> None:
    lfw = open_data(f"lfw:{data / 'lfw'}")
    kept = without_people(lfw, lfw_test_people(data / "lfw", [1]))
    tested = (data / "lfw" / "pairsDevTest.txt").read_text()
    words = {line.split("\t")[column] for line in tested.splitlines() for column in (0, 2) if line.count("\t") > 1}
    assert not words & set(kept.people)
    assert 0 < len(kept) < len(lfw)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_swapped_labels_are_wrong_exactly_where_it_says(share: float) -> None:
    data = drawn(np.arange(500) % 5, 5)
    noisy = swap_labels(data, share, seed=3)
    truth = [f"p{label}" for label in noisy.truth.tolist()]
    assert [a != b for a, b in zip(who(noisy.data), truth, strict=True)] == noisy.wrong.tolist()
    assert noisy.wrong.sum() == round(500 * share)


def test_every_other_person_is_as_likely_to_get_a_swapped_picture() -> None:
    noisy = swap_labels(drawn(np.zeros(9000, int), 4), 1.0)
    assert np.abs(np.unique(who(noisy.data), return_counts=True)[1] - 3000).max() < 200
    assert "p0" not in noisy.data.people  # nobody is left of them, so they are no class


def test_scattered_people_lose_their_name() -> None:
    data = drawn(np.arange(500) % 50, 50)
    noisy = scatter_people(data, 0.2, seed=3)
    gone = {f"p{label}" for label in noisy.truth[noisy.wrong].tolist()}
    assert len(gone) == 10
    assert not gone & set(noisy.data.people)
    assert noisy.wrong.sum() == 100
    assert set(who(noisy.data)) == set(data.people) - gone


def test_wrong_labels_are_part_of_the_digest() -> None:
    data = drawn(np.arange(20) % 5, 5)
    digests = {data_digest(swap_labels(data, 0.2, seed=seed).data) for seed in (1, 1, 2)}
    assert len(digests) == 2
    assert data_digest(data) not in digests


def test_noise_without_sense_is_refused() -> None:
    data = drawn([0, 1], 2)
    with pytest.raises(UsageError, match=r"must be 0 to 1, got 1\.5"):
        swap_labels(data, 1.5)
    with pytest.raises(UsageError, match="two people or more, the set has 1"):
        swap_labels(drawn([0], 1), 0.5)
    with pytest.raises(UsageError, match="leaves nobody to hide the pictures among"):
        scatter_people(data, 1.0)


@pytest.mark.parametrize("side", [16, 24])
def test_a_low_resolution_set_is_pillows_box_and_bicubic(side: int) -> None:
    data = drawn(np.arange(4), 4)
    small = at_resolution(data, side)
    face = data.read(2)
    reduced = Image.fromarray(face).resize((side, side), Image.Resampling.BOX)
    expected = np.asarray(reduced.resize((112, 112), Image.Resampling.BICUBIC)).astype(int)
    # OpenCV's bicubic kernel is a little sharper: a = -0.75 instead of -0.5
    assert np.abs(small.read(2) - expected).mean() < 4
    assert (small.crops(np.array([2, 0]))[0] == small.read(2)).all()
    assert data_digest(small) != data_digest(data)
    assert small.facts["resolution"] == f"{side} px"


def test_a_resolution_out_of_range_is_refused() -> None:
    with pytest.raises(UsageError, match="4 to 112 pixels, not 200"):
        at_resolution(drawn([0], 1), 200)
