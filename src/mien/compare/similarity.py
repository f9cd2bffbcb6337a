"""The one comparison score."""

from __future__ import annotations

from mien.types.arrays import Embeddings, FloatArray


def similarity(probes: Embeddings, references: Embeddings) -> FloatArray:
    """Cosine similarity of every probe with every reference; higher is more alike.

    Args:
        probes: (n, d) float32, unit rows.
        references: (m, d) float32, unit rows.

    Returns:
        (n, m) float32 in [-1, 1] up to rounding; row i belongs to probes[i].

    Raises:
        ValueError: the two differ in d.

    Example:
        >>> import numpy as np
        >>> similarity(np.eye(2, dtype="f4"), np.eye(2, dtype="f4")).diagonal()
        array([1., 1.], dtype=float32)
    """
    if probes.shape[-1] != references.shape[-1]:
        raise ValueError(f"templates of {probes.shape[-1]} and {references.shape[-1]} dimensions cannot be compared")
    scores: FloatArray = probes @ references.T
    return scores
