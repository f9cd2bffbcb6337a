"""Vectors of an embedder before they are brought to length 1, one set for each of its networks."""

from __future__ import annotations

import numpy as np

from mien.errors import UsageError
from mien.models.embedders import Embedder
from mien.models.embedders.arcface import ArcFace
from mien.models.fused import FusedEmbedder
from mien.types.arrays import Crops, Embeddings, FloatArray, unit_rows


def networks(embedder: Embedder) -> tuple[ArcFace, ...]:
    """The networks of an embedder: one, or those of a fused one.

    Raises:
        UsageError: of a family that gives unit vectors only.
    """
    parts = embedder.parts if isinstance(embedder, FusedEmbedder) else (embedder,)
    shown = tuple(part for part in parts if isinstance(part, ArcFace))
    if len(shown) < len(parts):
        raise UsageError(
            f"'{embedder.contract.model}' does not give its vectors before they are brought to length 1; "
            "utility is measured with ArcFace-like embedders"
        )
    return shown


def shares(embedder: Embedder) -> tuple[float, ...]:
    """Weight of each network's cosine in the embedder's; they sum to 1."""
    return embedder.weights if isinstance(embedder, FusedEmbedder) else (1.0,)


def raw_vectors(embedder: Embedder, crops: Crops) -> tuple[FloatArray, ...]:
    """(n, d) float32 for each network."""
    return tuple(network.raw(crops) for network in networks(embedder))


def templates(embedder: Embedder, raw: tuple[FloatArray, ...]) -> Embeddings:
    """(n, d) unit rows, what the embedder's own `embed` gives, from the vectors of its networks."""
    parts = [np.float32(share**0.5) * unit_rows(part) for share, part in zip(shares(embedder), raw, strict=True)]
    joined: Embeddings = np.concatenate(parts, axis=1) if len(parts) > 1 else unit_rows(raw[0])
    return joined
