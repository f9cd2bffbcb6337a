"""Detectors on an annotated data set: run them, or take boxes that were made elsewhere, and measure both alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from mien.errors import MienError, UsageError
from mien.evaluate.metrics.detection import (
    F8,
    HEIGHTS,
    AtScore,
    Detections,
    Verdicts,
    at_score,
    average_precision,
    interval,
    judge,
    resampled,
)
from mien.evaluate.metrics.widerface import Curve, official_curve
from mien.evaluate.protocols.boxes import read_boxes
from mien.evaluate.protocols.widerface import ALL, PUBLISHED, WiderFace
from mien.evaluate.rates import Rate
from mien.image import open_photo
from mien.models.detectors import Detector
from mien.types.outcome import Failure

FLOOR = 0.02
"""Lowest score that enters a precision-recall curve; below it precision is near zero."""
MOST = 100_000
"""Faces in a picture that enter it: all."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """Time of each picture, one picture at a time: (n,) float64 each.

    Args:
        decode, detect: by the clock.
        decode_cpu, detect_cpu: of the processor, all threads together.
    """

    decode: F8
    detect: F8
    decode_cpu: F8
    detect_cpu: F8

    def to_dict(self) -> dict[str, dict[str, float]]:
        """For JSON: mean and median by the clock, mean of the processor."""
        parts = {"decode": (self.decode, self.decode_cpu), "detect": (self.detect, self.detect_cpu)}
        return {
            name: {"mean": float(t.mean()), "median": float(np.median(t)), "cpu_mean": float(cpu.mean())}
            for name, (t, cpu) in parts.items()
        }


@dataclass(frozen=True, slots=True)
class Run:
    """What one system reports for every picture of a data set.

    Args:
        name: of the detector or of the file of boxes.
        found: one Detections a picture.
        score: the operating score; None where nobody named one.
        side: long side of the finest look in pixels; None for boxes made elsewhere.
        milliseconds: at the operating score; None for boxes made elsewhere.
        failures: pictures that could not be read; nothing is found in them.
        silent: pictures that a file of boxes does not name; nothing is found in them.
    """

    name: str
    found: tuple[Detections, ...]
    score: float | None = None
    side: int | None = None
    milliseconds: Milliseconds | None = None
    failures: tuple[Failure, ...] = ()
    silent: int = 0


def run_detector(detector: Detector, data: WiderFace, *, progress: Progress | None = None) -> Run:
    """Every picture through a detector, one at a time.

    A picture is looked at twice: down to `FLOOR` for the curves, and as a user would for the time.
    """
    every = detector.with_score(FLOOR, most=MOST)
    found: list[Detections] = []
    failures: list[Failure] = []
    times: list[tuple[float, float, float, float]] = []
    for number, picture in enumerate(data.pictures, 1):
        try:
            start = perf_counter(), process_time()
            image = open_photo(data.images / picture.source).decode(detector.side)
            decoded = perf_counter(), process_time()
            faces = every.detect(image)
            ready = perf_counter(), process_time()
            detector.detect(image)
            done = perf_counter(), process_time()
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, picture.source))
            found.append(Detections.of(np.empty((0, 4)), np.empty(0)))
        else:
            found.append(Detections.of(faces.boxes, faces.scores))
            times.append((decoded[0] - start[0], done[0] - ready[0], decoded[1] - start[1], done[1] - ready[1]))
        if progress:
            progress(number, len(data.pictures))
    milliseconds = Milliseconds(*(1000 * np.array(times).T)) if times else None
    return Run(detector.name, tuple(found), detector.score, detector.side, milliseconds, tuple(failures))


def run_boxes(path: Path, data: WiderFace, score: float | None = None) -> Run:
    """Boxes that another system made; errors as `read_boxes`, and a UsageError for a score that is no number."""
    if score is not None and not np.isfinite(score):
        raise UsageError(f"the operating score of {path} must be a number, not {score}")
    found, silent = read_boxes(path, data.pictures)
    return Run(path.stem, found, score, silent=silent)


@dataclass(frozen=True, slots=True)
class Setting:
    """Average precision in one setting.

    Args:
        name: easy, medium, hard or all.
        faces: to be found.
        official: counts of the official evaluation.
        verdicts: COCO's matching at IoU 0.50, 0.55 … 0.95.
    """

    name: str
    faces: int
    official: Curve
    verdicts: Verdicts

    def to_dict(self) -> dict[str, Any]:
        """For JSON: faces, ap (official), ap_50_95, ap_50, ap_75; each with low and high where there is an interval."""
        each = average_precision(self.verdicts)
        official = _interval(self.official.average_precision, self.official.interval)
        if each is None:
            return {"faces": 0, "ap": official, "ap_50_95": _interval(None, None), "ap_50": None, "ap_75": None}
        drawn = [average_precision(self.verdicts, w) for w in resampled(len(self.verdicts.faces))]
        spread = interval(np.array([ap.mean() for ap in drawn if ap is not None]))
        coco = _interval(float(each.mean()), spread)
        return {"faces": self.faces, "ap": official, "ap_50_95": coco, "ap_50": float(each[0]), "ap_75": float(each[5])}


@dataclass(frozen=True, slots=True)
class DetectionResult:
    """All that is measured of one run."""

    run: Run
    settings: tuple[Setting, ...]
    operating: AtScore | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        run = self.run
        return {
            "name": run.name,
            "side": run.side,
            "pictures": len(run.found),
            "failures": [failure.to_dict() for failure in run.failures],
            "pictures_without_boxes": run.silent,
            "settings": {setting.name: setting.to_dict() for setting in self.settings},
            "operating": None if self.operating is None else _operating(self.operating),
            "milliseconds": None if run.milliseconds is None else run.milliseconds.to_dict(),
            "published": [
                {"easy": p.easy, "medium": p.medium, "hard": p.hard, "source": p.source, "conditions": p.conditions}
                for p in PUBLISHED.get(run.name, ())
                if run.side is not None
            ],
        }


def measure(run: Run, data: WiderFace) -> DetectionResult:
    """The metrics of a run."""
    settings = tuple(
        Setting(
            name,
            sum(int(p.counts[name].sum()) for p in data.pictures),
            official_curve(run.found, data.pictures, name),
            judge(run.found, data.pictures, name),
        )
        for name in data.settings
    )
    operating = None if run.score is None else at_score(run.found, data.pictures, ALL, run.score)
    return DetectionResult(run, settings, operating)


def _interval(value: float | None, spread: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = spread or (None, None)
    return {"value": value, "low": low, "high": high}


def share(rate: Rate) -> dict[str, float | int | None]:
    """A share of hits for JSON: value, low, high, hits, trials."""
    return {"value": rate.value, "low": rate.low, "high": rate.high, "hits": rate.errors, "trials": rate.trials}


def _operating(at: AtScore) -> dict[str, Any]:
    mean, low, high = at.wrong_per_picture
    ends = [*HEIGHTS[1:], None]
    return {
        "score": at.score,
        "overlap": at.overlap,
        "precision": share(at.precision),
        "recall": share(at.recall),
        "false_positives_per_picture": {"value": mean, "low": low, "high": high, "count": int(at.wrong.sum())},
        "recall_by_height": [
            {"from_px": start, "to_px": end, **share(rate)}
            for (start, rate), end in zip(at.by_height, ends, strict=True)
        ],
    }
