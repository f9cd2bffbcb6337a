"""What quality scores are worth: error versus discard on photographs of known people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.metrics.edc import Discards, discards
from mien.evaluate.protocols.pairs import cosines
from mien.evaluate.protocols.subjects import Subjects, drawn_pairs
from mien.evaluate.quality_faces import Harm, Looked, Progress, Raters, joined_sights, look
from mien.evaluate.rates import rule_of_three, supported
from mien.evaluate.scores import Scores
from mien.pipeline import Pipeline
from mien.quality.utility import Examples
from mien.quality.utility.degradations import degradations

VERSIONS = 3
"""Of each photograph to learn from: as it is, and so often made worse, each time by the next kind."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How comparisons are made of photographs.

    Args:
        fmr: at which the threshold is set.
        mated: comparisons of one person at most.
        nonmated: comparisons of two people at most.
        people: of those with two photographs or more, so many drawn; None = all.
        degrade: what is done to half of the photographs, none by default.
        seed: of all draws.
    """

    fmr: float = 1e-3
    mated: int = 20
    nonmated: int = 200_000
    people: int | None = None
    degrade: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Utility:
    """What quality scores are worth to one embedder.

    Args:
        system: the embedder's name.
        data: name of the photographs.
        plan: how they were compared.
        photographs: looked at: those that some comparison needs.
        people: on them.
        lost: how many gave no face, by reason.
        harmed: how many were made worse, by kind.
        discards: the figures.
        ms: of each score, processor milliseconds a face beside the template's.
        template_ms: of the template.
        scores: the comparisons.
    """

    system: str
    data: str
    plan: Plan
    photographs: int
    people: int
    lost: Mapping[str, int]
    harmed: Mapping[str, int]
    discards: Discards
    ms: Mapping[str, float]
    template_ms: float
    scores: Scores

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        d = self.discards
        return {
            "name": self.system,
            "data": self.data,
            "photographs": self.photographs,
            "people": self.people,
            "lost": dict(self.lost),
            "degraded": dict(self.harmed),
            "seed": self.plan.seed,
            "fmr": d.fmr,
            "threshold": d.threshold,
            "false_matches": d.matches.to_dict(),
            "misses": d.misses.to_dict(),
            "failures": d.failures,
            "limit": d.limit,
            "oracle_area": d.oracle_area,
            "random_area": d.oracle.random,
            "interval": d.interval,
            "template_ms": self.template_ms,
            "measures": {name: self._worth(name) for name in d.worths},
        }

    def _worth(self, name: str) -> dict[str, Any]:
        worth = self.discards.worths[name]
        left = [
            {
                "share": row.share,
                "discarded": row.discarded,
                "fnmr": {**row.fnmr.to_dict(), "errors": row.misses.errors, "trials": row.misses.trials},
                "gain_over_random": row.gain.to_dict(),
            }
            for row in worth.left
        ]
        return {
            "left": left,
            "curve": [[p / 100, worth.curve.at(p / 100)] for p in range(round(100 * self.discards.limit) + 1)],
            "area": worth.area.to_dict(),
            "gain_over_random": worth.gain.to_dict(),
            "share_of_oracle": worth.reached.to_dict() if worth.reached else None,
            "ms": self.ms.get(name),
        }


def measure_utility(
    system: str,
    pipeline: Pipeline,
    data: Subjects,
    raters: Raters,
    plan: Plan,
    *,
    progress: Progress | None = None,
) -> Utility:
    """Compare the photographs, rate them, and see what discarding the poorest leaves.

    Args:
        system: the embedder's name.
        pipeline: detector and embedder, opened for throughput.
        data: photographs of known people.
        raters: the scores to measure.
        plan: how comparisons are made.
        progress: called with (done, total) photographs.

    Raises:
        UsageError: nobody has two photographs, or too few comparisons for the FMR.
    """
    data, a, b, mated = _needed(data, plan)
    nonmated = int((~mated).sum())
    if not supported(plan.fmr, nonmated):
        raise UsageError(
            f"{nonmated:,} non-mated comparisons support no FMR below {rule_of_three(nonmated):.1g} (rule of three); "
            "raise --fmr, or give more people"
        )
    harm = Harm.half(len(data), plan.degrade, plan.seed)
    looked = look(pipeline, data.paths, raters, harm=harm, progress=progress)
    scores = _scores(system, data, looked, a, b, mated)
    return Utility(
        system=system,
        data=data.name,
        plan=plan,
        photographs=len(data),
        people=len(np.unique(data.people)),
        lost=Counter(reason for reason in looked.reasons if reason),
        harmed=Counter(kind for kind in harm.kinds.tolist() if kind),
        discards=discards(scores, looked.qualities, fmr=plan.fmr),
        ms=looked.ms,
        template_ms=looked.template_ms,
        scores=scores,
    )


Rows = NDArray[np.int64]


def _needed(data: Subjects, plan: Plan) -> tuple[Subjects, Rows, Rows, NDArray[np.bool_]]:
    """The photographs of the mated comparisons, and all comparisons among them."""
    data = _drawn_people(data, plan)
    a, b, kinds = drawn_pairs(data.people, mated=plan.mated, nonmated=plan.nonmated, seed=plan.seed)
    rows = np.unique(np.concatenate([a[kinds], b[kinds]]))
    kept = replace(data, paths=tuple(data.paths[row] for row in rows.tolist()), people=data.people[rows])
    own = np.searchsorted(rows, a[kinds]), np.searchsorted(rows, b[kinds])
    c, d, others = drawn_pairs(kept.people, mated=1, nonmated=plan.nonmated, seed=plan.seed)
    a, b = np.concatenate([own[0], c[~others]]), np.concatenate([own[1], d[~others]])
    return kept, a, b, np.arange(len(a)) < len(own[0])


def _drawn_people(data: Subjects, plan: Plan) -> Subjects:
    several = np.flatnonzero(np.bincount(data.people) > 1)
    if plan.people is None or plan.people >= len(several):
        return data
    chosen = np.random.default_rng(plan.seed).choice(several, plan.people, replace=False)
    rows = np.flatnonzero(np.isin(data.people, chosen))
    return replace(data, paths=tuple(data.paths[row] for row in rows.tolist()), people=data.people[rows])


def _scores(system: str, data: Subjects, looked: Looked, a: Rows, b: Rows, mated: NDArray[np.bool_]) -> Scores:
    failed = looked.failed[a] | looked.failed[b]
    score = cosines(looked.vectors, a, b)
    score[failed] = -np.inf
    samples = tuple(f"{path.parent.name}/{path.name}" for path in data.paths)
    return Scores(
        system, score, mated, failed, a=a, b=b, samples=samples, subjects=data.people, meta={"data": data.name}
    )


def read_examples(pipeline: Pipeline, data: Subjects, *, seed: int = 0, progress: Progress | None = None) -> Examples:
    """Faces to learn from, each as it is and made worse in several ways.

    Raises:
        UsageError: no face was found.
    """
    kinds = np.array(list(degradations))
    sights, rows, harmed = [], [], []
    for version in range(VERSIONS + 1):
        turns = kinds[(np.arange(len(data)) + version) % len(kinds)] if version else np.full(len(data), "", kinds.dtype)
        part = _part(progress, version, VERSIONS + 1)
        found = look(pipeline, data.paths, Raters(), harm=Harm(turns, seed + version), keep=True, progress=part)
        if found.sights is not None:
            sights.append(found.sights)
            rows.append(found.rows)
            harmed.append(np.full(len(found.rows), version > 0))
    if not sights:
        raise UsageError(f"{data.name}: no face was found to learn from")
    pictures = np.concatenate(rows)
    return Examples(joined_sights(sights), data.people[pictures], pictures, np.concatenate(harmed))


def _part(progress: Progress | None, number: int, of: int) -> Callable[[int, int], None] | None:
    if progress is None:
        return None
    return lambda done, total: progress(number * total + done, of * total)


def check_kinds(names: Sequence[str]) -> tuple[str, ...]:
    """Degradations by name, each once.

    Raises:
        UsageError: an unknown one.
    """
    for name in names:
        if name not in degradations:
            raise UsageError(f"--degrade takes {', '.join(degradations)}, not '{name}'")
    return tuple(dict.fromkeys(names))
