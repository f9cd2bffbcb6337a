"""Samplers: what comes together, over epochs, processes and restarts."""

from __future__ import annotations

import numpy as np
import pytest

from mien.errors import UsageError
from mien.train.data.samplers import PeopleBalanced, Sampler, Shuffled

LABELS = np.array([3, 0, 0, 1, 3, 3, -1, 2, 2, 3, 0, 5, 5, 5, 5, 5, 5, -1])


def epoch(sampler: Sampler, number: int = 0) -> list[list[int]]:
    return [sampler.rows(number, step).tolist() for step in range(len(sampler))]


def test_shuffled_shows_every_picture_once_an_epoch() -> None:
    rows = np.concatenate(epoch(Shuffled(12, 4)))
    assert sorted(rows.tolist()) == list(range(12))


def test_shuffled_drops_less_than_a_batch_and_others_each_epoch() -> None:
    sampler = Shuffled(11, 4)
    seen = [set(np.concatenate(epoch(sampler, number)).tolist()) for number in range(30)]
    assert {len(rows) for rows in seen} == {8}
    assert set.union(*seen) == set(range(11))


def test_the_order_follows_the_seed_and_changes_with_the_epoch() -> None:
    assert epoch(Shuffled(40, 4, seed=1)) == epoch(Shuffled(40, 4, seed=1))
    assert epoch(Shuffled(40, 4, seed=1)) != epoch(Shuffled(40, 4, seed=2))
    assert epoch(Shuffled(40, 4), 0) != epoch(Shuffled(40, 4), 1)


def test_a_batch_is_the_same_whichever_was_asked_for_before() -> None:
    sampler = Shuffled(40, 4)
    late = sampler.rows(3, 5).tolist()
    epoch(sampler, 1)
    assert sampler.rows(3, 5).tolist() == late


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_the_global_batch_of_one(world: int) -> None:
    shards = [Shuffled(50, 4, rank=rank, world=world) for rank in range(world)]
    one = Shuffled(50, 4 * world)
    assert {len(shard) for shard in shards} == {len(one)}
    for step in range(len(one)):
        together = np.concatenate([shard.rows(2, step) for shard in shards])
        assert together.tolist() == one.rows(2, step).tolist()


def test_too_small_a_set_and_a_wrong_rank_are_refused() -> None:
    with pytest.raises(UsageError, match="7 pictures do not fill a batch of 8"):
        Shuffled(7, 4, world=2)
    with pytest.raises(UsageError, match="rank must be 0 to 1 of 2 processes, got 2"):
        Shuffled(8, 4, rank=2, world=2)
    with pytest.raises(UsageError, match="at least 1, got 0"):
        Shuffled(8, 0)


def test_balanced_batches_hold_p_people_with_k_pictures() -> None:
    sampler = PeopleBalanced(LABELS, 2, 3)
    for rows in epoch(sampler):
        people, counts = np.unique(LABELS[rows], return_counts=True)
        assert len(people) == 2
        assert counts.tolist() == [3, 3]


def test_each_person_comes_once_an_epoch_whatever_their_pictures() -> None:
    rows = np.concatenate(epoch(PeopleBalanced(LABELS, 2, 2)))
    assert sorted(LABELS[rows].tolist()) == [0, 0, 2, 2, 3, 3, 5, 5]


def test_nobodys_picture_repeats_before_all_of_theirs_came() -> None:
    sampler = PeopleBalanced(LABELS, 4, 4)
    for number in range(5):
        rows = sampler.rows(number, 0)
        for person, count in ((0, 3), (2, 2), (3, 4), (5, 6)):
            mine = rows[LABELS[rows] == person]
            assert len(set(mine.tolist())) == min(count, 4)


def test_over_the_epochs_all_pictures_of_a_person_come() -> None:
    sampler = PeopleBalanced(LABELS, 4, 2)
    seen = {row for number in range(40) for row in sampler.rows(number, 0).tolist()}
    assert seen == set(np.flatnonzero(np.isin(LABELS, [0, 2, 3, 5])).tolist())


def test_who_has_one_picture_is_left_out_and_said_so() -> None:
    sampler = PeopleBalanced(LABELS, 2, 2)
    assert sampler.message == (
        "left out of P x K batches: 1 people with fewer than 2 pictures and 2 pictures without a person"
    )
    assert PeopleBalanced(np.array([0, 0, 1, 1]), 2, 2).message == ""


def test_balanced_processes_share_the_people_of_one() -> None:
    shards = [PeopleBalanced(LABELS, 1, 2, rank=rank, world=2) for rank in range(2)]
    one = PeopleBalanced(LABELS, 2, 2)
    for step in range(len(one)):
        assert np.concatenate([s.rows(1, step) for s in shards]).tolist() == one.rows(1, step).tolist()


def test_too_few_people_and_too_few_pictures_are_refused() -> None:
    with pytest.raises(UsageError, match="4 people have 2 pictures or more, one batch needs 5"):
        PeopleBalanced(LABELS, 5, 2)
    with pytest.raises(UsageError, match="K of 2 or more, got 1"):
        PeopleBalanced(LABELS, 2, 1)
