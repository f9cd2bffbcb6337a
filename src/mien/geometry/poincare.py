"""The Poincaré ball of curvature -c: the points x of R^d with c |x|² < 1 (Ganea, Bécigneul & Hofmann 2018).

float64 throughout: near the rim distances grow without bound, and rounding decides on which side a point lies.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F8 = NDArray[np.float64]
RIM = 1e-5
"""Share of the radius that points are kept from the rim."""


def clipped(v: F8, radius: float) -> F8:
    """Rows no longer than `radius`: min(1, r / |v|) v (Guo et al. 2022, "Clipped hyperbolic classifiers")."""
    lengths = np.linalg.norm(v, axis=-1, keepdims=True)
    rows: F8 = v * np.minimum(1.0, radius / np.maximum(lengths, 1e-15))
    return rows


def exponential(v: F8, c: float) -> F8:
    """From the tangent space at the origin to the ball: tanh(√c |v|) v / (√c |v|), (…, d) to (…, d)."""
    scaled = np.sqrt(c) * np.linalg.norm(v, axis=-1, keepdims=True)
    factor = np.where(scaled > 1e-12, np.tanh(scaled) / np.maximum(scaled, 1e-12), 1.0)
    return clipped(v * factor, (1 - RIM) / np.sqrt(c))


def added(x: F8, y: F8, c: float) -> F8:
    """Möbius addition x ⊕ y.

    ((1 + 2c<x,y> + c|y|²) x + (1 - c|x|²) y) / (1 + 2c<x,y> + c²|x|²|y|²), over the last axis.
    """
    xy, xx, yy = ((a * b).sum(axis=-1, keepdims=True) for a, b in ((x, y), (x, x), (y, y)))
    total: F8 = ((1 + 2 * c * xy + c * yy) * x + (1 - c * xx) * y) / (1 + 2 * c * xy + c**2 * xx * yy)
    return total


def distance(x: F8, y: F8, c: float) -> F8:
    """Geodesic distance (2/√c) artanh(√c |-x ⊕ y|); as c goes to 0 it goes to 2 |x - y|."""
    lengths = np.linalg.norm(added(-x, y, c), axis=-1)
    far: F8 = 2 / np.sqrt(c) * np.arctanh(np.minimum(np.sqrt(c) * lengths, 1 - 1e-12))
    return far


def logits(x: F8, places: F8, normals: F8, c: float) -> F8:
    """Signed distances to gyroplanes, scaled: hyperbolic multinomial logistic regression.

    For class k with place p and normal a: (λ_p |a| / √c) arsinh(2√c <-p ⊕ x, a> / ((1 - c|-p ⊕ x|²) |a|)), where
    λ_p = 2 / (1 - c|p|²).

    Args:
        x: (n, d) in the ball.
        places: (k, d) in the ball.
        normals: (k, d).
        c: minus the curvature.

    Returns:
        (n, k).
    """
    moved = added(-places[None], x[:, None], c)
    lengths = np.linalg.norm(normals, axis=-1)
    inner = (moved * normals[None]).sum(axis=-1)
    rest = (1 - c * (moved**2).sum(axis=-1)) * lengths
    scale = 2 / (1 - c * (places**2).sum(axis=-1)) * lengths / np.sqrt(c)
    values: F8 = scale * np.arcsinh(2 * np.sqrt(c) * inner / rest)
    return values
