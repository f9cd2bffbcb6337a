"""What fits a time budget: the whole chain from decoded pixels to a score, on one core.

FRUITS (Face Recognition Under Inference Time conStraint; Zhu et al., WebFace260M, CVPR 2021) sets budgets of 100, 500
and 1000 ms for detection, alignment, embedding and comparison together. Every network runs on one thread and, where
the system can, the process is held on one core; processor time over wall time shows whether it was so.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.compare import at_fmr, similarity
from mien.errors import FaceError, UsageError
from mien.evaluate.rates import Rate
from mien.geometry.align import align_faces
from mien.image import PhotoSource, load_image
from mien.models import Card, LoadSettings, find_card, load_detector, load_embedder
from mien.pipeline import Pipeline, Policy, choose
from mien.runtime.choose import ENGINES, has_bf16, installed
from mien.runtime.threads import quiet_libraries
from mien.types.image import Image
from mien.types.template import Precision

STAGES = ("detect", "align", "embed", "compare")
SECONDS = 1.0
"""A configuration is timed at least once a picture, and again until this much time has passed."""
ROUNDS = 20
TABLE_FMR = 1e-4
"""False match rate at which the card's table is read for the error of a configuration."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One way to run the chain; `side` None = the detector's own."""

    detector: str
    embedder: str
    engine: str
    precision: str
    side: int | None = None

    def __str__(self) -> str:
        at = f" at {self.side}" if self.side else ""
        return f"{self.detector}{at}, {self.embedder}, {self.engine} {self.precision}"


@dataclass(frozen=True, slots=True)
class Error:
    """True accept rate of a configuration at `TABLE_FMR`, from its embedder's card; None with the reason.

    Args:
        tar: 1 - FNMR of the card's measurement.
        measured: the card was measured with this configuration's detector, side and precision.
        reason: what differs, or why there is no figure.
    """

    tar: Rate | None
    measured: bool
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"fmr": TABLE_FMR, "tar": self.tar.to_dict() if self.tar else None, "measured": self.measured} | {
            "reason": self.reason or None
        }


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of one configuration.

    Args:
        configuration: which.
        side: the detector's, in pixels.
        milliseconds: by stage and ``total``, (n,) one a picture and round.
        pictures, rounds: n is their product.
        without_face: pictures that gave no face; their time counts as it is.
        processor: mean milliseconds of processor time a picture; what the chain costs when nobody else wants the core.
        cores: processor time over wall time; below 1 others had the core, above 1 more than one was used.
        error: how good it is.
    """

    configuration: Configuration
    side: int
    milliseconds: dict[str, NDArray[np.float64]]
    pictures: int
    rounds: int
    without_face: int
    processor: float
    cores: float
    error: Error

    @property
    def total(self) -> NDArray[np.float64]:
        """(n,) milliseconds of the whole chain."""
        return self.milliseconds["total"]

    def fits(self, budget: float) -> bool:
        """Whether 95 of 100 runs stay within so many milliseconds."""
        return float(np.percentile(self.total, 95)) <= budget

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        c = self.configuration
        stages = {stage: float(np.median(values)) for stage, values in self.milliseconds.items()}
        return {
            "detector": c.detector,
            "embedder": c.embedder,
            "engine": c.engine,
            "precision": c.precision,
            "side": self.side,
            "milliseconds": {
                "median": float(np.median(self.total)),
                "p95": float(np.percentile(self.total, 95)),
                "most": float(self.total.max()),
                "processor": self.processor,
                "stages": stages,
            },
            "pictures": self.pictures,
            "rounds": self.rounds,
            "without_face": self.without_face,
            "cores": self.cores,
            "error": self.error.to_dict(),
        }


def configurations(
    detectors: Sequence[str],
    embedders: Sequence[str],
    engines: Sequence[str],
    precisions: Sequence[str],
    sides: Sequence[int | None],
) -> list[Configuration]:
    """Every combination that this machine can run.

    Args:
        detectors: names of cards.
        embedders: names of cards.
        engines: of `ENGINES`, or ``all``: those installed.
        precisions: ``f32``, ``bf16``, or ``all``.
        sides: of the detectors, None = their own.

    Raises:
        UsageError: an unknown engine or precision, or nothing is left that this machine can run.
    """
    _check(engines, (*ENGINES, "all"), "engine")
    _check(precisions, (Precision.F32.value, Precision.BF16.value, "all"), "precision")
    chosen = [e for e in ENGINES if (e in engines or "all" in engines) and installed(e)]
    exact = [p.value for p in (Precision.F32, Precision.BF16) if p.value in precisions or "all" in precisions]
    pairs = [(e, p) for e in chosen for p in exact if p == Precision.F32 or (e == "openvino" and has_bf16())]
    if not pairs:
        raise UsageError(
            f"this machine runs none of {', '.join(engines)} in {', '.join(precisions)}; use `mien doctor`"
        )
    combined = itertools.product(detectors, sides, embedders, pairs)
    return [Configuration(d, e, engine, precision, side) for d, side, e, (engine, precision) in combined]


def _check(given: Sequence[str], known: Sequence[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise UsageError(f"{what} must be one of {', '.join(known)}; got '{name}'")


def read_pixels(sources: Sequence[PhotoSource]) -> list[Image]:
    """The pictures, decoded whole: FRUITS counts from decoded pixels on.

    Raises:
        UsageError: no pictures.
        ImageError: one that cannot be decoded.
    """
    if not sources:
        raise UsageError("no pictures to time the chain on; give a folder of photographs")
    return [load_image(source) for source in sources]


@contextmanager
def one_core() -> Iterator[bool]:
    """The calling thread and all that it starts on one core, libraries on one thread; True where the core is held."""
    if sys.platform != "linux":
        with quiet_libraries():
            yield False
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        with quiet_libraries():
            yield True
    finally:
        os.sched_setaffinity(0, before)


def time_configuration(
    configuration: Configuration, images: Sequence[Image], *, allow_licence: str = "permissive"
) -> Timing:
    """Times the chain on decoded pictures; call it within `one_core`.

    The largest face of a picture is compared with the one of the picture before. One run a picture warms up and is
    not counted.

    Args:
        configuration: what to run.
        images: decoded pictures, at least one with a face.
        allow_licence: licences of weights to accept.

    Raises:
        FaceError: none of the pictures shows a face to this detector.
    """
    settings = LoadSettings(configuration.engine, configuration.precision, "throughput", allow_licence=allow_licence)
    detector = load_detector(configuration.detector, settings)
    detector = detector if configuration.side is None else detector.with_side(configuration.side)
    pipeline = Pipeline(detector, load_embedder(configuration.embedder, settings))
    chain = _Chain(pipeline)
    faceless = sum(not chain.run(image)[1] for image in images)
    if faceless == len(images):
        raise FaceError(f"{configuration}: none of {len(images)} pictures shows a face; give others with --images")
    rows: list[tuple[float, ...]] = []
    wall, cpu, rounds = time.perf_counter(), time.process_time(), 0
    while rounds == 0 or (time.perf_counter() - wall < SECONDS and rounds < ROUNDS):
        rows += [chain.run(image)[0] for image in images]
        rounds += 1
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    columns = np.array(rows).T * 1000
    milliseconds = dict(zip(STAGES, columns, strict=True)) | {"total": columns.sum(axis=0)}
    error = error_of(configuration, find_card(configuration.embedder, "embedder"))
    return Timing(
        configuration,
        detector.side,
        milliseconds,
        len(images),
        rounds,
        faceless,
        1000 * cpu / len(rows),
        cpu / wall,
        error,
    )


class _Chain:
    """Pixels to score, with the time of each stage."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._reference = np.zeros((1, pipeline.embedder.contract.dimension), np.float32)

    def run(self, image: Image) -> tuple[tuple[float, ...], bool]:
        """Seconds of each of `STAGES`, and whether there was a face."""
        marks = [time.perf_counter()]
        faces = self._pipeline.detector.detect(image)
        marks.append(time.perf_counter())
        try:
            crops = align_faces(image.pixels, choose(faces, Policy.LARGEST).points)
        except FaceError:
            return (marks[1] - marks[0], 0.0, 0.0, 0.0), False
        marks.append(time.perf_counter())
        template = self._pipeline.embedder.embed(crops)
        marks.append(time.perf_counter())
        similarity(template, self._reference)
        marks.append(time.perf_counter())
        self._reference = template
        return tuple(np.diff(marks).tolist()), True


def error_of(configuration: Configuration, card: Card) -> Error:
    """The card's true accept rate, and whether it was measured as this configuration runs."""
    table = card.operating
    if table is None:
        return Error(None, False, f"{card.name} has no measured operating table")
    try:
        point = at_fmr(table, TABLE_FMR)
    except UsageError as error:
        return Error(None, False, str(error))
    tar = Rate(point.mated - point.misses, point.mated)
    differs = _difference(configuration, table.command)
    return Error(tar, not differs, f"the card was measured with {', '.join(differs)}" if differs else "")


def _difference(configuration: Configuration, command: str) -> list[str]:
    """In what the command that made a card's table differs from a configuration."""
    words = command.split()
    given = dict(itertools.pairwise(words))
    detector, precision = given.get("--detector", "yunet"), given.get("--precision", "auto")
    differs = []
    if detector != configuration.detector:
        differs.append(detector)
    if configuration.side is not None:
        differs.append("the detector's own side")
    if precision != configuration.precision:
        differs.append(precision)
    return differs
