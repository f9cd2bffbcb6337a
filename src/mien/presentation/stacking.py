"""A classifier for each group of cues, and one over their answers (D. Wolpert, Stacked Generalization, 1992).

Frame skipping with base classifiers under a meta-model for clips follows Muhammad et al., Deep Ensemble Learning with
Frame Skipping for Face Anti-Spoofing, 2023; the base classifiers here are logistic regressions on cues with names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
Cues = Mapping[str, Mapping[str, float]]
"""By group and name; NaN = unknown."""
RIDGE = 1.0
"""Weight of the penalty on squared weights, in examples."""
REACH = 4.0
"""Standard deviations beyond which a cue says no more."""
STEPS = 50


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression on standardised numbers.

    Args:
        names: of the k numbers.
        mean, deviation: (k,) of them where it was trained.
        weights: (k,) for standard deviations.
        bias: of the log-odds.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float

    def pulls(self, values: Mapping[str, float]) -> dict[str, float]:
        """What each number adds to the log-odds; 0 for one that is unknown.

        Raises:
            KeyError: a name is missing.
        """
        rows = zip(self.names, self.mean, self.deviation, self.weights, strict=True)
        return {name: w * standard(values[name], m, d) for name, m, d, w in rows}

    def odds(self, values: Mapping[str, float]) -> float:
        """Log-odds of bona fide."""
        return self.bias + sum(self.pulls(values).values())

    @classmethod
    def fit(cls, rows: Sequence[Mapping[str, float]], real: Sequence[bool]) -> Logistic:
        """From examples; both kinds count alike, however many there are of each.

        Raises:
            ValueError: only one kind is there.
        """
        names = tuple(rows[0])
        table, kinds = np.array([[row[name] for name in names] for row in rows], np.float64), np.array(real, bool)
        if not (kinds.any() and (~kinds).any()):
            raise ValueError("examples of both kinds are needed")
        known = np.isfinite(table)
        counts = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, table, 0).sum(axis=0) / counts
        spread = np.sqrt(np.where(known, (table - mean) ** 2, 0).sum(axis=0) / counts)
        deviation = np.where(spread > 1e-9, spread, 1.0)
        inputs = np.clip(np.where(known, (table - mean) / deviation, 0), -REACH, REACH)
        share = np.where(kinds, 0.5 / kinds.sum(), 0.5 / (~kinds).sum()) * len(kinds)
        weights, bias = newton(inputs, kinds.astype(np.float64), share)
        numbers = [tuple(map(float, v)) for v in (mean, deviation, weights)]
        return cls(names, numbers[0], numbers[1], numbers[2], bias)


def standard(value: float, mean: float, deviation: float) -> float:
    """A number in standard deviations, limited to `REACH`; 0 where it is unknown."""
    return float(np.clip((value - mean) / deviation, -REACH, REACH)) if np.isfinite(value) else 0.0


def newton(inputs: F8, kinds: F8, share: F8) -> tuple[F8, float]:
    """Weights and bias of the ridge-penalised weighted logistic regression; the bias is free.

    Args:
        inputs: (n, k).
        kinds: (n,) 1 or 0.
        share: (n,) weight of each example.
    """
    table = np.column_stack([inputs, np.ones(len(inputs))])
    penalty = np.diag([RIDGE] * inputs.shape[1] + [1e-9])
    found = np.zeros(table.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-table @ found))
        slope = table.T @ (share * (kinds - p)) - penalty @ found
        bend = (table * (share * p * (1 - p))[:, None]).T @ table + penalty
        step = np.linalg.solve(bend, slope)
        found = found + step / max(1.0, float(np.abs(step).max()))  # at most 1 at a time, so that it cannot overshoot
        if float(np.abs(step).max()) < 1e-8:
            break
    return found[:-1], float(found[-1])


@dataclass(frozen=True, slots=True)
class Stack:
    """Base classifiers by group, and the one over their log-odds."""

    bases: Mapping[str, Logistic]
    top: Logistic

    def base_odds(self, cues: Cues) -> dict[str, float]:
        """Log-odds of bona fide, by group."""
        return {group: base.odds(cues[group]) for group, base in self.bases.items()}

    def probability(self, cues: Cues) -> float:
        """Of a bona fide presentation.

        Raises:
            KeyError: a group or cue is missing.
        """
        return float(1 / (1 + np.exp(-self.top.odds(self.base_odds(cues)))))

    def strongest(self, cues: Cues, *, real: bool, most: int = 3) -> list[tuple[str, str, float]]:
        """Group, name and log-odds of the cues that speak most for an answer, strongest first."""
        sign = 1.0 if real else -1.0
        given = []
        for group, base in self.bases.items():
            at = self.top.names.index(group)
            share = self.top.weights[at] / self.top.deviation[at]
            given += [(group, name, sign * share * pull) for name, pull in base.pulls(cues[group]).items()]
        return [row for row in sorted(given, key=lambda row: -row[2])[:most] if row[2] > 0]

    @classmethod
    def fit(cls, rows: Sequence[Cues], real: Sequence[bool], people: Sequence[str]) -> Stack:
        """From clips; what the top one learns from was answered by bases that had not seen the person.

        Args:
            rows: n clips.
            real: n, whether each is bona fide.
            people: n, who is seen; a person lies in one of five folds.

        Raises:
            ValueError: only one kind is there, or so few people that a fold lacks one.
        """
        order = {person: i % 5 for i, person in enumerate(sorted(set(people)))}
        folds = np.array([order[person] for person in people])
        answered: list[dict[str, float]] = [{} for _ in rows]
        for fold in range(5):
            inside = [i for i in range(len(rows)) if folds[i] != fold]
            bases = _bases([rows[i] for i in inside], [real[i] for i in inside])
            for i, row in enumerate(rows):
                if folds[i] == fold:
                    answered[i] = {group: base.odds(row[group]) for group, base in bases.items()}
        return cls(_bases(rows, real), Logistic.fit(answered, real))


def _bases(rows: Sequence[Cues], real: Sequence[bool]) -> dict[str, Logistic]:
    return {group: Logistic.fit([row[group] for row in rows], real) for group in rows[0]}
