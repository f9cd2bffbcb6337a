"""Vectors from outside, checked before anything is compared with them."""

from __future__ import annotations

import numpy as np

from mien.errors import UsageError
from mien.types.arrays import AnyArray, Embeddings

MAX_TOP = 1000
"""Longest candidate list."""


def check_probes(vectors: AnyArray, dimension: int | None) -> Embeddings:
    """Probes as unit rows.

    Args:
        vectors: (n, d) numbers of any length but 0.
        dimension: d of the gallery; None while it is empty.

    Raises:
        UsageError: ``embedding-dimension``, ``embedding-not-finite`` or ``embedding-zero``.
    """
    array = np.asarray(vectors)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or (dimension is not None and array.shape[1] != dimension):
        raise UsageError(
            f"embeddings must be rows of {dimension or 'd'} numbers, got {array.shape} {array.dtype}",
            code="embedding-dimension",
        )
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        raise UsageError("an embedding holds NaN or infinity", code="embedding-not-finite")
    largest = np.abs(wide).max(axis=1, keepdims=True, initial=0)
    if (largest == 0).any():
        raise UsageError("an embedding is all zeros: it has no direction to compare", code="embedding-zero")
    wide = wide / largest  # so that the squares neither vanish nor overflow
    unit: Embeddings = (wide / np.linalg.norm(wide, axis=1, keepdims=True)).astype(np.float32)
    return unit


def check_top(top: int, min_score: float | None) -> None:
    """Raise UsageError unless 1 <= top <= 1000 and the score is a cosine."""
    if isinstance(top, bool) or not isinstance(top, int) or not 1 <= top <= MAX_TOP:
        raise UsageError(f"top must be a whole number from 1 to {MAX_TOP}, got {top}", code="top")
    if min_score is not None and not -1 <= min_score <= 1:
        raise UsageError(f"a score is a cosine from -1 to 1, got {min_score}", code="min-score")
