"""Detectors of presentation attacks on made material: threshold on one part, errors on another.

Parts differ in people and in makers. Cross-species: a detector is fitted to some species and tried on the one left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mien.errors import ConflictError, UsageError
from mien.evaluate.heads import Observed
from mien.evaluate.metrics.presentation import LIMITS, Errors, bpcer_at, equal_error_threshold, errors_at
from mien.evaluate.rates import Rate
from mien.presentation.fit import Shown, fit
from mien.presentation.make import person_of
from mien.presentation.manifest import Made, read_manifest
from mien.types.arrays import AnyArray, FloatArray

LIVE: Final = "bona-fide"
UNTOUCHED: Final = "untouched"
"""Bona fide photographs as they are."""
RETAKEN: Final = "same camera"
"""Bona fide photographs that went through the light and camera of the attacks."""


@dataclass(frozen=True, slots=True)
class Part:
    """Pictures of some people by some makers.

    Args:
        name: what it is for.
        bona_fide: paths by kind: `UNTOUCHED` and `RETAKEN`.
        attacks: paths by species.
        people: who is in it.
        makers: of the attacks.
    """

    name: str
    bona_fide: Mapping[str, tuple[Path, ...]]
    attacks: Mapping[str, tuple[Path, ...]]
    people: frozenset[str]
    makers: frozenset[int]

    @property
    def paths(self) -> list[Path]:
        """All of them."""
        return [path for group in (self.bona_fide, self.attacks) for paths in group.values() for path in paths]


def read_part(name: str, folder: Path, photographs: Sequence[Path]) -> Part:
    """The material in a folder, with the untouched photographs of the same people.

    Raises:
        NotFoundError: there is no manifest.
        UsageError: there is no attack, or no photograph of the people.
    """
    rows = read_manifest(folder)
    people = frozenset(row.person for row in rows)
    untouched = tuple(path for path in photographs if person_of(path) in people)
    species = sorted({row.species for row in rows} - {LIVE})
    if not species or not untouched:
        missing = "attacks" if not species else "bona fide photographs of the same people"
        raise UsageError(f"{folder}: there are no {missing}; the part {name} needs both")
    attacks = {kind: _paths(folder, rows, kind) for kind in species}
    bona_fide = {UNTOUCHED: untouched, RETAKEN: _paths(folder, rows, LIVE)}
    return Part(name, bona_fide, attacks, people, frozenset(row.maker for row in rows if row.species != LIVE))


def _paths(folder: Path, rows: Sequence[Made], species: str) -> tuple[Path, ...]:
    return tuple(folder / row.file for row in rows if row.species == species)


def require_apart(parts: Sequence[Part]) -> None:
    """Raises ConflictError where two parts share a person or a maker: the test would repeat what was fitted."""
    for number, one in enumerate(parts):
        for other in parts[number + 1 :]:
            people, makers = one.people & other.people, one.makers & other.makers
            if people or makers:
                shared = f"person {min(people)}" if people else f"maker {min(makers)}"
                raise ConflictError(f"{one.name} and {other.name} share {shared}: make them of others")


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one part; pictures without a face have none.

    Args:
        bona_fide: by kind, (n,).
        attacks: by species, (n,).
    """

    bona_fide: Mapping[str, FloatArray]
    attacks: Mapping[str, FloatArray]

    @property
    def live(self) -> FloatArray:
        """All bona fide scores."""
        return np.concatenate(list(self.bona_fide.values()))

    def only(self, species: str) -> Scores:
        """The attacks of one species."""
        return Scores(self.bona_fide, {species: self.attacks[species]})

    def without(self, species: str) -> Scores:
        """The other attacks."""
        return Scores(self.bona_fide, {name: scores for name, scores in self.attacks.items() if name != species})


class Looked:
    """What heads said of pictures, found again by path."""

    def __init__(self, paths: Sequence[Path], observed: Observed) -> None:
        self._rows = {path: row for row, path in enumerate(paths)}
        self.observed = observed

    def values(self, paths: Sequence[Path], head: str) -> FloatArray:
        """(n, …) of those pictures in which a face was found."""
        rows = np.array([self._rows[path] for path in paths], np.int64)
        values: FloatArray = self.observed.values[head][rows[self.observed.found[rows]]]
        return values

    def found(self, paths: Sequence[Path]) -> Rate:
        """How many of the pictures gave no face, and so no answer."""
        rows = [self._rows[path] for path in paths]
        return Rate(int((~self.observed.found[rows]).sum()), len(rows))

    def shown(self, part: Part, head: str, labels: int) -> Shown:
        """The cues that a head of family `pad` left behind its probabilities."""
        groups = [(LIVE, paths) for paths in part.bona_fide.values()] + list(part.attacks.items())
        values = [self.values(paths, head)[:, labels:] for _, paths in groups]
        names = [name for (name, _), rows in zip(groups, values, strict=True) for _ in range(len(rows))]
        return Shown(np.concatenate(values), tuple(names))


@dataclass(frozen=True, slots=True)
class Verdict:
    """One detector's errors.

    Args:
        name: of the detector.
        rule: how its threshold was fixed.
        errors: on the test part.
        bona_fide: refused, by kind and by further set.
        development: errors on the part that fixed the threshold.
        limited: BPCER at APCER limits, over all species and by species.
        ms: processor milliseconds a face, None where it was not timed.
    """

    name: str
    rule: str
    errors: Errors
    bona_fide: Mapping[str, Rate]
    development: Errors
    limited: Mapping[str, Mapping[float, Rate]]
    ms: float | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "detector": self.name,
            "threshold_rule": self.rule,
            "test": self.errors.to_dict(),
            "bona_fide": {name: rate.to_dict() for name, rate in self.bona_fide.items()},
            "development": self.development.to_dict(),
            "bpcer_at_apcer": {
                name: {f"{limit:g}": rate.to_dict() for limit, rate in rates.items()}
                for name, rates in self.limited.items()
            },
            "ms": self.ms,
        }


EQUAL: Final = "equal error of the worst species on the development part"


def judge(
    name: str,
    development: Scores,
    test: Scores,
    others: Mapping[str, FloatArray],
    *,
    fixed: float | None = None,
    ms: float | None = None,
) -> Verdict:
    """A detector by its scores.

    Args:
        name: of it.
        development: fixes the threshold.
        test: people and makers that it has not seen.
        others: scores of further bona fide sets.
        fixed: a threshold of its own instead.
        ms: a face.
    """
    threshold = equal_error_threshold(development.live, development.attacks) if fixed is None else fixed
    sets = {**test.bona_fide, **others}
    refused = {kind: errors_at(threshold, scores, {}).bpcer for kind, scores in sets.items()}
    groups = {"all": test.attacks} | {kind: {kind: scores} for kind, scores in test.attacks.items()}
    return Verdict(
        name,
        EQUAL if fixed is None else "on its card",
        errors_at(threshold, test.live, test.attacks),
        refused,
        errors_at(threshold, development.live, development.attacks),
        {kind: {limit: bpcer_at(limit, test.live, group) for limit in LIMITS} for kind, group in groups.items()},
        ms,
    )


def cross_species(
    looked: Looked,
    head: str,
    labels: int,
    train: Part,
    development: Part,
    test: Part,
    others: Mapping[str, Sequence[Path]],
) -> list[Verdict]:
    """For each species: fitted without it, threshold fixed without it, tried on it.

    The regression is that of the head, on its cues as the head gives them.
    """
    shown, verdicts = looked.shown(train, head, labels), []
    for species in sorted(test.attacks):
        if len(set(shown.species) - {LIVE, species}) < 1 or not set(development.attacks) - {species}:
            continue
        table = fit(shown.without(species))

        def scores(paths: Sequence[Path], by: Any = table) -> FloatArray:
            given: FloatArray = by.probabilities(looked.values(paths, head)[:, labels:])[:, 0]
            return given

        fixed = scores_of(development, scores).without(species)
        further = {name: scores(paths) for name, paths in others.items()}
        verdicts.append(judge(f"{head} without {species}", fixed, scores_of(test, scores).only(species), further))
    return verdicts


def scores_of(part: Part, score: Any) -> Scores:
    """A part through a function from paths to scores."""
    return Scores(
        {kind: score(paths) for kind, paths in part.bona_fide.items() if paths},
        {kind: score(paths) for kind, paths in part.attacks.items()},
    )


def named(values: AnyArray, truth: str, labels: Sequence[str]) -> NDArray[np.int64]:
    """(k,) how often each label was the likeliest, for pictures of one species; `truth` must be a label."""
    if truth not in labels:
        raise ValueError(f"{truth} is no label of this head")
    counts: NDArray[np.int64] = np.bincount(values[:, : len(labels)].argmax(axis=1), minlength=len(labels))
    return counts
