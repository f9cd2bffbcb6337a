"""Heads on pictures whose answer is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import MienError
from mien.evaluate.metrics.landmarks import F8, RESAMPLES
from mien.image import Limits, open_photo
from mien.models.detectors import Detector
from mien.models.heads import Head
from mien.models.views import Cuts
from mien.types.arrays import FloatArray
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.outcome import Failure

LEAST_SIDE = 16
"""Pixels: research sets hold smaller pictures than a user's photographs are allowed to be."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What heads said of one face in each of n pictures.

    Args:
        found: (n,) bool, whether the detector found the face.
        values: by head, (n, ...) float32, NaN where it did not.
        ms: by head, median processor milliseconds a face, one face at a time, everything from the cut on.
        failures: pictures that could not be read.
    """

    found: NDArray[np.bool_]
    values: Mapping[str, FloatArray]
    ms: Mapping[str, float]
    failures: tuple[Failure, ...]


def observe(
    heads: Sequence[Head],
    detector: Detector,
    paths: Sequence[Path],
    *,
    turned: Callable[[Image], Image] | None = None,
    progress: Progress | None = None,
) -> Observed:
    """Every picture through the detector and the heads; of several faces the one nearest to the middle.

    Args:
        heads: in an order in which each has what it needs.
        detector: whose boxes the heads are given.
        paths: n pictures of one face each.
        turned: what is done to each picture first.
        progress: told how far it is.
    """
    found = np.zeros(len(paths), np.bool_)
    rows: dict[str, dict[int, FloatArray]] = {head.card.name: {} for head in heads}
    spent: dict[str, list[float]] = {head.card.name: [] for head in heads}
    failures: list[Failure] = []
    for number, path in enumerate(paths):
        try:
            image = open_photo(path, limits=Limits(min_side=LEAST_SIDE)).decode()
            image = turned(image) if turned else image
            face = central(detector.detect(image))
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, str(path)))
            continue
        finally:
            if progress:
                progress(number + 1, len(paths))
        if face is None:
            continue
        found[number] = True
        cuts = Cuts(image, face)
        for head in heads:
            start = time.process_time()
            column = head.look(cuts)
            spent[head.card.name].append(time.process_time() - start)
            rows[head.card.name][number] = column.values[0]
            cuts.faces = cuts.faces.with_columns({head.card.name: column})
    values = {name: _stacked(given, len(paths)) for name, given in rows.items()}
    ms = {name: 1000 * float(np.median(seconds)) for name, seconds in spent.items() if seconds}
    return Observed(found, values, ms, tuple(failures))


def central(faces: Faces) -> Faces | None:
    """The face whose middle is nearest to that of the picture; None where there is none."""
    if not faces:
        return None
    middle = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    return faces[[int(np.linalg.norm(middle - np.array(faces.size) / 2, axis=1).argmin())]]


def _stacked(rows: Mapping[int, FloatArray], count: int) -> FloatArray:
    shape = next(iter(rows.values())).shape if rows else ()
    values = np.full((count, *shape), np.nan, np.float32)
    for number, row in rows.items():
        values[number] = row
    return values


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over faces and its 95 % bootstrap interval; None without faces."""

    value: float | None
    low: float | None
    high: float | None
    faces: int

    @classmethod
    def of(cls, values: F8) -> Mean:
        """Of (n,) values; the same draws for the same n."""
        if not len(values):
            return cls(None, None, None, 0)
        draws = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
        low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
        mean = float(values.mean())
        return cls(mean, min(mean, float(low)), max(mean, float(high)), len(values))

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"value": self.value, "low": self.low, "high": self.high, "faces": self.faces}

    def __str__(self) -> str:
        if self.value is None:
            return "– no faces"
        return f"{self.value:.2f} ({self.faces:,}; {self.low:.2f} to {self.high:.2f})"
