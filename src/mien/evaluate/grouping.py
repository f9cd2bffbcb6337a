"""A grouping by the card's rule, measured against a folder for each person."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mien.evaluate.metrics.grouping import GroupingFigures, bcubed_interval, contingency, grouping_figures
from mien.evaluate.protocols.people_folder import LabelledFaces
from mien.grouping import GroupingRule
from mien.types.outcome import Failure

Intervals = dict[str, tuple[float, float]]
STEPS = np.round(np.arange(-0.12, 0.121, 0.03), 2)
"""Cuts around the card's at which a sweep looks."""


@dataclass(frozen=True, slots=True)
class GroupingResult:
    """One embedder's grouping of a folder.

    Args:
        name: the embedder.
        rule: the card's.
        figures: of the grouping by that rule.
        intervals: of BCubed precision, recall and f; None with fewer than two people.
        failures: photographs without a face.
        seconds: to look at the photographs, and to group the faces.
        sweep: figures at other cuts, by cut; empty unless asked for.
    """

    name: str
    rule: GroupingRule
    figures: GroupingFigures
    intervals: Intervals | None
    failures: tuple[Failure, ...]
    seconds: tuple[float, float]
    sweep: dict[float, GroupingFigures]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        figures = self.figures.to_dict()
        rule = {"cut": self.rule.cut, "attach": self.rule.attach, "min_score": self.rule.min_score}
        return {
            "name": self.name,
            "rule": {**rule, "data": self.rule.data, "date": self.rule.date},
            **figures,
            "intervals": {"bcubed": {k: list(v) for k, v in self.intervals.items()} if self.intervals else None},
            "failures": [failure.to_dict() for failure in self.failures],
            "seconds": {"looking": round(self.seconds[0], 3), "grouping": round(self.seconds[1], 3)},
            "sweep": [{"cut": cut, "bcubed": f.bcubed.to_dict()} for cut, f in self.sweep.items()],
        }


def measure_grouping(
    name: str, faces: LabelledFaces, rule: GroupingRule, *, looking: float, sweep: bool = False
) -> GroupingResult:
    """Figures of the faces grouped by a rule.

    Args:
        name: the embedder.
        faces: with the truth.
        rule: the card's.
        looking: seconds that it took to make the faces of the photographs.
        sweep: also at other cuts.
    """
    start = time.perf_counter()
    labels = faces.grouped(rule).labels
    seconds = looking, time.perf_counter() - start
    table = contingency(labels, faces.people)
    others = {}
    for cut in (rule.cut + STEPS).round(3).tolist() if sweep else ():
        moved = replace(rule, cut=cut, attach=max(cut, rule.attach))
        others[cut] = grouping_figures(faces.grouped(moved).labels, faces.people)
    figures = grouping_figures(labels, faces.people)
    return GroupingResult(name, rule, figures, bcubed_interval(table), faces.failures, seconds, others)
