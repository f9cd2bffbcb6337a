"""Cues of a clip: what speaks for a living face before the camera, or for a copy of one.

Four groups, each of which has a classifier of its own under the stacked one:

- picture: what single-picture heads say of the frames, as log-odds: mean, spread, lowest tenth;
- surroundings: whether what is around the face moves as the face does, as it does on a sheet of paper;
- depth: what is left of the landmarks' motion after the best affine map, which explains every motion of a flat thing;
- eyes: whether they ever close.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mien.presentation.clip_look import Seen

F8 = NDArray[np.float64]
EYE_OUTLINES = (slice(36, 42), slice(42, 48))
NOSE, EYES, MOUTH = slice(27, 36), slice(36, 48), slice(48, 68)
CLOSED = 0.5
"""Probability below which an eye counts as closed."""


def cues(seen: Seen) -> dict[str, dict[str, float]]:
    """By group and name; NaN for what could not be seen."""
    return {
        "picture": picture(seen.real),
        "surroundings": surroundings(seen.flow),
        "depth": depth(seen.points),
        "eyes": eyes(seen.opened, seen.times_s),
    }


def picture(real: dict[str, F8]) -> dict[str, float]:
    """Of the heads' probabilities, by head (t,)."""
    found: dict[str, float] = {}
    for head, shares in real.items():
        odds = np.log(np.clip(shares, 1e-3, 1 - 1e-3) / np.clip(1 - shares, 1e-3, 1 - 1e-3))
        mean, spread, low = float(odds.mean()), float(odds.std()), float(np.quantile(odds, 0.1))
        found |= {f"{head} mean": mean, f"{head} spread": spread, f"{head} low": low}
    return found


def surroundings(flow: F8) -> dict[str, float]:
    """How far ring and far region follow the face: 1 wholly, 0 not at all; and what is left of them after that.

    Args:
        flow: (t - 1, 3, 2) of the face, the ring, the far region; NaN where unknown.
    """
    face = flow[:, 0]
    found = {"face motion": _log(np.sqrt(np.nanmean(face**2))) if np.isfinite(face).any() else np.nan}
    for row, name in ((1, "ring"), (2, "far")):
        here = np.isfinite(flow[:, row] + face).all(axis=1)
        a, b = face[here], flow[here, row]
        power = float(np.sum(a * a))
        usable = here.sum() >= 4 and power > 0
        slope = float(np.sum(a * b)) / power if usable else np.nan
        left = np.sqrt(np.sum((b - a) ** 2) / power) if usable else np.nan
        found |= {f"{name} follows": float(np.clip(slope, -1, 2)), f"{name} apart": _log(left)}
    return found


def depth(points: F8) -> dict[str, float]:
    """Of (t, 68, 2) landmarks: how little of their motion a flat thing could make.

    With each frame's middle at 0, all frames together are one matrix of rank 2 for anything flat under a distant
    camera, and of rank 3 for a turning solid (Tomasi & Kanade, IJCV 1992); more is a change of expression, and noise.
    """
    span = np.linalg.norm(points[:, 36:42].mean(axis=1) - points[:, 42:48].mean(axis=1), axis=1)
    centred = (points - points.mean(axis=1, keepdims=True)) / np.median(span)
    values = np.linalg.svd(centred.transpose(0, 2, 1).reshape(-1, points.shape[1]), compute_uv=False)
    nose = (points[:, NOSE].mean(axis=1) - (points[:, EYES].mean(axis=1) + points[:, MOUTH].mean(axis=1)) / 2) / span[
        :, None
    ]
    across = points[:, 42:48].mean(axis=1) - points[:, 36:42].mean(axis=1)
    across = across / np.linalg.norm(across, axis=1, keepdims=True)
    sideways = np.sum(nose * across, axis=1)
    return {
        "third rank": _log(values[2] / np.sqrt(len(points))),
        "fourth rank": _log(values[3] / np.sqrt(len(points))),
        "nose sideways": _log(sideways.std()),
    }


def eyes(opened: F8, times_s: F8) -> dict[str, float]:
    """Of (t,) probabilities that the eyes are open."""
    blinks = closings(opened)
    return {
        "least open": float(opened.min()),
        "closed share": float((opened < CLOSED).mean()),
        "blinks a minute": 60 * blinks / max(float(times_s[-1] - times_s[0]), 1e-3),
    }


def closings(opened: F8) -> int:
    """How often the eyes went from open to closed."""
    shut = opened < CLOSED
    return int(np.sum(shut[1:] & ~shut[:-1]))


def _log(value: float) -> float:
    """Logarithm of a positive quantity, floored so that exact rest has one too."""
    return float(np.log(np.maximum(value, 1e-4)))
