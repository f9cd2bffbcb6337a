"""The five points of detectors and landmark heads on faces that people marked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.errors import MienError
from mien.evaluate import plots
from mien.evaluate.detection import share
from mien.evaluate.landmark_factors import by_yaw
from mien.evaluate.metrics.landmarks import F8, LENGTHS, LIMITS, Normalised, normalised_errors
from mien.evaluate.protocols.mtfl import Marked
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.image import Limits, open_photo
from mien.models.detectors import Detector
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.outcome import Failure

METHOD = """
Of several finds in a picture, the one whose box is nearest to the marked points is measured, if its box holds their
centre; otherwise the face is missed. The error of a face is the mean distance of its five points, divided by the
distance of the marked eye centres (`interocular`) or by the square root of the area of the box around the marked points
(`box`). A missed face counts as failed at every limit and adds nothing to the area under the curve; means and medians
are of the faces found. Intervals hold 95 %: bootstrap over faces for means, Clopper-Pearson for rates.

Yaw is that of a 3D mean face laid on the marked points; it is no truth, and the bins are as wide as it is unsure. A
reduced picture is the same picture with so many pixels on its long side; detectors then see it enlarged again.
"""
END = 0.2
"""Error at which the drawn curve ends."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""
See = Callable[[Image], Image]
"""What is done to each picture before anything looks at it; coordinates stay those of the full picture."""


def as_it_is(image: Image) -> Image:
    """Nothing done."""
    return image


@dataclass(frozen=True, slots=True)
class LandmarkResult:
    """What one detector or head finds.

    Args:
        name: of the detector, or of the head and the detector whose boxes it got.
        found: (n, 5, 2) points, NaN where the face was missed.
        truth: (n, 5, 2) marked points.
        failures: pictures that could not be read.
        ms: of a head, median processor milliseconds a face from the cut on; None of a detector, which finds too.
        side: long side that the pictures were reduced to, in pixels; None = as they are.
    """

    name: str
    found: F8
    truth: F8
    failures: tuple[Failure, ...]
    ms: float | None = None
    side: int | None = None

    @property
    def label(self) -> str:
        """Name, and what the pictures were reduced to."""
        return self.name if self.side is None else f"{self.name}, {self.side} px"

    @property
    def normalised(self) -> tuple[Normalised, ...]:
        """Errors under each normalisation."""
        return tuple(Normalised(kind, normalised_errors(self.found, self.truth, kind)) for kind in LENGTHS)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        hit = ~np.isnan(self.found).any(axis=(1, 2))
        return {
            "name": self.name,
            "side": self.side,
            "faces": len(self.truth),
            "found": share(Rate(int(hit.sum()), len(self.truth))),
            "failures": [failure.to_dict() for failure in self.failures],
            "ms": self.ms,
            "nme": {errors.kind: errors.to_dict() for errors in self.normalised},
            "yaw": by_yaw(self.found, self.truth),
        }


def run_landmarks(
    detector: Detector,
    data: Marked,
    *,
    see: See = as_it_is,
    side: int | None = None,
    progress: Progress | None = None,
) -> LandmarkResult:
    """Every picture through a detector; a picture that cannot be read is a missed face.

    Args:
        detector: what is measured.
        data: pictures and their marked points.
        see: what is done to each picture first.
        side: that `see` reduces pictures to, for the result.
        progress: told how far it is.
    """
    found = np.full(data.points.shape, np.nan)
    failures: list[Failure] = []
    for row, (source, truth) in enumerate(zip(data.sources, data.points, strict=True)):
        try:
            photo = open_photo(data.images / source, limits=Limits(min_side=16))
            found[row] = nearest(detector.detect(see(photo.decode(detector.side))), truth)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, source))
        if progress:
            progress(row + 1, len(data.sources))
    return LandmarkResult(detector.name, found, data.points, tuple(failures), side=side)


def nearest(faces: Faces, truth: F8) -> F8:
    """The points of the find that is meant: its box holds the centre of the marked points, its own centre is nearest.

    Args:
        faces: of one picture.
        truth: (5, 2) marked points.

    Returns:
        (5, 2), NaN where no box holds the centre.
    """
    row = nearest_row(faces, truth)
    if row is None:
        return np.full((5, 2), np.nan)
    points: F8 = faces.points[row].astype(np.float64)
    return points


def nearest_row(faces: Faces, truth: F8) -> int | None:
    """The row of that find; None where no box holds the centre."""
    centre = truth.mean(axis=0)
    boxes = faces.boxes.astype(np.float64)
    holds = np.all((boxes[:, :2] <= centre) & (centre <= boxes[:, 2:]), axis=1)
    if not holds.any():
        return None
    distance = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - centre, axis=1)
    return int(np.where(holds, distance, np.inf).argmin())


def landmark_report(results: Sequence[LandmarkResult], command: str) -> Report:
    """The report of several detectors on one data set."""
    rows = [result.to_dict() for result in results]
    faces = len(results[0].truth)
    data = {"dataset": {"name": "mtfl", "faces": faces}, "results": rows}
    note = f"MTFL, {faces:,} faces"
    figures = (
        plots.intervals(
            [_row(row, label, kind) for row, label in _labelled(rows, results) for kind in LENGTHS],
            log=False,
            title="Normalised mean error of the faces found",
            note=f"{note}; 95 % intervals by a bootstrap over faces.",
            label="percent",
        ),
        plots.cumulative_errors(
            {result.label: normalised_errors(result.found, result.truth, "box") for result in results},
            limit=END,
            title="Cumulative errors",
            note=f"{note}, missed ones included; divided by the box around the marked points.",
        ),
    )
    tables = (_table(rows, results), _yaw_table(rows, results))
    sections = (
        Section("Points", f"{note} with five marked points each.", tables, figures),
        Section("How it was measured", METHOD),
    )
    return Report("Landmarks on MTFL", sections, data, command)


def _labelled(
    rows: Sequence[dict[str, Any]], results: Sequence[LandmarkResult]
) -> Iterator[tuple[dict[str, Any], str]]:
    return zip(rows, (result.label for result in results), strict=True)


def _row(row: dict[str, Any], label: str, kind: str) -> tuple[str, float | None, float | None, float | None]:
    """One line of the plot, in percent."""
    mean = row["nme"][kind]["mean"]
    value, low, high = (None if mean[key] is None else 100 * mean[key] for key in ("value", "low", "high"))
    return f"{label}, {kind}", value, low, high


def _table(rows: Sequence[dict[str, Any]], results: Sequence[LandmarkResult]) -> Table:
    limits = tuple(f"{what} {limit:.2f}" for limit in LIMITS for what in ("failed beyond", "area to"))
    columns = ("detector or head", "found", "ms", "divided by", "mean", "median", *limits)
    cells = tuple(
        (label, _rate(row["found"], "hits"), _ms(row["ms"]), kind, *_cells(row["nme"][kind]))
        for row, label in _labelled(rows, results)
        for kind in LENGTHS
    )
    return Table("Normalised mean error, failure rate and area under the error curve, all in percent", columns, cells)


def _yaw_table(rows: Sequence[dict[str, Any]], results: Sequence[LandmarkResult]) -> Table:
    limits = tuple(f"{what} {limit:.2f}" for limit in LIMITS for what in ("failed beyond", "area to"))
    columns = ("detector or head", "yaw, degrees", "faces", "mean", "median", *limits)
    cells = tuple(
        (label, f"{part['from']} to {part['to']}", f"{part['faces']:,}", *_cells(part["nme"]["box"]))
        for row, label in _labelled(rows, results)
        for part in row["yaw"]
    )
    return Table("The same by yaw, divided by the box, in percent", columns, cells)


def _cells(nme: dict[str, Any]) -> tuple[str, ...]:
    mean = nme["mean"]
    spread = "" if mean["low"] is None else f" ({_percent(mean['low'])} to {_percent(mean['high'])})"
    pairs = zip(nme["failure"], nme["auc"], strict=True)
    ends = [cell for rate, auc in pairs for cell in (_rate(rate, "errors"), _percent(auc["value"]))]
    return (_percent(mean["value"]) + spread, _percent(nme["median"]), *ends)


def _ms(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.1f}"


def _percent(value: float | None) -> str:
    return UNDEFINED if value is None else f"{100 * value:.2f}"


def _rate(rate: dict[str, Any], count: str) -> str:
    if rate["value"] is None:
        return UNDEFINED
    counts = f"{rate[count]:,} of {rate['trials']:,}"
    return f"{_percent(rate['value'])} ({counts}; {_percent(rate['low'])} to {_percent(rate['high'])})"
