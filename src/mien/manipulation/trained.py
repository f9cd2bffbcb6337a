"""Detectors that were trained, as files: weights, a threshold, and what was measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import NotFoundError, StoreCorruptError, UsageError
from mien.manipulation.cues import Attack, Cue
from mien.manipulation.linear import Linear, fit_held_out
from mien.manipulation.watching import Samples
from mien.registry import unknown_name

BSCER = 0.05
"""Share of bona fide pictures that may be called an attack, on people held out in training: where a threshold lies."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A linear detector over one cue.

    Args:
        cue: name of it.
        linear: the weights.
        threshold: called an attack when score >= threshold.
        facts: attack, differential, data, date, command, counts and error rates, as JSON holds them.
    """

    cue: str
    linear: Linear
    threshold: float
    facts: dict[str, Any]

    @property
    def attack(self) -> Attack:
        """What it looks for."""
        attack: Attack = self.facts["attack"]
        return attack

    @property
    def differential(self) -> bool:
        """Whether it needs a live capture."""
        return bool(self.facts["differential"])

    def to_json(self) -> str:
        """The file's text; weights in single precision."""
        weights = [float(f"{value:.7g}") for value in self.linear.weights]
        fitted = {"cue": self.cue, "threshold": self.threshold, "bias": self.linear.bias, "weights": weights}
        document = self.facts | fitted
        return json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str, source: str) -> Trained:
        """From a file's text.

        Raises:
            StoreCorruptError: it is none.
        """
        try:
            facts = json.loads(text)
            weights = np.array(facts.pop("weights"), np.float64)
            linear = Linear(weights, float(facts.pop("bias")))
            return cls(facts.pop("cue"), linear, float(facts.pop("threshold")), facts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreCorruptError(f"{source}: no trained detector ({error}); train it again") from error


def train(name: str, cue: Cue, samples: Samples, facts: dict[str, Any]) -> Trained:
    """Fit a detector, and choose its threshold on the scores of held-out people.

    It lies half-way between the highest bona fide score that must not be called an attack (`BSCER`) and the next attack
    above it: where the two are well apart, in the middle of the gap.

    Args:
        name: of the cue.
        cue: whose features the samples have.
        samples: of the training half; those with a counter-attack should not be among them.
        facts: data, date and command, for the file.

    Raises:
        UsageError: there are no attacks or no bona fide samples of this kind.
    """
    if not len(samples) or samples.attacks.all() or not samples.attacks.any():
        raise UsageError(f"the material has no training samples for '{name}': it looks for {cue.attack} faces")
    fitted = fit_held_out(samples.features, samples.attacks, samples.people)
    bona_fide = np.sort(fitted.held_out[~samples.attacks])
    allowed = int(BSCER * len(bona_fide))
    highest = bona_fide[len(bona_fide) - 1 - allowed]  # that must not be called an attack
    scores = fitted.held_out[samples.attacks]
    above = scores[scores > highest]
    threshold = float((highest + above.min()) / 2 if len(above) else np.nextafter(highest, np.inf))
    known = {
        "attack": cue.attack,
        "differential": cue.differential,
        "shrinkage": fitted.shrinkage,
        "trained_on": {
            "bona_fide": len(bona_fide),
            "attacks": int(samples.attacks.sum()),
            "people": len(frozenset().union(*samples.people)),
        },
        "held_out": {
            "bscer": _rate(bona_fide >= threshold),
            "macer": _rate(scores < threshold),
        },
    }
    return Trained(name, fitted.linear, threshold, facts | known)


def _rate(wrong: Any) -> dict[str, int]:
    return {"errors": int(np.count_nonzero(wrong)), "trials": len(wrong)}


def built_in() -> list[str]:
    """Names of the detectors that come with mien."""
    folder = files("mien.manipulation") / "parameters"
    return sorted(path.name.removesuffix(".json") for path in folder.iterdir() if path.name.endswith(".json"))


def find_trained(name: str) -> Trained:
    """A detector by name, or from the ``.json`` file of a path.

    Raises:
        NotFoundError: no such detector.
        StoreCorruptError: the file is none.
    """
    if name.endswith(".json"):
        path = Path(name)
        if not path.is_file():
            raise NotFoundError(f"no such file: {name}", source=name)
        return Trained.from_json(path.read_text("utf-8"), name)
    if name not in built_in():
        raise NotFoundError(unknown_name("trained detector", name, built_in()), source=name)
    text = (files("mien.manipulation") / "parameters" / f"{name}.json").read_text("utf-8")
    return Trained.from_json(text, name)
