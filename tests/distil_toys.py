"""A teacher without a network: fixed random directions of coarse pixels, so that what it says can be worked out."""

from __future__ import annotations

import numpy as np

from mien.types.arrays import Crops, Embeddings
from mien.types.template import Precision, TemplateContract


class ToyTeacher:
    """An embedder that counts the faces it was shown."""

    DIMENSION = 12
    engine, precision, batch = "toy", Precision.F32, 8

    def __init__(self, weights: str = "a" * 64) -> None:
        self.contract = TemplateContract("toy", weights, self.DIMENSION, "toy")
        self.seen = 0
        self._axes = np.random.default_rng(0).standard_normal((48, self.DIMENSION)).astype(np.float32)

    def embed(self, crops: Crops) -> Embeddings:
        """(n, 112, 112, 3) uint8 to (n, 12) float32 of length 1."""
        self.seen += len(crops)
        coarse = crops.reshape(-1, 4, 28, 4, 28, 3).mean((2, 4), dtype=np.float32).reshape(-1, 48)
        vectors = (coarse - 127.5) @ self._axes
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
