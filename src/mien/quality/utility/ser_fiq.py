"""SER-FIQ: how much the embedding depends on which features are left out.

Terhoerst et al., "SER-FIQ: Unsupervised Estimation of Face Image Quality Based on Stochastic Embedding Robustness",
CVPR 2020: m times a random part of the features before the last layer is dropped, and the quality is
2 sigmoid(-mean Euclidean distance of all pairs of the m unit embeddings). The paper's "same model" with dropout at the
place where ArcFace has it in training, m = 100 and p = 0.5.

The m masks are drawn once, so all faces go through the same m sub-networks and a face has one score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mien.models import LoadSettings, Store, find_card, require_licence
from mien.models.blob import blob, input_of
from mien.models.card import Card, InputContract
from mien.models.catalogue import parts_of
from mien.quality.utility import Ground, Sights, measures
from mien.runtime import Session, open_session
from mien.runtime.tail import Split, split_last_linear
from mien.types.arrays import Crops, FloatArray, unit_rows
from mien.types.template import Precision

TIMES = 100
DROPPED = 0.5
SEED = 2020


@dataclass(frozen=True, slots=True)
class Stochastic:
    """One network and its sub-networks.

    Args:
        split: the network, cut before its last layer.
        session: the first part.
        input: how pixels go in.
        masks: (m, k) bool, the features that each sub-network keeps.
    """

    split: Split
    session: Session
    input: InputContract
    masks: NDArray[np.bool_]

    def distances(self, crops: Crops) -> NDArray[np.float64]:
        """(n,) mean distance of all pairs of a face's m embeddings."""
        found = [
            robustness(row, self.split, self.masks)
            for start in range(0, len(crops), self.session.batch)
            for row in self.split.features(
                self.session.run(blob(crops[start : start + self.session.batch], self.input))[0]
            )
        ]
        return np.array(found)


def robustness(features: FloatArray, split: Split, masks: NDArray[np.bool_]) -> float:
    """Mean Euclidean distance of all pairs of unit embeddings of one face, (k,) features under (m, k) masks."""
    kept = np.float32(1 / (1 - DROPPED)) * features
    given = np.asarray((kept * masks) @ split.weight + split.bias, np.float32)
    vectors = unit_rows(given).astype(np.float64)
    squares = np.maximum(2 - 2 * (vectors @ vectors.T), 0)
    return float(np.sqrt(squares[np.triu_indices(len(masks), 1)]).mean())


@dataclass(frozen=True, slots=True)
class SerFiq:
    """The quality of an embedder's faces; of several networks the mean by their shares."""

    networks: tuple[Stochastic, ...]
    shares: tuple[float, ...]

    def score(self, sights: Sights) -> FloatArray:
        """(n,) in 0..1."""
        score = np.zeros(len(sights), np.float64)
        for share, network in zip(self.shares, self.networks, strict=True):
            score += share * 2 / (1 + np.exp(network.distances(sights.crops)))
        return score.astype(np.float32)


@measures.register("ser-fiq")
def ser_fiq(ground: Ground) -> SerFiq:
    """The measure for an embedder.

    Raises:
        ModelInvalidError: ``no-linear-layer``: a network does not end in a layer whose features can be dropped.
    """
    card = find_card(ground.embedder, "embedder")
    require_licence(card, ground.settings.allow_licence)
    parts = parts_of(card) if card.fuse else (card,)
    shares = card.fuse.weights if card.fuse else (1.0,)
    return SerFiq(tuple(_stochastic(part, ground.settings) for part in parts), shares)


def _stochastic(card: Card, settings: LoadSettings) -> Stochastic:
    split = split_last_linear(Store().read(card, card.file))
    session = open_session(
        split.network,
        rewrites=card.rewrites,
        engine=settings.engine,
        precision="f32" if settings.precision in ("auto", Precision.INT8) else settings.precision,
        threads=settings.threads,
        device=settings.device,
    )
    random = np.random.default_rng(SEED)
    masks = random.random((TIMES, len(split.weight)), np.float32) >= DROPPED
    return Stochastic(split, session, input_of(card), masks)
