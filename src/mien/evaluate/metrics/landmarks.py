"""How far found points lie from marked ones: normalised mean error, failure rate, area under the error curve.

NME (Cristinacce and Cootes, BMVC 2006; Sagonas et al., ICCV-W 2013): the mean distance of a face's points, divided by a
length of the face. Two lengths are in use:

* ``interocular``: between the marked eye centres. It shrinks to nothing on a profile, where the error then explodes.
* ``box``: square root of width times height of the box around the marked points, which keeps its size on a profile.

A face that is not found has an infinite error: it counts as failed, and never enters a mean or a median of the found
ones, which therefore stand beside the number of missed faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.rates import Rate

F8: TypeAlias = NDArray[np.float64]

LENGTHS = ("interocular", "box")
LIMITS = (0.08, 0.10)
"""Errors beyond which a face counts as failed; 0.10 is the field's usual one (Zhang et al., ECCV 2014)."""
RESAMPLES = 1000


def lengths(truth: F8, kind: str) -> F8:
    """(n,) what errors are divided by, in pixels.

    Args:
        truth: (n, 5, 2) marked points: eye left in the picture, eye right, nose tip, mouth corner left, right.
        kind: one of `LENGTHS`.
    """
    if kind == "interocular":
        eyes: F8 = np.linalg.norm(truth[:, 1] - truth[:, 0], axis=1)
        return eyes
    if kind == "box":
        box: F8 = np.sqrt(np.prod(truth.max(axis=1) - truth.min(axis=1), axis=1))
        return box
    raise ValueError(f"length must be one of {', '.join(LENGTHS)}, not '{kind}'")


def normalised_errors(found: F8, truth: F8, kind: str) -> F8:
    """(n,) error of each face; infinite where it was not found.

    Args:
        found: (n, 5, 2) found points, NaN where there is no face.
        truth: (n, 5, 2) marked points.
        kind: one of `LENGTHS`.
    """
    errors = np.linalg.norm(found - truth, axis=2).mean(axis=1)
    length = lengths(truth, kind)
    missed = np.isnan(errors) | (length <= 0)
    result: F8 = np.divide(errors, length, out=np.full(len(truth), np.inf), where=~missed)
    return result


def failure(errors: F8, limit: float) -> Rate:
    """Share of faces whose error is above a limit, missed ones included."""
    return Rate(int((errors > limit).sum()), len(errors))


def area(errors: F8, limit: float) -> float | None:
    """Area under the curve of cumulative errors up to a limit, divided by the limit: 1 is perfect; None without faces.

    The curve is a staircase, so the area is exact: a face of error e adds (limit - e) / limit when e is below it.
    """
    return float(np.mean(np.maximum(limit - errors, 0)) / limit) if len(errors) else None


@dataclass(frozen=True, slots=True)
class Normalised:
    """Errors under one normalisation: (n,) float64, infinite where the face was missed."""

    kind: str
    errors: F8

    def to_dict(self, limits: Sequence[float] = LIMITS) -> dict[str, Any]:
        """For JSON: mean with interval and median of the found faces; failure rates and areas of all."""
        found = self.errors[np.isfinite(self.errors)]
        low, high = _spread(found)
        return {
            "mean": {"value": float(found.mean()) if len(found) else None, "low": low, "high": high},
            "median": float(np.median(found)) if len(found) else None,
            "failure": [{"limit": limit, **failure(self.errors, limit).to_dict()} for limit in limits],
            "auc": [{"limit": limit, "value": area(self.errors, limit)} for limit in limits],
        }


def _spread(values: F8) -> tuple[float | None, float | None]:
    """95 % interval of the mean: bootstrap over faces; None for fewer than two."""
    if len(values) < 2:
        return None, None
    draws = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
