"""Does a loaded network compute what it computed where its card was written?

A card stores a short vector of outputs for an input that anyone can make again. Another engine, precision or
processor gives almost the same; damaged weights, a wrong rewrite or a broken driver do not.
"""

from __future__ import annotations

import numpy as np

from mien.errors import ModelInvalidError
from mien.runtime.session import PixelInput, Session
from mien.types.arrays import FloatArray, Pixels

LENGTH = 256
# Cosine. Measured on the built-in cards: 1.000000 in f32 on either engine, 0.9995 (CenterFace) to 0.9999 in bf16; less
# than 0.9 for wrong channels or a layer left out.
AGREEMENT = 0.999


def golden_input(shape: tuple[int, int, int, int], low: float = 0.0, high: float = 255.0) -> FloatArray:
    """Waves that differ by picture, channel, row and column.

    x[b, c, i, j] = low + (high - low) / 2 * (1 + sin(0.11 j + 0.07 i + 2 c) * cos(0.05 j - 0.13 i + b))

    Args:
        shape: (b, c, h, w).
        low: smallest value that the network expects.
        high: largest.
    """
    b, c, i, j = np.ogrid[tuple(slice(size) for size in shape)]
    waves = np.sin(0.11 * j + 0.07 * i + 2 * c) * np.cos(0.05 * j - 0.13 * i + b)
    return np.asarray(low + (high - low) / 2 * (1 + waves), np.float32)


def golden_vector(
    session: Session, shape: tuple[int, int, int, int], *, low: float = 0.0, high: float = 255.0
) -> FloatArray:
    """What the network makes of `golden_input`, thinned out; of the nearest bytes where the session takes those.

    Each output gives an equal share of values, at equal distances and scaled to length 1, so that none hides another.

    Args:
        session: to test.
        shape: (b, c, h, w) of the input.
        low: smallest value that the network expects.
        high: largest.

    Returns:
        (n,) float32, n <= 256.
    """
    planes = golden_input(shape, low, high)
    outputs = session.run(_bytes(planes, session.pixels) if session.pixels else planes)
    share = LENGTH // len(outputs)
    return np.concatenate([_thinned(output.reshape(-1), share) for output in outputs])


def agreement(vector: FloatArray, golden: FloatArray) -> float:
    """Cosine of the two; 0 if they differ in length or one is zero."""
    if vector.shape != golden.shape:
        return 0.0
    a, b = vector.astype(np.float64), golden.astype(np.float64)
    lengths = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / lengths if lengths else 0.0


def check_golden(vector: FloatArray, golden: FloatArray, name: str) -> None:
    """Raise ModelInvalidError unless the vectors agree to 0.999.

    Args:
        vector: of the session at hand.
        golden: the card's.
        name: of the model, for the message.
    """
    cosine = agreement(vector, golden)
    if not cosine >= AGREEMENT:
        raise ModelInvalidError(
            f"{name} fails its self-test: cosine {cosine:.4f} to the card's golden vector, not {AGREEMENT} or more;"
            " pull the weights again, or try another engine (`mien doctor` lists them)",
            source=name,
        )


def _bytes(planes: FloatArray, pixels: PixelInput) -> Pixels:
    """The (b, h, w, 3) uint8 RGB that `pixels` turns into nearly these (b, 3, h, w): the cosine loses up to 0.00005."""
    values = planes.transpose(0, 2, 3, 1) / np.float32(pixels.scale) + np.array(pixels.mean, np.float32)
    rgb = values[..., ::-1] if pixels.reverse else values
    return np.asarray(np.clip(np.rint(rgb), 0, 255), np.uint8)


def _thinned(values: FloatArray, count: int) -> FloatArray:
    """At most `count` values at equal distances, scaled to length 1."""
    few = values[:: -(-len(values) // count)].astype(np.float64)
    length = float(np.linalg.norm(few))
    return np.asarray(few / length if length else few, np.float32)
