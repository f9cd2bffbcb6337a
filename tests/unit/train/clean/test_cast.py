"""CAST on people whose vectors are drawn: what is right is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from sklearn.cluster import DBSCAN  # noqa: E402

from mien.errors import UsageError  # noqa: E402
from mien.train.clean import CastSettings, Reason, cast, score_labels  # noqa: E402
from mien.train.clean import within as within_module  # noqa: E402
from mien.train.clean.between import centres, join, nearest_two, stranger_level  # noqa: E402
from mien.train.clean.levels import link_level  # noqa: E402
from mien.train.clean.within import largest_cluster  # noqa: E402
from mien.train.data import Pictures  # noqa: E402
from mien.train.data.noise import split_people_in_two  # noqa: E402

PEOPLE, PICTURES = 80, 6


def drawn(people: int = PEOPLE, pictures: int = PICTURES, *, spread: float = 0.5, seed: int = 0) -> np.ndarray:
    """Vectors around each person's own direction, person after person."""
    random = np.random.default_rng(seed)
    centre = np.repeat(unit(random.normal(size=(people, 64))), pictures, axis=0)
    return unit(centre + spread / 8 * random.normal(size=centre.shape)).astype(np.float32)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def truth(people: int = PEOPLE, pictures: int = PICTURES) -> np.ndarray:
    return np.repeat(np.arange(people), pictures)


def swapped(labels: np.ndarray, share: float = 0.2) -> np.ndarray:
    random, out = np.random.default_rng(7), labels.copy()
    rows = random.choice(len(labels), round(share * len(labels)), replace=False)
    out[rows] = (out[rows] + random.integers(1, labels.max() + 1, len(rows))) % (labels.max() + 1)
    return out


def at(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def test_swapped_labels_are_put_right() -> None:
    noisy = swapped(truth())
    cleaned = cast(drawn(), noisy)
    before, after = score_labels(noisy, truth()), score_labels(cleaned.labels, truth())
    assert (before.right, before.labelled) == (384, 480)
    assert after.purity is not None
    assert after.recall is not None
    assert after.purity > 0.99
    assert after.recall > 0.95


def test_without_moving_nothing_gets_another_label() -> None:
    noisy = swapped(truth())
    cleaned = cast(drawn(), noisy, CastSettings(move=0, merge=0))
    assert (cleaned.labels[cleaned.rows] == noisy[cleaned.rows]).all()
    assert Reason.MOVED not in cleaned.reasons
    assert "move" not in cleaned.levels


def test_clean_labels_stay() -> None:
    cleaned = cast(drawn(), truth())
    assert np.mean(cleaned.labels == truth()) > 0.97


def test_two_names_of_one_person_become_one() -> None:
    labels = truth()
    labels[labels == 3] = np.where(np.arange(PICTURES) < 4, 3, PEOPLE)
    cleaned = cast(drawn(), labels)
    assert [(merge.person, merge.into) for merge in cleaned.merges] == [(PEOPLE, 3)]
    assert (cleaned.labels[truth() == 3] == 3).all()


def test_doubled_people_are_found_again() -> None:
    noisy = split_people_in_two(pictures(), 0.2, seed=3)
    assert len(noisy.data.people) == PEOPLE + 16
    assert set(noisy.data.people) - set(pictures().people) == {
        f"{pictures().people[person]} (2)" for person in np.unique(noisy.truth[noisy.wrong])
    }
    assert noisy.wrong.sum() == 16 * PICTURES // 2
    merges = cast(drawn(), noisy.data.labels).merges
    own = dict(zip(noisy.data.labels.tolist(), noisy.truth.tolist(), strict=True))
    assert len(merges) >= 15  # the level is wary: it rests on 96 people
    assert all(own[merge.person] == own[merge.into] for merge in merges)


def pictures() -> Pictures:
    names = [f"{row}.png" for row in range(PEOPLE * PICTURES)]
    people = tuple(f"p{person:02d}" for person in range(PEOPLE))
    return Pictures(names, truth(), people, lambda _: b"", {"kind": "drawn"})


def test_what_has_no_label_gets_none() -> None:
    labels = truth()
    labels[:4] = -1
    cleaned = cast(drawn(), labels)
    assert (cleaned.labels[:4] == -1).all()
    assert cleaned.counts()["unlabelled"] == 4


def test_an_only_picture_is_kept() -> None:
    labels = truth(PEOPLE, PICTURES)
    cleaned = cast(np.concatenate([drawn(), drawn(1, 1, seed=9)]), np.append(labels, PEOPLE))
    assert cleaned.labels[-1] == PEOPLE


def test_of_a_person_without_a_cluster_the_unclaimed_one_stays() -> None:
    labels = truth()
    labels[1:PICTURES] = -1  # person 0 keeps one picture, and is given one of person 5
    stranger = np.flatnonzero(labels == 5)[0]
    labels[stranger] = 0
    cleaned = cast(drawn(), labels)
    assert cleaned.labels[0] == 0
    assert cleaned.labels[stranger] == 5
    assert cleaned.reasons[stranger] == Reason.MOVED


def test_the_level_is_where_one_can_tell_people_apart_best_however_many_labels_are_wrong() -> None:
    vectors, labels = drawn(spread=1.0), truth()
    same = labels[:, None] == labels
    cosines = vectors @ vectors.T
    pairs = np.triu_indices(len(labels), 1)
    mated, strangers = cosines[pairs][same[pairs]], cosines[pairs][~same[pairs]]
    gaps = [(level, np.mean(mated >= level) - np.mean(strangers >= level)) for level in np.arange(0, 1, 0.005)]
    best = max(gap for _, gap in gaps)
    near = [level for level, gap in gaps if gap > best - 0.01]
    for wrong in (0.0, 0.2, 0.4):
        assert min(near) <= link_level(vectors, swapped(labels, wrong)) <= max(near)


def test_the_level_at_a_false_match_rate_has_that_rate() -> None:
    vectors, labels = drawn(), truth()
    level = link_level(vectors, labels, fmr=0.01)
    strangers = (vectors @ vectors.T)[labels[:, None] != labels]
    assert np.mean(strangers >= level) == pytest.approx(0.01, rel=0.1)


@pytest.mark.parametrize("cells", [1 << 22, 64])
def test_clusters_are_those_of_dbscan_without_its_border(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    monkeypatch.setattr(within_module, "CELLS", cells)
    random = np.random.default_rng(3)
    for _ in range(20):
        vectors = unit(random.normal(size=(30, 3))).astype(np.float32)
        least = 1 + math.ceil(0.15 * 29)
        found = DBSCAN(eps=0.15, min_samples=least, metric="cosine").fit(vectors)
        core = np.zeros(30, bool)
        core[found.core_sample_indices_] = True
        kept = largest_cluster(vectors, 0.85, 0.15)
        sizes = np.bincount(found.labels_[core], minlength=1)
        assert kept.sum() == sizes.max()
        if kept.any():
            assert set(found.labels_[kept]) == {found.labels_[kept][0]}
            assert core[kept].all()


def test_of_equal_clusters_the_denser_one_stays() -> None:
    kept = largest_cluster(at(0, 1, 2, 90, 99, 108), math.cos(math.radians(10)), 0.2)
    assert kept.tolist() == [True, True, True, False, False, False]


def test_no_links_no_cluster() -> None:
    assert not largest_cluster(at(0, 60, 120), 0.9, 0.3).any()


def test_the_nearest_two_are_those_of_all_cosines() -> None:
    random = np.random.default_rng(0)
    probes, references = (unit(random.normal(size=(n, 5))).astype(np.float32) for n in (7, 4))
    own = np.array([0, -1, 2, 3, -1, 1, 0])
    nearest, first, second = nearest_two(probes, references, own)
    for row, cosines in enumerate(probes @ references.T):
        order = [column for column in np.argsort(-cosines) if column != own[row]]
        assert nearest[row] == order[0]
        assert [first[row], second[row]] == pytest.approx(cosines[order[:2]].tolist(), abs=1e-6)


def test_centres_are_means_of_people() -> None:
    found = centres(at(0, 20, 90, 45), np.array([4, 4, 1, -1]))
    assert found.people.tolist() == [1, 4]
    assert found.counts.tolist() == [1, 2]
    np.testing.assert_allclose(found.vectors, at(90, 10), atol=1e-6)


def test_twins_lose_the_one_with_fewer_pictures() -> None:
    half_way = drawn()[:3] + 1.2 * drawn(1, 3, seed=5)
    vectors, labels = np.concatenate([drawn(), unit(half_way).astype(np.float32)]), np.append(truth(), [PEOPLE] * 3)
    joined = join(vectors, labels, merge=1e-9, doubt=0.005)
    assert not joined.merges
    assert joined.twins.tolist() == [PEOPLE]  # person 0, whom it is half-way to, has more pictures
    assert joined.levels["doubt"] < joined.levels["merge"]


def test_a_stranger_level_is_reached_by_that_share_of_strangers() -> None:
    random = np.random.default_rng(0)
    cosines = np.sort(random.normal(0, 0.1, (2000, 500)), axis=1)
    for share in (0.2, 0.05, 0.01):
        above = np.mean(cosines >= stranger_level(cosines[:, -2].astype(np.float32), share), axis=1).mean() * 500
        assert 0.3 * share <= above <= 1.3 * share


def test_a_few_probes_show_no_tail() -> None:
    assert stranger_level(np.zeros(19, np.float32), 0.1) == math.inf
    assert stranger_level(np.zeros(1000, np.float32), 0) == math.inf


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 1, 2, 3], "no person has two pictures"), ([0, 0, 0, -1], "there is but one"), ([-1] * 4, "there is but one")],
)
def test_what_cannot_be_cleaned_is_refused(labels: list[int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cast(at(0, 1, 2, 3), np.array(labels))


def test_shares_are_checked() -> None:
    with pytest.raises(UsageError, match=r"density is a share, 0 or more and below 1, got 1\.5"):
        CastSettings(density=1.5)
