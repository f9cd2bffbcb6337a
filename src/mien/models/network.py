"""A head's network: cuts in, rows out, in batches that the engine likes."""

from __future__ import annotations

import numpy as np

from mien.models.blob import input_of
from mien.models.card import Card
from mien.models.views import prepared
from mien.runtime.session import Session
from mien.types.arrays import FloatArray, Pixels


def answers(card: Card, session: Session, cuts: Pixels) -> tuple[FloatArray, ...]:
    """Every output of the network, (n, ...) each, for (n, h, w, 3) uint8 RGB cuts, at least one."""
    contract = input_of(card)
    parts = [session.run(prepared(cuts[i : i + session.batch], contract)) for i in range(0, len(cuts), session.batch)]
    return tuple(np.concatenate(output) for output in zip(*parts, strict=True))


def softmax(logits: FloatArray) -> FloatArray:
    """(n, k) shares that sum to 1."""
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    shares: FloatArray = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return shares


def by_label(labels: tuple[str, ...], shares: FloatArray) -> dict[str, float]:
    """(k,) shares under their names, rounded for JSON."""
    return {label: round(float(share), 4) for label, share in zip(labels, shares, strict=True)}
