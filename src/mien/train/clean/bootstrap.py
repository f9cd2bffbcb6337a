"""Semantic bootstrapping: a network's own prediction, mixed with the label, becomes the label.

Wu, He, Sun and Tan, A Light CNN for Deep Face Representation with Noisy Labels, IEEE TIFS 2018 (arXiv 1511.02683),
section III-D: a network trained on noisy labels predicts them; those it is sure of are taken for the truth, and it is
trained anew. The convex combination is that of Reed et al., ICLR 2015 workshop (arXiv 1412.6596).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.train.clean.result import Cleaned, Reason
from mien.train.data.base import UNLABELLED, Rows
from mien.types.arrays import FloatArray

CELLS = 1 << 22
"""Probabilities held at once: 32 MB."""
SAMPLE = 4096
"""Pictures that the scale is fitted on."""
SCALES = np.geomspace(1, 256, 49)


@dataclass(frozen=True, slots=True)
class BootstrapSettings:
    """How far a network is believed.

    Args:
        beta: weight of the label; 1 - beta is that of the prediction. 1 keeps every label.
        confidence: pictures whose best person has less of the mixture are left out; 0 = none is.
        seed: of the pictures that the scale is fitted on.

    Raises:
        UsageError: a weight or a confidence outside 0..1.
    """

    beta: float = 0.3
    confidence: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("beta", "confidence"):
            if not 0 <= getattr(self, name) <= 1:
                raise UsageError(f"{name} must be 0 to 1, got {getattr(self, name):g}")


def bootstrap(vectors: FloatArray, labels: Rows, settings: BootstrapSettings | None = None) -> Cleaned:
    """Labels after one round.

    The prediction is a softmax over cosines to the mean of each person's *other* pictures, so that no picture votes for
    its own label; the network's own class centres have seen it. The scale of the softmax is the one that makes the
    labels likeliest: with wrong ones among them it is the lower, and predictions the less sure.

    Args:
        vectors: (n, d) float32, unit rows; may lie on disk.
        labels: (n,) int64; -1 = unlabelled, and given a label like the others.
        settings: how far the network is believed.

    Raises:
        UsageError: nobody has two pictures.
    """
    settings = settings or BootstrapSettings()
    means = _Means.of(vectors, labels)
    scale = _scale(means, vectors, labels, settings.seed)
    now, share = np.empty_like(labels), np.empty(len(labels))
    for rows in means.blocks(np.arange(len(labels))):
        mixture = (1 - settings.beta) * _softmax(scale * means.cosines(vectors[rows], labels[rows]))
        known = np.flatnonzero(labels[rows] >= 0)
        mixture[known, labels[rows][known]] += settings.beta
        now[rows] = mixture.argmax(1)
        share[rows] = mixture.max(1)
    reasons = np.where(now == labels, Reason.KEPT, Reason.MOVED).astype(np.int8)
    reasons[share < settings.confidence] = Reason.UNSURE
    return Cleaned(np.where(reasons == Reason.UNSURE, UNLABELLED, now), reasons, (), {"scale": scale})


@dataclass(frozen=True, slots=True)
class _Means:
    """Sums of unit vectors by person, and how many there are."""

    sums: NDArray[np.float64]
    counts: Rows

    @classmethod
    def of(cls, vectors: FloatArray, labels: Rows) -> _Means:
        people = int(labels.max(initial=-1)) + 1
        counts = np.bincount(labels[labels >= 0], minlength=people)
        if not (counts >= 2).any():
            raise UsageError("no person has two pictures; nothing can be predicted", code="nothing-to-clean")
        means = cls(np.zeros((people, vectors.shape[1])), counts)
        for rows in means.blocks(np.flatnonzero(labels >= 0)):
            np.add.at(means.sums, labels[rows], vectors[rows])
        return means

    def blocks(self, rows: Rows) -> list[Rows]:
        """Rows in parts whose probabilities fit."""
        step = max(1, CELLS // max(len(self.counts), 1))
        return [rows[start : start + step] for start in range(0, len(rows), step)]

    def cosines(self, vectors: FloatArray, labels: Rows) -> NDArray[np.float64]:
        """(m, c) to each person's mean; to the own one's without the picture itself; 0 where no other is left."""
        lengths = np.linalg.norm(self.sums, axis=1)
        cosines = vectors @ (self.sums / np.maximum(lengths, 1e-12)[:, None]).T
        known = np.flatnonzero(labels >= 0)
        own = labels[known]
        rest = self.sums[own] - vectors[known]
        length = np.linalg.norm(rest, axis=1)
        alone = self.counts[own] < 2
        cosines[known, own] = np.where(
            alone, 0.0, np.einsum("nd,nd->n", vectors[known], rest) / np.maximum(length, 1e-12)
        )
        return np.asarray(cosines)


def _scale(means: _Means, vectors: FloatArray, labels: Rows, seed: int) -> float:
    """The scale under which the labels are likeliest (Guo et al., ICML 2017), of pictures that are not alone."""
    fit = np.flatnonzero((labels >= 0) & (means.counts[np.maximum(labels, 0)] >= 2))
    if len(fit) > SAMPLE:
        fit = np.sort(np.random.default_rng(seed).choice(fit, SAMPLE, replace=False))
    total = np.zeros(len(SCALES))
    for rows in means.blocks(fit):
        cosines = means.cosines(vectors[rows], labels[rows])
        own = cosines[np.arange(len(rows)), labels[rows]]
        for number, scale in enumerate(SCALES):
            logits = scale * (cosines - own[:, None])
            top = logits.max(1)
            total[number] -= (top + np.log(np.exp(logits - top[:, None]).sum(1))).sum()
    return float(SCALES[total.argmax()])


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(shares / shares.sum(1, keepdims=True))
