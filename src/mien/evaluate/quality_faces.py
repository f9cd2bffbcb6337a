"""Photographs to what measures of quality say of their faces: found, made worse where asked, cut, embedded, rated."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.cores import usable_cores
from mien.errors import MienError
from mien.evaluate.heads import central
from mien.geometry.align import align_faces
from mien.image import open_photo
from mien.models import Head
from mien.models.views import Cuts
from mien.pipeline import Pipeline
from mien.quality.utility import Measure, Sights
from mien.quality.utility.degradations import degradations
from mien.quality.utility.vectors import networks, raw_vectors, templates
from mien.runtime.threads import quiet_libraries
from mien.types.arrays import Crops, Embeddings, FloatArray
from mien.types.faces import Column, Faces
from mien.types.image import Image
from mien.types.outcome import Failure

CHUNK = 16
"""Photographs a task."""
TIMED = 24
"""Faces that each measure is timed on, one at a time."""

Progress = Callable[[int, int], None]
"""Called with (done, total)."""
Reading = Callable[[Column], FloatArray]
"""A head's column to (n,) scores."""
Scored = NDArray[np.float64]
"""(n,) scores; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Harm:
    """Which photographs are made worse, and how.

    Args:
        kinds: (n,) str, the name of a degradation or '' for a photograph left as it is.
        seed: of the strengths.
    """

    kinds: NDArray[np.str_]
    seed: int

    @classmethod
    def half(cls, count: int, kinds: Sequence[str], seed: int) -> Harm:
        """Of every second photograph, drawn, one of the kinds."""
        random = np.random.default_rng(seed)
        chosen = np.zeros(count, "U16")
        if kinds:
            rows = random.permutation(count)[: count // 2]
            chosen[rows] = np.array(kinds)[np.arange(len(rows)) % len(kinds)]
        return cls(chosen, seed)

    def done(self, row: int, image: Image, faces: Faces) -> Image:
        """The photograph as the detector gets it the second time."""
        kind = str(self.kinds[row])
        eyes_px = float(np.linalg.norm(faces.points[0, 1] - faces.points[0, 0]))
        random = np.random.default_rng([self.seed, row])
        return replace(image, pixels=degradations[kind](image.pixels, max(eyes_px, 4.0), random))


@dataclass(frozen=True, slots=True)
class Raters:
    """What says how good faces are.

    Args:
        measures: of utility, by name.
        heads: in an order in which each has what it needs.
        readings: scores that a head gives, by name: the head, and what reads its column.
    """

    measures: Mapping[str, Measure] = field(default_factory=dict)
    heads: tuple[Head, ...] = ()
    readings: Mapping[str, tuple[str, Reading]] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all scores."""
        return (*self.readings, *self.measures)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen on n photographs; rows of those without a face are zero or NaN.

    Args:
        vectors: (n, d) float32, unit rows.
        reasons: n stable codes such as ``no-face``; empty where there is a face.
        qualities: by name, (n,) float64.
        ms: by name, median processor milliseconds a face, one face at a time, beside what the template takes.
        template_ms: cutting and embedding, the same way.
        sights: of the faces that were found, where they were to be kept, and their rows.
    """

    vectors: Embeddings
    reasons: tuple[str, ...]
    qualities: Mapping[str, NDArray[np.float64]]
    ms: Mapping[str, float]
    template_ms: float
    sights: Sights | None
    rows: NDArray[np.int64]

    @property
    def failed(self) -> NDArray[np.bool_]:
        """(n,) bool."""
        return np.array([bool(reason) for reason in self.reasons], np.bool_)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One face."""

    row: int
    image: Image
    faces: Faces
    crop: Crops


def look(
    pipeline: Pipeline,
    paths: Sequence[Path],
    raters: Raters,
    *,
    harm: Harm | None = None,
    keep: bool = False,
    progress: Progress | None = None,
) -> Looked:
    """The most central face of each photograph, embedded and rated.

    Args:
        pipeline: detector and embedder, opened for throughput.
        paths: n photographs of one person each.
        raters: what rates them.
        harm: what is made worse first; then the face is looked for again.
        keep: keep the sights, 40 kB a face.
        progress: called with (done, total) photographs.
    """
    networks(pipeline.embedder)  # refuses before any work
    vectors = np.zeros((len(paths), pipeline.embedder.contract.dimension), np.float32)
    qualities = {name: np.full(len(paths), np.nan) for name in raters.names}
    reasons, kept, rows, timed = list[str](), list[Sights](), list[int](), list[_Seen]()

    def work(start: int) -> _Part:
        return _part(pipeline, raters, range(start, min(start + CHUNK, len(paths))), paths, harm, keep=keep)

    with quiet_libraries(), ThreadPoolExecutor(usable_cores()) as pool:
        for part in pool.map(work, range(0, len(paths), CHUNK)):
            reasons += part.reasons
            vectors[part.rows] = part.vectors
            for name, values in part.scored.items():
                qualities[name][part.rows] = values
            kept += [part.sights] if part.sights else []
            rows += part.rows
            timed += part.seen
            if progress:
                progress(len(reasons), len(paths))
    ms, template_ms = _times(pipeline, raters, timed[:TIMED])
    joined = joined_sights(kept) if kept else None
    return Looked(vectors, tuple(reasons), qualities, ms, template_ms, joined, np.array(rows, np.int64))


@dataclass(frozen=True, slots=True)
class _Part:
    """What was seen on some photographs: a reason each, and of those with a face the rest; faces to time at first."""

    reasons: tuple[str, ...]
    rows: list[int]
    vectors: Embeddings
    scored: Mapping[str, Scored]
    sights: Sights | None
    seen: list[_Seen]


def _part(
    pipeline: Pipeline, raters: Raters, rows: range, paths: Sequence[Path], harm: Harm | None, *, keep: bool
) -> _Part:
    outcomes = [_see(pipeline, row, paths[row], harm) for row in rows]
    reasons = tuple(outcome.reason if isinstance(outcome, Failure) else "" for outcome in outcomes)
    seen = [outcome for outcome in outcomes if isinstance(outcome, _Seen)]
    if not seen:
        return _Part(reasons, [], np.empty((0, pipeline.embedder.contract.dimension), np.float32), {}, None, [])
    sights = _sights(pipeline, seen)
    return _Part(
        reasons,
        [one.row for one in seen],
        templates(pipeline.embedder, sights.raw),
        _rated(raters, seen, sights),
        sights if keep else None,
        seen if rows.start < 2 * TIMED else [],
    )


def _see(pipeline: Pipeline, row: int, path: Path, harm: Harm | None) -> _Seen | Failure:
    """The most central face of a photograph."""
    try:
        image = open_photo(path).decode()
    except MienError as error:
        if error.exit_code not in (3, 4):  # not about this picture
            raise
        return Failure.of(error, str(path))
    faces = central(pipeline.detector.detect(image))
    if faces is not None and harm is not None and harm.kinds[row]:
        image = harm.done(row, image, faces)
        faces = central(pipeline.detector.detect(image))
    if faces is None:
        return Failure(str(path), "no-face", f"{path}: no face found")
    return _Seen(row, image, faces, align_faces(image.pixels, faces.points))


def _sights(pipeline: Pipeline, seen: Sequence[_Seen]) -> Sights:
    crops = np.concatenate([one.crop for one in seen])
    columns = [[getattr(one.faces, name) for one in seen] for name in ("boxes", "points", "scores")]
    boxes, points, scores = (np.concatenate(column) for column in columns)
    return Sights(crops, boxes, points, scores, raw_vectors(pipeline.embedder, crops))


def joined_sights(parts: Sequence[Sights]) -> Sights:
    """All faces of several, in their order."""
    crops, boxes, points, scores = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("crops", "boxes", "points", "scores")
    )
    raw = tuple(np.concatenate(columns) for columns in zip(*(part.raw for part in parts), strict=True))
    return Sights(crops, boxes, points, scores, raw)


def _rated(raters: Raters, seen: Sequence[_Seen], sights: Sights) -> dict[str, Scored]:
    scored = {name: measure.score(sights).astype(np.float64) for name, measure in raters.measures.items()}
    if raters.heads:
        columns = [_columns(raters.heads, one) for one in seen]
        for name, (head, reading) in raters.readings.items():
            scored[name] = np.array([reading(column[head])[0] for column in columns], np.float64)
    return scored


def _columns(heads: Sequence[Head], one: _Seen) -> Mapping[str, Column]:
    cuts = Cuts(one.image, one.faces)
    for head in heads:
        cuts.faces = cuts.faces.with_columns({head.card.name: head.look(cuts)})
    return cuts.faces.columns


def _times(pipeline: Pipeline, raters: Raters, seen: Sequence[_Seen]) -> tuple[dict[str, float], float]:
    """Milliseconds of each score, and of a template; readings of one head share its time, that of what it needs too."""
    if not seen:
        return {}, 0.0
    sights = [_sights(pipeline, [one]) for one in seen]
    template = _median(lambda i: _sights(pipeline, [seen[i]]), len(seen))

    def timed(measure: Measure) -> float:
        return _median(lambda i: measure.score(sights[i]), len(seen))

    ms = {name: timed(measure) for name, measure in raters.measures.items()}
    if raters.heads:
        heads = _median(lambda i: _columns(raters.heads, seen[i]), len(seen))
        ms |= dict.fromkeys(raters.readings, heads)
    return ms, template


def _median(call: Callable[[int], object], times: int) -> float:
    spent = []
    for number in range(times):
        start = time.process_time()
        call(number)
        spent.append(time.process_time() - start)
    return 1000 * float(np.median(spent))
