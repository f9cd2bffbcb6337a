"""Making the material: which pictures, in which order, and skipping what is there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np

from mien.errors import MienError, NotFoundError, UsageError
from mien.image import find_photos
from mien.manipulation.after import AFTER
from mien.manipulation.autoencoder import Autoencoder
from mien.manipulation.looking import Looker, Seen
from mien.manipulation.made import makers
from mien.manipulation.material import PICTURES, Item, Part, Progress, begin, finish, missing, write_whole
from mien.manipulation.morph import Blend, blend
from mien.manipulation.pairs import Person, halves, look_alikes, people_of
from mien.manipulation.remove import removers
from mien.manipulation.spectra import azimuthal, luminance
from mien.types.arrays import Pixels
from mien.types.outcome import Failure

LEAST_PEOPLE = 8
"""Four in each half: fewer make no look-alikes."""
PARTS: tuple[Part, Part] = ("train", "test")
SPLICES = ("whole", "feather", "poisson")
MADE_SIDE, MADE_SCALE = 256, 1.4
"""Pixels of a made face, and its side in sides of the detector's box."""
TAUGHT = 60
"""Photographs of the training half that the autoencoders are fitted to."""

Drawn: TypeAlias = "dict[str, Pixels]"
"""Pixels by maker; the empty name is the photograph itself."""


@dataclass(frozen=True, slots=True)
class Morphs:
    """What to make of a folder of people.

    Args:
        nearest: look-alikes of each person that it is morphed with.
        alpha: share of the second person.
        splices: of `mien.manipulation.morph.morph`.
        afters: of `mien.manipulation.after`.
        seed: of everything that is drawn.
    """

    nearest: int = 1
    alpha: float = 0.5
    splices: tuple[str, ...] = ("whole", "poisson")
    afters: tuple[str, ...] = ("q95", "print-scan")
    seed: int = 0

    def __post_init__(self) -> None:
        _known("--splice", self.splices, SPLICES)
        _known("--after", self.afters, tuple(AFTER))
        if not 0 < self.alpha < 1 or self.nearest < 1:
            raise UsageError(f"alpha lies between 0 and 1, and nearest is 1 or more; got {self.alpha}, {self.nearest}")


@dataclass(frozen=True, slots=True)
class Fakes:
    """What to make of a folder of people; both kinds of `mien.manipulation.made`.

    Args:
        afters: ways of saving.
        removers: of `mien.manipulation.remove`.
        seed: of everything that is drawn.
    """

    afters: tuple[str, ...] = ("q95", "q75")
    removers: tuple[str, ...] = ("none", "low-pass", "autoencoder", "spectrum")
    seed: int = 0

    def __post_init__(self) -> None:
        _known("--after", self.afters, tuple(AFTER))
        _known("--remover", self.removers, ("none", "low-pass", "autoencoder", "spectrum"))


@dataclass(frozen=True, slots=True)
class Making:
    """What came of it.

    Args:
        items: every picture of the folder.
        made: how many of them were made now.
        failures: photographs that could not be used; nothing was made of these people.
    """

    items: tuple[Item, ...]
    made: int
    failures: tuple[Failure, ...]


def make_morphs(root: Path, out: Path, settings: Morphs, looker: Looker, progress: Progress | None = None) -> Making:
    """Morphs of look-alikes, and their untouched references, both saved in the same ways.

    Raises:
        NotFoundError: no such folder.
        UsageError: too few people with two pictures.
        ConflictError: `out` was made otherwise.
        StoreError: `out` cannot be written.
    """
    people, seen, failures = _people(root, looker)
    begin(out, {"kind": "morph", "root": root.name, **asdict(settings)} | _lists(settings))
    items: list[Item] = []
    for part, rows in zip(PARTS, halves(people, settings.seed), strict=True):
        items += _bona_fide([people[row] for row in rows], part, settings.afters)
        vectors = np.stack([one.vectors["sface"] for one in seen])
        for pair in look_alikes(vectors, rows, settings.nearest):
            first, second = people[pair.first].name, people[pair.second].name
            for splice in settings.splices:
                for after in settings.afters:
                    name = f"{first}+{second}-{splice}-{after}.jpg"
                    cosine = round(pair.cosine, 4)
                    items.append(Item(name, "morph", part, first, second, splice, after, cosine=cosine))
    by_name = {person.name: one for person, one in zip(people, seen, strict=True)}

    @lru_cache(maxsize=1)
    def both(first: str, second: str) -> Blend:
        return blend(by_name[first].parent, by_name[second].parent, settings.alpha)

    def draw(item: Item) -> Pixels:
        if not item.maker:
            return by_name[item.first].pixels
        return both(item.first, item.second).spliced(item.maker)  # type: ignore[arg-type]

    made = _write(out, items, draw, settings.seed, progress)
    return Making(tuple(finish(out, items)), made, failures)


def make_fakes(root: Path, out: Path, settings: Fakes, looker: Looker, progress: Progress | None = None) -> Making:
    """Made faces with and without counter-attack, and the photographs they were made from, all 256 pixels a side.

    The autoencoders are fitted to photographs of the training half. Errors as those of `make_morphs`.
    """
    people, seen, failures = _people(root, looker)
    begin(out, {"kind": "made", "root": root.name, **asdict(settings)} | _lists(settings))
    cut = {person.name: one.cut(MADE_SCALE, MADE_SIDE) for person, one in zip(people, seen, strict=True)}
    parts = halves(people, settings.seed)
    taught = [cut[people[row].name] for row in parts[0]][:TAUGHT]
    draws = makers(Autoencoder.fit(taught, width=24, stride=4))
    wanted = np.mean([azimuthal(luminance(photo)) for photo in taught], axis=0)
    cleans = removers(Autoencoder.fit(taught, width=64, stride=2, bias=12.0), wanted)
    items: list[Item] = []
    for part, rows in zip(PARTS, parts, strict=True):
        own = [people[row] for row in rows]
        items += _bona_fide(own, part, settings.afters)
        items += [
            Item(f"{who.name}-{maker}-{remover}-{after}.jpg", "made", part, who.name, "", maker, after, remover)
            for who in own
            for maker in draws
            for remover in settings.removers
            for after in settings.afters
        ]

    def draw(item: Item) -> Pixels:
        if not item.maker:
            return cut[item.first]
        chance = replace(item, file=item.first).chance(settings.seed)  # one face, however it is treated and saved
        return cleans[item.remover](draws[item.maker](cut[item.first], chance))

    made = _write(out, items, draw, settings.seed, progress)
    return Making(tuple(finish(out, items)), made, failures)


def _people(root: Path, looker: Looker) -> tuple[list[Person], list[Seen], tuple[Failure, ...]]:
    """People whose reference shows a face, what is seen in it, and why others are left out."""
    paths, unread = find_photos(root)
    people, seen, failures = [], [], list(unread)
    for person in people_of(paths):
        try:
            one = looker.look(person.reference)
        except MienError as error:
            if error.exit_code != 3:
                raise
            failures.append(Failure.of(error, str(person.reference)))
            continue
        people.append(person)
        seen.append(one)
    if not people and not paths:
        raise NotFoundError(f"{root}: no pictures there", source=str(root))
    if len(people) < LEAST_PEOPLE:
        raise UsageError(
            f"{root}: {len(people)} people with two usable pictures, at least {LEAST_PEOPLE} are needed; "
            "pictures of one person have one name up to the last underscore",
            code="too-few-people",
        )
    return people, seen, tuple(failures)


def _bona_fide(people: Sequence[Person], part: Part, afters: Sequence[str]) -> list[Item]:
    return [Item(f"{p.name}-{after}.jpg", "bona-fide", part, p.name, after=after) for p in people for after in afters]


def _write(
    out: Path, items: Sequence[Item], draw: Callable[[Item], Pixels], seed: int, progress: Progress | None
) -> int:
    """Draw what is missing, each face once for all the ways of saving it."""
    left = missing(out, items)
    done = 0
    for _, group in groupby(left, key=lambda item: (item.kind, item.first, item.second, item.maker, item.remover)):
        same = list(group)
        pixels = draw(same[0])
        for item in same:
            write_whole(out / PICTURES / item.file, AFTER[item.after](pixels, item.chance(seed)))
        done += len(same)
        if progress:
            progress(len(items) - len(left) + done, len(items))
    return done


def _lists(settings: Morphs | Fakes) -> dict[str, object]:
    """Tuples as JSON reads them back."""
    return {key: list(value) for key, value in asdict(settings).items() if isinstance(value, tuple)}


def _known(option: str, names: Sequence[str], known: Sequence[str]) -> None:
    strange = [name for name in names if name not in known]
    if strange or not names:
        raise UsageError(f"{option} takes {', '.join(known)}; got '{', '.join(strange)}'")
