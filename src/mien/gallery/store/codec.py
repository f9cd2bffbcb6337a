"""How a template stands in its row: 4 bytes a dimension as it was made, or 1 byte in a compact gallery.

A compact template is the vector times 127 over its largest number, rounded to whole numbers. The factor is not kept:
the decoded vector has length 1 again, and that vector is what every comparison sees.

Each number is off by at most m / 254, with m the largest of the vector, so the whole vector before it is brought to
length 1 by e <= m * sqrt(d) / 254, and its direction by an angle of at most arcsin(e). No score against it can
change by more than the chord of that angle, 2 * sin(arcsin(e) / 2); for the usual m of a 128-d template 0.012.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import Embeddings

SETTING, COMPACT = "templates", "i8"
"""Name and value of the row that says a gallery is compact."""
STEPS = 127
"""Whole numbers on each side of zero; -128 is not used, so that a vector and its opposite are stored alike."""


def encode(vectors: Embeddings, compact: bool) -> list[bytes]:
    """Templates as blobs.

    Args:
        vectors: (n, d) float32, rows of length 1.
        compact: 1 byte a dimension instead of 4.
    """
    stored = _whole(vectors) if compact else np.ascontiguousarray(vectors, "<f4")
    raw, size = stored.tobytes(), template_bytes(vectors.shape[1], compact)
    return [raw[start : start + size] for start in range(0, len(raw), size)]


def decode(blobs: Sequence[bytes], compact: bool) -> Embeddings:
    """Templates of verified blobs.

    Args:
        blobs: n of equal length.
        compact: as they were encoded.

    Returns:
        (n, d) float32, rows of length 1.
    """
    raw = np.frombuffer(b"".join(blobs), np.int8 if compact else "<f4").astype(np.float32, copy=False)
    whole = raw.reshape(len(blobs), raw.size // max(1, len(blobs)))
    if not compact:
        return whole
    length = np.sqrt(np.einsum("nd,nd->n", whole, whole))  # whole numbers below 2**24: the sum is exact
    unit: Embeddings = whole / length[:, None]
    return unit


def template_bytes(dimension: int, compact: bool) -> int:
    """Length of one blob."""
    return dimension if compact else 4 * dimension


def _whole(vectors: Embeddings) -> NDArray[np.int8]:
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    whole: NDArray[np.int8] = np.rint(vectors.astype(np.float64) * (STEPS / largest)).astype(np.int8)
    return whole
