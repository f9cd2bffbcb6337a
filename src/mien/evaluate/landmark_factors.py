"""What makes points hard to find: how far a face is turned (Bulat and Tzimiropoulos, ICCV 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics.landmarks import F8, LENGTHS, Normalised, normalised_errors
from mien.geometry.mean_face import FIVE
from mien.geometry.pose import solve_poses

TURNS = (0, 15, 30, 45, 90)
"""Edges of the bins of yaw, degrees to either side."""


def yaws(truth: F8) -> F8:
    """(n,) degrees to either side, of the mean face laid on (n, 5, 2) marked points: no detector has a say in them.

    NaN where all marks of a face are in one place.
    """
    apart = np.ptp(truth, axis=1).max(axis=1) > 0
    found = np.full(len(truth), np.nan)
    found[apart] = np.abs(solve_poses(truth[apart], FIVE, robust=False).angles[:, 0])
    return found


def by_yaw(found: F8, truth: F8) -> list[dict[str, Any]]:
    """Errors of the faces of each bin, for JSON.

    Args:
        found: (n, 5, 2) points, NaN where the face was missed.
        truth: (n, 5, 2) marked points.
    """
    return [
        {"from": low, "to": high, **errors_of(found[chosen], truth[chosen])} for low, high, chosen in _bins(yaws(truth))
    ]


def errors_of(found: F8, truth: F8) -> dict[str, Any]:
    """How many faces, and their errors under each normalisation."""
    nme = {kind: Normalised(kind, normalised_errors(found, truth, kind)).to_dict() for kind in LENGTHS}
    return {"faces": len(truth), "nme": nme}


def _bins(angles: F8) -> Iterator[tuple[int, int, NDArray[np.bool_]]]:
    for low, high in pairwise(TURNS):
        last = high == TURNS[-1]
        yield low, high, (angles >= low) & ((angles <= high) if last else (angles < high))
