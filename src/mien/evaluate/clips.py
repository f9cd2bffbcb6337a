"""Judging clips made from portraits: a rule is fitted on some people, its threshold fixed on others, and both tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from mien.errors import FaceError, ImageError, UsageError
from mien.evaluate.heads import central
from mien.evaluate.rates import Rate
from mien.image import Limits, open_photo
from mien.image.video import Frame
from mien.models.detectors import Detector
from mien.models.heads import Head
from mien.models.heads.landmarks import five_points
from mien.models.views import Cuts
from mien.presentation import made_clips
from mien.presentation.clip_cues import cues
from mien.presentation.clip_look import look
from mien.presentation.clip_rule import flattened
from mien.presentation.maker import maker
from mien.presentation.scene import SIDE
from mien.presentation.species import species
from mien.presentation.stacking import Cues, Logistic, Stack
from mien.types.arrays import FloatArray, Pixels
from mien.types.image import Image
from mien.types.outcome import Failure

LIVE = "live"
REPLAYED = "replayed clip"
"""A live clip on a screen: head and eyes move as they do in life."""
PARTS = ("train",) * 5 + ("dev",) * 2 + ("test",) * 3
"""Of people in the order of their names, again and again."""
MAKERS = {"train": (0, 20), "dev": (100, 10), "test": (200, 15)}
"""First maker seed and how many: who printed or showed what is tried was not seen before."""
LEAST_PEOPLE = 20
"""With fewer, a part or a fold could lack living people or attacks."""
CROP = 0.13
"""Of a made attack that is cut away on each side, so that what is around the medium does not move with it."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Example:
    """The cues of one made clip."""

    person: str
    part: str
    kind: str
    cues: Cues

    @property
    def real(self) -> bool:
        """Whether it is a bona fide presentation."""
        return self.kind == LIVE


def kinds() -> list[str]:
    """Of attacks that are made."""
    return [*(name for name in sorted(species) if name != "bona-fide"), REPLAYED]


def make(
    paths: Sequence[Path],
    detector: Detector,
    heads: list[Head],
    *,
    seconds: float,
    rate: float,
    progress: Progress | None = None,
) -> tuple[list[Example], list[Failure]]:
    """For each portrait one live clip and two attacks, of kinds in turn.

    Args:
        paths: square portraits before a plain wall; the name up to the first ``_`` is the person.
        detector: finds faces.
        heads: as `look` takes them.
        seconds: length of a clip.
        rate: frames a second.
        progress: told how far it is.
    """
    people = sorted({person_of(path) for path in paths})
    part = {person: PARTS[i % len(PARTS)] for i, person in enumerate(people)}
    names, examples, failures = kinds(), list[Example](), list[Failure]()
    for number, path in enumerate(paths):
        person = person_of(path)
        wanted = (LIVE, names[2 * number % len(names)], names[(2 * number + 1) % len(names)])
        try:
            photo, points = portrait(path, detector, heads[0])
            for kind in wanted:
                frames = clip(photo, points, kind, part[person], number, seconds, rate)
                try:
                    seen = look(frames, detector, heads, source=f"{path} as {kind}")
                except FaceError as error:  # an attack in which no face is found harms nobody, and is told
                    failures.append(Failure.of(error, str(path)))
                else:
                    examples.append(Example(person, part[person], kind, cues(seen)))
        except ImageError as error:
            failures.append(Failure.of(error, str(path)))
        if progress:
            progress(number + 1, len(paths))
    return examples, failures


def person_of(path: Path) -> str:
    """Who is seen, by the file's name."""
    return path.stem.split("_")[0]


def portrait(path: Path, detector: Detector, landmarks: Head) -> tuple[Pixels, FloatArray]:
    """(SIDE, SIDE, 3) and (68, 2) of the face nearest to the middle.

    Raises:
        ImageError: it cannot be used, is not of that size, or shows no face.
    """
    image = open_photo(path, limits=Limits()).decode()
    if image.size != (SIDE, SIDE):
        size = f"{image.size[0]} x {image.size[1]}"
        raise FaceError(f"{path}: {size} pixels; {SIDE} x {SIDE} are needed", code="image-shape", source=str(path))
    face = central(detector.detect(image))
    if face is None:
        raise FaceError(f"{path}: no face found", code="no-face", source=str(path))
    return image.pixels, landmarks.look(Cuts(image, face)).values[0]


def clip(
    photo: Pixels, points: FloatArray, kind: str, part: str, seed: int, seconds: float, rate: float
) -> Iterable[Frame]:
    """The frames of one made clip.

    Args:
        photo: as `portrait` gives it, with `points`.
        points: (68, 2).
        kind: `LIVE` or one of `kinds`.
        part: which makers.
        seed: of everything else.
        seconds: length.
        rate: frames a second.
    """
    first, count = MAKERS[part]
    motion = made_clips.Motion.drawn(seed, seconds=seconds, rate=rate)
    living = made_clips.live(made_clips.Portrait.of(photo, points), motion, seed)
    if kind == LIVE:
        shown: Iterable[Pixels] = living
    else:
        draw = np.random.default_rng((seed, 19))
        five, who = five_points(points[None])[0], maker(first + seed % count)
        if kind == REPLAYED:
            grey = np.full_like(photo, 128)
            copies: Iterable[Pixels] = made_clips.screened(living, _cropped(species["replay"](grey, five, who, draw)))
        else:
            copies = repeat(_cropped(species[kind](photo, five, who, draw)), len(motion.times_s))
        other = made_clips.Motion.drawn(seed + 10_000, seconds=seconds, rate=rate)
        shown = made_clips.attack(copies, other, seed)
    filmed = made_clips.filmed(shown, seed)
    return (Frame(i, float(t), Image(p)) for i, (t, p) in enumerate(zip(motion.times_s, filmed, strict=True)))


def _cropped(picture: Pixels) -> Pixels:
    edge = round(CROP * len(picture))
    return np.ascontiguousarray(picture[edge:-edge, edge:-edge])


@dataclass(frozen=True, slots=True)
class Tried:
    """What a way of deciding does on people and makers it was not made with.

    Args:
        name: of the way.
        threshold: fixed on the development part.
        bpcer: living people called an attack.
        apcer: by kind, attacks called bona fide.
    """

    name: str
    threshold: float
    bpcer: Rate
    apcer: Mapping[str, Rate]

    @property
    def pooled(self) -> Rate:
        """Attacks of any kind called bona fide."""
        return Rate(sum(r.errors for r in self.apcer.values()), sum(r.trials for r in self.apcer.values()))

    @property
    def hter(self) -> float | None:
        """Half the sum of BPCER and pooled APCER."""
        a, b = self.bpcer.value, self.pooled.value
        return None if a is None or b is None else (a + b) / 2

    @property
    def acer(self) -> float | None:
        """Half the sum of BPCER and the APCER of the worst kind (ISO/IEC 30107-3)."""
        worst = [r.value for r in self.apcer.values() if r.value is not None]
        return None if self.bpcer.value is None or not worst else (self.bpcer.value + max(worst)) / 2


@dataclass(frozen=True, slots=True)
class Fitted:
    """A rule and what it was found to do.

    Args:
        stack: fitted on the training part.
        species: kinds of attack told from each other.
        stacked: the whole.
        bases: each group of cues alone.
        unseen: by kind, APCER where nothing of the kind was trained on or used for the threshold.
        types: attacks of the test part whose kind was named wrongly.
    """

    stack: Stack
    species: dict[str, Logistic]
    stacked: Tried
    bases: tuple[Tried, ...]
    unseen: dict[str, Rate]
    types: Rate


def fit(examples: Sequence[Example]) -> Fitted:
    """Fit on the training part, fix thresholds on the development part, try on the test part.

    Raises:
        UsageError: too few people, or a part that lacks living ones or attacks.
    """
    people = len({e.person for e in examples})
    if people < LEAST_PEOPLE:
        raise UsageError(f"clips of {people} people are too few to split; give portraits of {LEAST_PEOPLE} at least")
    parts = {name: [e for e in examples if e.part == name] for name in MAKERS}
    for name, rows in parts.items():
        if not (any(e.real for e in rows) and any(not e.real for e in rows)):
            raise UsageError(f"the {name} part has {len(rows)} clips, not both living and copied; give more portraits")
    stack = _stack(parts["train"])
    groups = list(stack.bases)
    tried = [_tried("stacked", parts, stack.probability)]
    tried += [_tried(group, parts, _base(stack, group)) for group in groups]
    unseen = {}
    for kind in kinds():
        without = {name: [e for e in rows if e.kind != kind] for name, rows in parts.items()}
        stack_without = _stack(without["train"])
        threshold = balance(without["dev"], stack_without.probability)
        missed = [stack_without.probability(e.cues) >= threshold for e in parts["test"] if e.kind == kind]
        unseen[kind] = Rate(sum(missed), len(missed))
    named = _species([e for e in parts["train"] if not e.real])
    attacks = [e for e in parts["test"] if not e.real]
    wrong = sum(max(named, key=lambda n: named[n].odds(flattened(e.cues))) != e.kind for e in attacks)
    return Fitted(stack, named, tried[0], tuple(tried[1:]), unseen, Rate(wrong, len(attacks)))


def _stack(rows: Sequence[Example]) -> Stack:
    return Stack.fit([e.cues for e in rows], [e.real for e in rows], [e.person for e in rows])


def _base(stack: Stack, group: str) -> Callable[[Cues], float]:
    return lambda given: float(1 / (1 + np.exp(-stack.bases[group].odds(given[group]))))


def _species(attacks: Sequence[Example]) -> dict[str, Logistic]:
    flat = [flattened(e.cues) for e in attacks]
    return {kind: Logistic.fit(flat, [e.kind == kind for e in attacks]) for kind in sorted({e.kind for e in attacks})}


def _tried(name: str, parts: Mapping[str, Sequence[Example]], probability: Callable[[Cues], float]) -> Tried:
    threshold = balance(parts["dev"], probability)
    passed = [(e, probability(e.cues) >= threshold) for e in parts["test"]]
    live = [not ok for e, ok in passed if e.real]
    apcer = {kind: [ok for e, ok in passed if e.kind == kind] for kind in kinds()}
    return Tried(name, threshold, Rate(sum(live), len(live)), {k: Rate(sum(v), len(v)) for k, v in apcer.items()})


def balance(rows: Sequence[Example], probability: Callable[[Cues], float]) -> float:
    """The threshold at which the larger of BPCER and pooled APCER is smallest, midway between two clips."""
    scores = np.array([probability(e.cues) for e in rows])
    real = np.array([e.real for e in rows])
    ordered = np.unique(scores)
    limits = np.concatenate([[ordered[0]], (ordered[1:] + ordered[:-1]) / 2])
    worse = [max(float((scores[real] < t).mean()), float((scores[~real] >= t).mean())) for t in limits]
    best = np.flatnonzero(np.array(worse) == min(worse))
    return float(limits[best[len(best) // 2]])
