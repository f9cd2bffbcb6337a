"""Morphed and made faces: which of them a matcher accepts, and which of them detectors notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.compare.operating import at_fmr
from mien.errors import ImageError, UsageError
from mien.evaluate.metrics.morphing import Detection, Vulnerability, attack_potential, vulnerability
from mien.evaluate.rates import Rate
from mien.image import find_photos
from mien.manipulation.cues import Cue
from mien.manipulation.looking import Looker
from mien.manipulation.material import Item
from mien.manipulation.pairs import people_of
from mien.manipulation.trained import Trained
from mien.manipulation.watching import Samples, Watched
from mien.models import find_card
from mien.types.score import OperatingPoint

AT_MACER = (0.05, 0.1)
"""Where BSCER is told."""
FUSED = "fused"


@dataclass(frozen=True, slots=True)
class Matcher:
    """An embedder before a material.

    Args:
        name: of its card.
        point: the threshold, with what it rests on.
        bona_fide: mated comparisons of untouched references that fail, by way of saving.
        strangers: comparisons of untouched references with other people's live captures that match.
        morphs: by (how it was made, how it was saved).
        whole: over all morphs.
    """

    name: str
    point: OperatingPoint
    bona_fide: Mapping[str, Rate]
    strangers: Rate
    morphs: Mapping[tuple[str, str], Vulnerability]
    whole: Vulnerability

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "embedder": self.name,
            "operating_point": self.point.to_dict(),
            "fnmr": {after: rate.to_dict() for after, rate in self.bona_fide.items()},
            "fmr_here": self.strangers.to_dict(),
            "all": self.whole.to_dict(),
            "morphs": [{"maker": m, "after": a, **found.to_dict()} for (m, a), found in self.morphs.items()],
        }


@dataclass(frozen=True, slots=True)
class Attacked:
    """Matchers before the same morphs.

    Args:
        matchers: each at its own threshold.
        potential: MAP over the matchers that are not made of others: rows attempts, columns matchers.
        systems: how many those are.
    """

    matchers: tuple[Matcher, ...]
    potential: tuple[tuple[Rate, ...], ...]
    systems: int


def attacked(watched: Watched, fmr: float) -> Attacked:
    """How far morphs pass for their people.

    Args:
        watched: with the vectors of embedders and with live captures.
        fmr: asked of each card's table.

    Raises:
        UsageError: there are no morphs, or the tables do not support the rate.
    """
    morphs = [row for row, item in enumerate(watched.items) if item.kind == "morph" and _known(item, watched)]
    if not morphs:
        raise UsageError("the material has no morphs whose people have live captures")
    matchers, attempts, limits = [], [], []
    for name in (*watched.vectors, FUSED):
        score = _Scores(watched, name)
        point = _point(name, fmr)
        tried = [[score(row, who) for who in sorted(watched.items[row].people)] for row in morphs]
        matchers.append(_matcher(name, point, watched, score, morphs, tried))
        if name != FUSED:
            attempts.append(tried)
            limits.append(point.threshold)
    potential = tuple(tuple(row) for row in attack_potential(attempts, limits))
    return Attacked(tuple(matchers), potential, len(attempts))


class _Scores:
    """Cosines of a picture with a person's live captures."""

    def __init__(self, watched: Watched, name: str) -> None:
        self._watched = watched
        fuse = find_card(name, "embedder").fuse
        self._parts = dict(zip(fuse.cards, fuse.weights, strict=True)) if fuse else {name: 1.0}

    def __call__(self, row: int, who: str) -> NDArray[np.float64]:
        """(k,) one for each live capture."""
        live = self._watched.live[who]
        return np.asarray(
            sum(weight * (live[part] @ self._watched.vectors[part][row]) for part, weight in self._parts.items()),
            np.float64,
        )


def _matcher(
    name: str, point: OperatingPoint, watched: Watched, score: _Scores, morphs: list[int], tried: list[list[Any]]
) -> Matcher:
    untouched = [r for r, item in enumerate(watched.items) if item.kind == "bona-fide" and _known(item, watched)]
    afters = list(dict.fromkeys(watched.items[row].after for row in untouched))
    own = {a: [score(r, watched.items[r].first) for r in untouched if watched.items[r].after == a] for a in afters}
    refused = {after: _below(scores, point.threshold) for after, scores in own.items()}
    others = [
        score(row, who)
        for row in untouched
        if watched.items[row].after == afters[0]
        for who in watched.live
        if who != watched.items[row].first
    ]
    everyone = Rate(sum(rate.errors for rate in refused.values()), sum(rate.trials for rate in refused.values()))
    kinds = list(dict.fromkeys((watched.items[row].maker, watched.items[row].after) for row in morphs))
    by_kind = {}
    for kind in kinds:
        chosen = [
            scores
            for row, scores in zip(morphs, tried, strict=True)
            if (watched.items[row].maker, watched.items[row].after) == kind
        ]
        by_kind[kind] = vulnerability(chosen, point.threshold, refused.get(kind[1], everyone))
    whole = vulnerability(tried, point.threshold, everyone)
    below = _below(others, point.threshold)
    return Matcher(name, point, refused, Rate(below.trials - below.errors, below.trials), by_kind, whole)


def _below(scores: Sequence[NDArray[np.float64]], threshold: float) -> Rate:
    together = np.concatenate(scores) if scores else np.empty(0)
    return Rate(int((together < threshold).sum()), len(together))


def _known(item: Item, watched: Watched) -> bool:
    return all(who in watched.live for who in item.people)


def _point(name: str, fmr: float) -> OperatingPoint:
    table = find_card(name, "embedder").operating
    if table is None:
        raise UsageError(f"'{name}' has no measured thresholds")
    return at_fmr(table, fmr)


@dataclass(frozen=True, slots=True)
class Judged:
    """A detector before a material.

    Args:
        detector: as it was trained.
        whole: all attacks without a counter-attack, and all bona fide pictures.
        kinds: by (how it was made, how it was saved, counter-attack); the bona fide pictures are saved likewise.
    """

    detector: Trained
    whole: Detection
    kinds: Mapping[tuple[str, str, str], Detection]

    @property
    def worst(self) -> tuple[tuple[str, str, str], Rate] | None:
        """The kind missed most at the detector's threshold, as ISO/IEC 30107-3 asks; None without any."""
        found = [(kind, each.macer(self.detector.threshold)) for kind, each in self.kinds.items() if kind[2] == "none"]
        return max(found, key=lambda pair: pair[1].value or 0.0) if found else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        limit = self.detector.threshold
        kinds = [{"maker": m, "after": a, "remover": r, **_told(d, limit)} for (m, a, r), d in self.kinds.items()]
        facts = self.detector.facts
        kind = {name: facts.get(name) for name in ("attack", "differential", "trained_on", "held_out", "data", "date")}
        return {"detector": self.detector.cue, **kind, "all": _told(self.whole, limit), "kinds": kinds}


def judged(detector: Trained, samples: Samples) -> Judged:
    """What a detector makes of samples whose kind is known.

    Raises:
        UsageError: the features are not those it was trained on.
    """
    if len(samples) and samples.features.shape[1] != len(detector.linear.weights):
        raise UsageError(
            f"'{detector.cue}' was trained on {len(detector.linear.weights)} numbers, the material gives "
            f"{samples.features.shape[1]}; train it again"
        )
    scores = detector.linear.score(samples.features) if len(samples) else np.empty(0)
    attacks = samples.attacks
    kinds = {}
    for kind in dict.fromkeys((i.maker, i.after, i.remover) for i in samples.items if i.kind != "bona-fide"):
        same = np.array([(i.maker, i.after, i.remover) == kind for i in samples.items], np.bool_)
        fair = np.array([i.after == kind[1] for i in samples.items], np.bool_) & ~attacks
        kinds[kind] = Detection(scores[same], scores[fair])
    plain = np.array([i.remover == "none" for i in samples.items], np.bool_)
    return Judged(detector, Detection(scores[attacks & plain], scores[~attacks]), kinds)


def _told(detection: Detection, threshold: float) -> dict[str, Any]:
    return {
        "threshold": threshold,
        "macer": detection.macer(threshold).to_dict(),
        "bscer": detection.bscer(threshold).to_dict(),
        "d_eer": detection.equal_error(),
        "bscer_at_macer": {f"{macer:g}": detection.bscer_at(macer).to_dict() for macer in AT_MACER},
    }


def measured(judged: Judged) -> dict[str, Any]:
    """What a detector's own file says of it: rates on people that it was not fitted to."""
    limit, whole, worst = judged.detector.threshold, judged.whole, judged.worst
    return {
        "macer": whole.macer(limit).to_dict(),
        "bscer": whole.bscer(limit).to_dict(),
        "d_eer": whole.equal_error(),
        "worst": None if worst is None else {"maker": worst[0][0], "after": worst[0][1], **worst[1].to_dict()},
    }


def elsewhere(
    detectors: Sequence[tuple[Trained, Cue]], root: Path, looker: Looker, *, most: int = 100
) -> dict[str, Rate]:
    """How many untouched pictures of another set a detector calls an attack: BSCER away from where it was trained.

    Args:
        detectors: with their cues.
        root: people with two pictures or more, as `mien.manipulation.pairs.people_of` finds them.
        looker: with embedders where one is differential.
        most: people, evenly drawn from the list; of each the first picture, beside the second as live capture.

    Raises:
        NotFoundError: no such folder.
        UsageError: nobody there has two pictures that show a face.
    """
    people = people_of(find_photos(root)[0])
    people = people[:: max(1, -(-len(people) // most))]
    called: dict[str, list[bool]] = {detector.cue: [] for detector, _ in detectors}
    for person in people:
        try:
            seen, live = looker.look(person.reference), looker.look(person.live[0])
        except ImageError:
            continue
        for detector, cue in detectors:
            score = detector.linear.score(cue.features(seen, live))
            called[detector.cue].append(bool(score >= detector.threshold))
    if not any(called.values()):
        raise UsageError(f"{root}: nobody has two pictures that show a face", code="too-few-people")
    return {name: Rate(sum(answers), len(answers)) for name, answers in called.items()}
