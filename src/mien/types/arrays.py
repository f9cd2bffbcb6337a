"""Array aliases. The shapes are part of the name; the docstrings of the functions repeat them where it matters."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float32]
"""float32 of any shape."""
Pixels: TypeAlias = NDArray[np.uint8]
"""(h, w, 3) uint8, RGB, upright, C-contiguous."""
Boxes: TypeAlias = NDArray[np.float32]
"""(n, 4) float32, x0 y0 x1 y1 in pixels, x right, y down, edges as floats."""
Points: TypeAlias = NDArray[np.float32]
"""(n, 5, 2) float32, x y in pixels: eye left in the picture, eye right, nose tip, mouth corner left, right."""
Crops: TypeAlias = NDArray[np.uint8]
"""(n, 112, 112, 3) uint8, RGB, aligned faces."""
Embeddings: TypeAlias = NDArray[np.float32]
"""(n, d) float32, rows of length 1."""
AnyArray: TypeAlias = NDArray[Any]


def unit_rows(vectors: FloatArray) -> Embeddings:
    """Rows scaled to length 1.

    Args:
        vectors: (n, d) float32.

    Returns:
        (n, d) float32.

    Raises:
        ValueError: a row is zero or not finite.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise ValueError("an embedding is zero or not finite")
    rows: Embeddings = (vectors / lengths).astype(np.float32)
    return rows
