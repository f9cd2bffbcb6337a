"""Two or more embedders as one, whose cosine is the weighted mean of theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.models.card import Card, Fuse
from mien.models.contract import joint_contract
from mien.models.embedders import Embedder
from mien.types.arrays import Crops, Embeddings
from mien.types.template import Precision, TemplateContract


@dataclass(frozen=True, slots=True)
class FusedEmbedder:
    """An embedder made of others; see `fuse`."""

    contract: TemplateContract
    precision: Precision
    engine: str
    batch: int
    parts: tuple[Embedder, ...]
    weights: tuple[float, ...]

    def embed(self, crops: Crops) -> Embeddings:
        """Each part's unit vector times the root of its weight, side by side.

        The cosine of two such rows is the sum of weight * cosine over the parts, and every row has length 1 because the
        weights sum to 1.
        """
        vectors = [np.float32(w**0.5) * p.embed(crops) for w, p in zip(self.weights, self.parts, strict=True)]
        return np.concatenate(vectors, axis=1)


def fuse(card: Card, recipe: Fuse, parts: tuple[Embedder, ...]) -> FusedEmbedder:
    """The embedder of a fused card.

    Raises:
        ModelInvalidError: the card's dimension is not the sum of its parts'.
    """
    contract = joint_contract(card, recipe, [part.contract for part in parts])
    precision = _joint(tuple(part.precision for part in parts))
    engine = "+".join(sorted({part.engine for part in parts}))
    return FusedEmbedder(contract, precision, engine, min(part.batch for part in parts), parts, recipe.weights)


def _joint(precisions: tuple[Precision, ...]) -> Precision:
    """The coarsest of them."""
    return next(p for p in (Precision.INT8, Precision.BF16, Precision.F32) if p in precisions)
