"""Which pictures come together, in which order: a function of seed, epoch and step alone.

All processes of a run draw the same global batch and each takes its part of it, so every process makes the same number
of steps, and two processes with batches of b see what one sees with batches of 2b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.train.data.base import Rows

LEAST_PICTURES: Final = 2
"""Of a person in a P x K batch: with one there is no pair of the same person."""


class Sampler(Protocol):
    """Batches of an epoch."""

    @property
    def batch(self) -> int:
        """Pictures of one process's batch."""
        ...

    @property
    def rank(self) -> int:
        """Which process this is, from 0."""
        ...

    @property
    def world(self) -> int:
        """How many processes there are."""
        ...

    @property
    def message(self) -> str:
        """What is left out and why, one line; empty when all take part."""
        ...

    @property
    def facts(self) -> dict[str, int | str]:
        """What decides the order; a run can be resumed only with the same."""
        ...

    def __len__(self) -> int:
        """Batches of an epoch."""
        ...

    def rows(self, epoch: int, step: int) -> Rows:
        """(batch,) int64 rows of this process's batch."""
        ...


class Shuffled:
    """Every picture once an epoch, in a new order each time; what fills no batch waits for the next epoch.

    Args:
        count: pictures of the set.
        batch: pictures of one process's batch.
        seed: of the order.
        rank, world: which process this is, of how many.

    Raises:
        UsageError: fewer pictures than one global batch.
    """

    def __init__(self, count: int, batch: int, *, seed: int = 0, rank: int = 0, world: int = 1) -> None:
        _check_shard(batch, rank, world)
        if count < batch * world:
            raise UsageError(f"{count:,} pictures do not fill a batch of {batch * world:,}; make the batch smaller")
        self.batch, self.rank, self.world = batch, rank, world
        self._count, self._seed = count, seed
        self._order: tuple[int, NDArray[np.uint32 | np.uint64]] | None = None

    def __len__(self) -> int:
        return self._count // (self.batch * self.world)

    @property
    def message(self) -> str:
        """Empty: over the epochs all take part."""
        return ""

    @property
    def facts(self) -> dict[str, int | str]:
        """What decides the order."""
        shape = {"batch": self.batch, "world": self.world, "seed": self._seed, "pictures": self._count}
        return {"sampler": "shuffled", **shape}

    def rows(self, epoch: int, step: int) -> Rows:
        """(batch,) int64 rows of this process's batch."""
        if self._order is None or self._order[0] != epoch:
            numbers = np.arange(self._count, dtype=np.uint32 if self._count < 1 << 32 else np.uint64)
            self._order = epoch, np.random.default_rng((self._seed, epoch)).permutation(numbers)
        start = (step * self.world + self.rank) * self.batch
        return self._order[1][start : start + self.batch].astype(np.int64)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Pictures that never come into a P x K batch."""

    people: int
    unlabelled: int

    def __str__(self) -> str:
        parts = []
        if self.people:
            parts.append(f"{self.people:,} people with fewer than {LEAST_PICTURES} pictures")
        if self.unlabelled:
            parts.append(f"{self.unlabelled:,} pictures without a person")
        return f"left out of P x K batches: {' and '.join(parts)}" if parts else ""


class PeopleBalanced:
    """P people with K pictures each; every person once an epoch, whatever the number of their pictures.

    A person with fewer than K pictures shows each before any comes again; augmentation tells the copies apart. Those
    with one picture are left out: see `message`.

    Args:
        labels: (n,) int64; -1 is left out.
        people: P, of one process's batch.
        pictures: K.
        seed: of the order.
        rank, world: which process this is, of how many.

    Raises:
        UsageError: K below 2, or fewer people than one global batch needs.
    """

    def __init__(
        self, labels: Rows, people: int, pictures: int, *, seed: int = 0, rank: int = 0, world: int = 1
    ) -> None:
        if pictures < LEAST_PICTURES:
            raise UsageError(f"P x K batches need K of 2 or more, got {pictures}; with one picture nothing is the same")
        _check_shard(people, rank, world)
        known = np.flatnonzero(labels >= 0)
        self._rows = known[np.argsort(labels[known], kind="stable")]
        starts = np.flatnonzero(np.diff(labels[self._rows], prepend=-1))
        counts = np.diff(starts, append=len(self._rows))
        enough = counts >= LEAST_PICTURES
        self._starts, self._counts = starts[enough], counts[enough]
        self.left_out = LeftOut(int((~enough).sum()), len(labels) - len(known))
        if len(self._starts) < people * world:
            raise UsageError(
                f"{len(self._starts):,} people have {LEAST_PICTURES} pictures or more, one batch needs "
                f"{people * world:,}; make P smaller",
                code="too-few-people",
            )
        self.batch, self.rank, self.world = people * pictures, rank, world
        self._people, self._pictures, self._seed = people, pictures, seed
        self._order: tuple[int, Rows] | None = None

    def __len__(self) -> int:
        return len(self._starts) // (self._people * self.world)

    @property
    def message(self) -> str:
        """Who is left out, and why."""
        return str(self.left_out)

    @property
    def facts(self) -> dict[str, int | str]:
        """What decides the order."""
        shape = {"people": self._people, "pictures": self._pictures, "world": self.world, "seed": self._seed}
        return {"sampler": "people-balanced", **shape, "of_people": len(self._starts), "of_rows": len(self._rows)}

    def rows(self, epoch: int, step: int) -> Rows:
        """(P * K,) int64 rows, a person's pictures one after the other."""
        if self._order is None or self._order[0] != epoch:
            order = np.random.default_rng((self._seed, epoch)).permutation(len(self._starts))
            self._order = epoch, order.astype(np.int64)
        start = (step * self.world + self.rank) * self._people
        chosen = self._order[1][start : start + self._people]
        return np.concatenate([self._draw(person, epoch) for person in chosen.tolist()])

    def _draw(self, person: int, epoch: int) -> Rows:
        """(K,) rows of a person."""
        generator = np.random.default_rng((self._seed, epoch, person))
        count = int(self._counts[person])
        picks = generator.permutation(count) if count <= self._pictures else None
        if picks is None:
            picks = generator.choice(count, self._pictures, replace=False)
        rows: Rows = self._rows[self._starts[person] + np.resize(picks, self._pictures)]
        return rows


def _check_shard(batch: int, rank: int, world: int) -> None:
    if batch < 1:
        raise UsageError(f"a batch must hold at least 1, got {batch}")
    if not 0 <= rank < world:
        raise UsageError(f"rank must be 0 to {world - 1} of {world} processes, got {rank}")
