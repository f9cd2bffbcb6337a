"""The loader: the same batches whatever the threads, ahead of the step but not far, resumed to the batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from mien.errors import ConflictError, ImageError
from mien.train.data import Pictures
from mien.train.data.augment import Augment
from mien.train.data.samplers import PeopleBalanced, Sampler, Shuffled

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.train.data.loader import Loader, to_tensor  # noqa: E402

LABELS = np.arange(60) % 10
AUGMENT = Augment(flip=0.5, photometric=0.5, low_resolution=0.3)


def face(row: int) -> np.ndarray:
    return np.random.default_rng(row).integers(0, 256, (112, 112, 3)).astype(np.uint8)


def drawn(fetch=face) -> Pictures:  # type: ignore[no-untyped-def]
    names, people = [f"{row}.png" for row in range(60)], tuple(map(str, range(10)))
    return Pictures(names, LABELS, people, fetch, {"kind": "drawn"}, aligned=True)


DATA = drawn()


def loader(threads: int = 2, sampler: Sampler | None = None, augment: Augment | None = AUGMENT) -> Loader:
    return Loader(DATA, sampler or Shuffled(60, 8, seed=1), augment=augment, seed=5, threads=threads)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() == before


def test_tensors_are_normalised_planes() -> None:
    crops = np.stack([face(0), face(1)])
    planes = to_tensor(crops)
    assert planes.shape == (2, 3, 112, 112)
    assert planes.is_contiguous()
    expected = (crops[1, 40, 50].astype(np.float32) - 127.5) / 127.5
    assert planes[1, :, 40, 50].tolist() == expected.tolist()
    assert torch.equal(to_tensor(crops, "uint8"), torch.from_numpy(crops.transpose(0, 3, 1, 2).copy()))


def test_batches_hold_the_samplers_rows_with_their_labels_and_pixels() -> None:
    sampler = Shuffled(60, 8, seed=1)
    for batch in loader(sampler=sampler, augment=None).batches(epochs=1):
        rows = sampler.rows(0, batch.step)
        assert batch.rows.tolist() == rows.tolist()
        assert batch.labels.tolist() == LABELS[rows].tolist()
        assert torch.equal(batch.faces, to_tensor(np.stack([face(row) for row in rows.tolist()])))


@pytest.mark.parametrize("threads", [1, 4])
def test_the_number_of_threads_changes_nothing(threads: int) -> None:
    ours = list(loader(threads).batches(epochs=2))
    theirs = list(loader(2).batches(epochs=2))
    assert [(b.epoch, b.step) for b in ours] == [(e, s) for e in range(2) for s in range(7)]
    assert all(torch.equal(a.faces, b.faces) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("stop", [1, 4, 7, 9])
def test_a_run_stopped_anywhere_goes_on_with_the_very_next_batch(stop: int) -> None:
    for sampler in (Shuffled(60, 8, seed=1), PeopleBalanced(LABELS, 3, 4, seed=1)):
        whole = list(loader(sampler=sampler).batches(epochs=4))
        first = loader(sampler=sampler)
        batches = first.batches(epochs=4)
        for _ in range(stop):
            next(batches)
        state = first.state_dict()
        batches.close()  # type: ignore[attr-defined]
        second = loader(threads=3, sampler=sampler)
        second.load_state(state)
        rest = list(second.batches(epochs=4))
        assert len(rest) == len(whole) - stop
        assert all(torch.equal(a.faces, b.faces) for a, b in zip(whole[stop:], rest, strict=True))


def test_two_processes_change_faces_as_one_does() -> None:
    one = next(iter(loader(sampler=Shuffled(60, 8)).batches(1)))
    two = [next(iter(loader(sampler=Shuffled(60, 4, rank=rank, world=2)).batches(1))) for rank in range(2)]
    assert torch.equal(one.faces, torch.cat([batch.faces for batch in two]))


def test_the_copies_of_a_picture_within_a_batch_are_changed_differently() -> None:
    data = Pictures(["a", "b"], np.array([0, 0]), ("p",), face, {}, aligned=True)
    sampler = PeopleBalanced(data.labels, 1, 8)
    batch = next(iter(Loader(data, sampler, augment=Augment(photometric=1.0), threads=1).batches(1)))
    copies = batch.faces[batch.rows == 0]
    assert len({tuple(copy.flatten()[:50].tolist()) for copy in copies}) == 4


def test_a_state_of_other_batches_or_seeds_is_refused() -> None:
    state = loader().state_dict()
    with pytest.raises(ConflictError, match="begun with batch = 8, now it is 6; resume with the same"):
        loader(sampler=Shuffled(60, 6, seed=1)).load_state(state)
    with pytest.raises(ConflictError, match="begun with sampler = shuffled"):
        loader(sampler=PeopleBalanced(LABELS, 2, 4, seed=1)).load_state(state)


def test_it_reads_ahead_and_no_further() -> None:
    read: list[int] = []

    def fetch(row: int) -> np.ndarray:
        read.append(row)
        return face(row)

    ahead = Loader(drawn(fetch), Shuffled(60, 2), threads=2)
    batches = ahead.batches()
    next(batches)
    time.sleep(0.3)
    assert len(read) <= 2 * (1 + 2 * 2)  # the batch given, and two a thread
    batches.close()  # type: ignore[attr-defined]


def test_a_picture_that_cannot_be_read_stops_with_its_name_in_its_turn() -> None:
    sampler = Shuffled(60, 4, seed=2)
    bad = int(sampler.rows(0, 3)[1])

    def fetch(row: int) -> bytes | np.ndarray:
        return b"no picture" if row == bad else face(row)

    batches = Loader(drawn(fetch), sampler, threads=3).batches()
    assert [next(batches).step for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ImageError, match=rf"{bad}\.png: .*`mien prepare` once leaves such pictures out"):
        next(batches)
