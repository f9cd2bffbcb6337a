"""What cues and embedders say of a whole material, each picture looked at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import MienError
from mien.image import find_photos
from mien.manipulation.cues import Cue
from mien.manipulation.looking import Looker, Seen
from mien.manipulation.material import PICTURES, Item, Part, Progress
from mien.manipulation.pairs import people_of
from mien.types.arrays import FloatArray
from mien.types.outcome import Failure


@dataclass(frozen=True, slots=True)
class Samples:
    """What one cue says.

    Args:
        features: (n, d).
        items: n pictures; a differential cue has a sample for each live capture that a picture is compared with.
        live: n people whose live capture that is; empty for single-image cues.
    """

    features: FloatArray
    items: tuple[Item, ...]
    live: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def attacks(self) -> NDArray[np.bool_]:
        """(n,) whether it is one."""
        return np.array([item.kind != "bona-fide" for item in self.items], np.bool_)

    @property
    def people(self) -> list[frozenset[str]]:
        """Who is in each."""
        return [item.people for item in self.items]

    @property
    def learnt(self) -> Samples:
        """Of the training half, without counter-attacks: a detector has not seen those."""
        return self.where([item.part == "train" and item.remover == "none" for item in self.items])

    @property
    def tested(self) -> Samples:
        """Of the other half."""
        return self.where([item.part == "test" for item in self.items])

    def where(self, chosen: Sequence[bool] | NDArray[np.bool_]) -> Samples:
        """A selection of rows."""
        rows = np.flatnonzero(np.asarray(chosen, np.bool_))
        items, live = (tuple(column[row] for row in rows) for column in (self.items, self.live))
        return Samples(self.features[rows], items, live)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Watched:
    """A material as it was seen.

    Args:
        items: pictures in which a face was found.
        vectors: by embedder, (n, d) of these.
        live: by person, by embedder, (k, d) of the live captures.
        samples: by cue.
        failures: pictures without an answer.
    """

    items: tuple[Item, ...]
    vectors: Mapping[str, FloatArray]
    live: Mapping[str, Mapping[str, FloatArray]]
    samples: Mapping[str, Samples]
    failures: tuple[Failure, ...]


def watch(
    folder: Path,
    items: Sequence[Item],
    root: Path,
    looker: Looker,
    cues: Mapping[str, Cue],
    *,
    part: Part | None = None,
    progress: Progress | None = None,
) -> Watched:
    """Look at every picture of a material, and at the live captures of its people.

    Args:
        folder: of the material.
        items: of it.
        root: the photographs that it was made from; the live captures are there.
        looker: with embedders where differential cues or templates are wanted.
        cues: by name.
        part: only this half of the people.
        progress: called with (done, total).

    Raises:
        NotFoundError: no such folder.
    """
    items = [item for item in items if part in (None, item.part)]
    failures: list[Failure] = []
    wanted = frozenset().union(*(item.people for item in items)) if looker.embedders else frozenset()
    people = [person for person in people_of(find_photos(root)[0]) if person.name in wanted]
    total, done = len(items) + sum(len(person.live) for person in people), 0

    def look(path: Path) -> Seen | None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)
        try:
            return looker.look(path)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, str(path)))
            return None

    live = {who.name: [one for path in who.live if (one := look(path)) is not None] for who in people}
    seen: list[Item] = []
    vectors: dict[str, list[FloatArray]] = {name: [] for name in looker.embedders}
    told: dict[str, list[tuple[FloatArray, Item, str]]] = {name: [] for name in cues}
    for item in items:
        one = look(folder / PICTURES / item.file)
        if one is None:
            continue
        seen.append(item)
        for name, vector in one.vectors.items():
            vectors[name].append(vector)
        for name, cue in cues.items():
            beside = [(who, capture) for who in sorted(item.people) for capture in live.get(who, [])]
            for who, capture in beside if cue.differential else [("", None)]:
                told[name].append((cue.features(one, capture), item, who))
    return Watched(
        tuple(seen),
        {name: np.stack(rows) for name, rows in vectors.items() if rows},
        {who: _by_embedder(captures) for who, captures in live.items() if captures},
        {name: _samples(rows) for name, rows in told.items()},
        tuple(failures),
    )


def _by_embedder(captures: Sequence[Seen]) -> dict[str, FloatArray]:
    return {name: np.stack([one.vectors[name] for one in captures]) for name in captures[0].vectors}


def _samples(rows: Sequence[tuple[FloatArray, Item, str]]) -> Samples:
    features = np.stack([row[0] for row in rows]) if rows else np.empty((0, 0), np.float32)
    return Samples(features, tuple(row[1] for row in rows), tuple(row[2] for row in rows))
