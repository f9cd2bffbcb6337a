"""Presentation attack detection: bona fide, print, replay or cut-out, and the cues that speak for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mien.errors import ModelInvalidError
from mien.image.cues import CUES, cues
from mien.models.card import Card
from mien.models.heads import arithmetic
from mien.models.network import by_label, softmax
from mien.models.views import Cuts
from mien.types.arrays import AnyArray, FloatArray
from mien.types.faces import Column

BONA_FIDE = "bona-fide"
"""The first label."""
LABELS = (BONA_FIDE, "print", "replay", "cutout")
"""Of the card that is delivered."""
REACH = 4.0
"""Standard deviations beyond which a cue says no more: pictures unlike those trained on must not run away with it."""
NAMED = 3
"""Cues that an answer names at most."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A multinomial logistic regression on the cues (12 or so numbers a face).

    Args:
        labels: k, bona fide first.
        mean, deviation: (c,) of each cue over the pictures trained on.
        weights: (k, c) for standard deviations.
        bias: (k,).
    """

    labels: tuple[str, ...]
    mean: FloatArray
    deviation: FloatArray
    weights: FloatArray
    bias: FloatArray

    @property
    def scale(self) -> str:
        """SHA-256 of the cues' names, means and deviations, hex; a card's own changes with the errors it states."""
        facts = " ".join(CUES).encode() + self.mean.astype("<f4").tobytes() + self.deviation.astype("<f4").tobytes()
        return hashlib.sha256(facts).hexdigest()

    def standard(self, values: AnyArray) -> FloatArray:
        """(n, c) cues as standard deviations from the mean, limited to `REACH`."""
        standard: FloatArray = np.clip((values - self.mean) / self.deviation, -REACH, REACH).astype(np.float32)
        return standard

    def probabilities(self, values: AnyArray) -> FloatArray:
        """(n, k) of the labels for (n, c) cues."""
        return softmax(self.standard(values) @ self.weights.T + self.bias)

    def to_parameters(self) -> dict[str, float]:
        """For a card's ``[head.parameters]``."""
        rows = {"mean": self.mean, "deviation": self.deviation} | dict(zip(self.labels, self.weights, strict=True))
        given = {f"{row}.{cue}": float(v) for row, values in rows.items() for cue, v in zip(CUES, values, strict=True)}
        return given | {f"{label}.bias": float(v) for label, v in zip(self.labels, self.bias, strict=True)}

    @classmethod
    def from_parameters(cls, labels: tuple[str, ...], given: Mapping[str, float]) -> Linear:
        """The other way.

        Raises:
            KeyError: a parameter is missing.
        """

        def row(name: str) -> FloatArray:
            return np.array([given[f"{name}.{cue}"] for cue in CUES], np.float32)

        bias = np.array([given[f"{label}.bias"] for label in labels], np.float32)
        return cls(labels, row("mean"), row("deviation"), np.stack([row(label) for label in labels]), bias)


@dataclass(frozen=True, slots=True)
class Pad:
    """Probabilities of the card's labels, and how far each cue lies from what is usual.

    The column has (n, k + c) values: first the probabilities, bona fide first, then the cues in standard deviations.
    """

    card: Card
    table: Linear
    threshold: float
    session: ClassVar[None] = None
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n, k + c) probabilities and standardised cues."""
        faces = cuts.faces.scaled(*cuts.image.scale, cuts.image.size)
        rows = [cues(cuts.image.pixels, box, points) for box, points in zip(faces.boxes, faces.points, strict=True)]
        values = np.stack(rows)
        return Column(np.concatenate([self.table.probabilities(values), self.table.standard(values)], axis=1))

    def describe(self, column: Column, row: int) -> dict[str, Any]:
        """Label at the card's threshold, its probability, all probabilities, and the cues that speak most for it."""
        count = len(self.table.labels)
        shares, standard = column.values[row, :count], column.values[row, count:]
        real = bool(shares[0] >= self.threshold)
        chosen = 0 if real else 1 + int(shares[1:].argmax())
        return {
            "label": self.table.labels[chosen],
            "probability": round(float(shares[chosen]), 4),
            "bona_fide": real,
            "threshold": self.threshold,
            "probabilities": by_label(self.table.labels, shares),
            "cues": self._cues(standard, chosen),
        }

    def _cues(self, standard: FloatArray, chosen: int) -> list[dict[str, Any]]:
        """The strongest cues for an attack against bona fide, or for bona fide against all attacks, strongest first."""
        rival = self.table.weights[0] if chosen else self.table.weights[1:].mean(axis=0)
        pull = (self.table.weights[chosen] - rival) * standard
        names = list(CUES)
        return [
            {"cue": names[i], "deviations": round(float(standard[i]), 1), "means": CUES[names[i]]}
            for i in np.argsort(-pull)[:NAMED]
            if pull[i] > 0
        ]


@arithmetic.register("pad")
def pad(card: Card) -> Pad:
    """The head of a card.

    Raises:
        ModelInvalidError: the card has no threshold, or lacks a parameter.
    """
    facts = card.head
    if facts is None or facts.operating is None:
        raise ModelInvalidError(f"{card.path}: a card of family pad needs [head.operating]", source=card.name)
    try:
        table = Linear.from_parameters(facts.labels, facts.parameters)
    except KeyError as error:
        raise ModelInvalidError(f"{card.path}: [head.parameters] lacks {error}", source=card.name) from error
    return Pad(card, table, facts.operating.value)
