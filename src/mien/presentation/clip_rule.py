"""How clips are judged: a stack of classifiers, its threshold, and how far it was found to err; kept as a JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from math import exp
from pathlib import Path
from typing import Any

from mien.errors import ModelInvalidError, ModelMismatchError, NotFoundError
from mien.models.card import Card
from mien.presentation.stacking import Cues, Logistic, Stack

BUILT_IN = "clips.json"


@dataclass(frozen=True, slots=True)
class ClipRule:
    """What decides on a clip.

    Args:
        stack: gives the probability of a bona fide presentation.
        species: for each kind of attack trained on, how it differs from the others.
        heads: single-picture heads it rests on, and the SHA-256 of their weights.
        rate: frames looked at a second.
        threshold: bona fide from this probability on.
        origin: ``data``, ``rule``, ``date`` and ``command`` of the threshold.
        errors: as measured: rows of measure, value, low, high, errors, trials.
    """

    stack: Stack
    species: Mapping[str, Logistic]
    heads: Mapping[str, str]
    rate: float
    threshold: float
    origin: Mapping[str, str]
    errors: tuple[Mapping[str, Any], ...]

    def attack_type(self, cues: Cues) -> tuple[str, float]:
        """The likeliest kind of attack, and its share among those known."""
        flat = flattened(cues)
        powers = {name: exp(min(30.0, each.odds(flat))) for name, each in self.species.items()}
        name = max(powers, key=lambda n: powers[n])
        return name, powers[name] / sum(powers.values())

    def require(self, cards: Sequence[Card]) -> None:
        """Refuse other weights than those it was trained with.

        Raises:
            ModelMismatchError: a head is missing, or another one.
        """
        given = {card.name: card.digest for card in cards}
        for name, digest in self.heads.items():
            if given.get(name) != digest:
                text = f"the rule for clips was made with {name}@{digest[:12]}, here is {given.get(name, 'none')[:12]}"
                raise ModelMismatchError(f"{text}; make it anew with `mien evaluate clips --out`", source=name)

    def to_dict(self) -> dict[str, Any]:
        """For a file."""
        bases = {group: asdict(base) for group, base in self.stack.bases.items()}
        return {
            "heads": dict(self.heads),
            "rate": self.rate,
            "threshold": self.threshold,
            "origin": dict(self.origin),
            "errors": [dict(row) for row in self.errors],
            "bases": bases,
            "top": asdict(self.stack.top),
            "species": {name: asdict(each) for name, each in self.species.items()},
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any], source: str) -> ClipRule:
        """From a file's content.

        Raises:
            ModelInvalidError: something is missing or of the wrong form.
        """
        try:
            stack = Stack({group: _logistic(base) for group, base in given["bases"].items()}, _logistic(given["top"]))
            return cls(
                stack,
                {name: _logistic(each) for name, each in given["species"].items()},
                {str(name): str(digest) for name, digest in given["heads"].items()},
                float(given["rate"]),
                float(given["threshold"]),
                {key: str(given["origin"][key]) for key in ("data", "rule", "date", "command")},
                tuple(given["errors"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ModelInvalidError(f"{source}: no rule for clips ({reason}); make it anew", source=source) from error


def flattened(cues: Cues) -> dict[str, float]:
    """Cues without their groups."""
    return {f"{group} {name}": value for group, row in cues.items() for name, value in row.items()}


@cache
def built_in() -> ClipRule:
    """The rule that comes with the package; its file says what it was made from."""
    text = files("mien.presentation").joinpath(BUILT_IN).read_text(encoding="utf-8")
    return ClipRule.from_dict(json.loads(text), BUILT_IN)


def read_rule(path: str | os.PathLike[str]) -> ClipRule:
    """A rule of one's own.

    Raises:
        NotFoundError: no such file.
        ModelInvalidError: it holds no rule.
    """
    source = os.fspath(path)
    try:
        given = json.loads(Path(path).read_bytes())
    except FileNotFoundError as error:
        raise NotFoundError(f"no such file: {source}", source=source) from error
    except (OSError, ValueError) as error:
        text = f"{source}: cannot be read as a rule for clips ({' '.join(str(error).split())[:80]})"
        raise ModelInvalidError(text, source=source) from error
    return ClipRule.from_dict(given, source)


def _logistic(given: Mapping[str, Any]) -> Logistic:
    names = tuple(str(name) for name in given["names"])
    rows = [tuple(float(v) for v in given[key]) for key in ("mean", "deviation", "weights")]
    if any(len(row) != len(names) for row in rows):
        raise ValueError("as many numbers as names are needed")
    return Logistic(names, rows[0], rows[1], rows[2], float(given["bias"]))
