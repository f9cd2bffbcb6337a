"""A challenge run on frames, from a camera or a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from mien.compare import at_fmr, similarity
from mien.geometry.align import align_faces
from mien.geometry.one_euro import OneEuro, OneEuroFilter
from mien.image.video import Frame
from mien.models import Card, Detector, Embedder, Head, Store, find_card, load_embedder, load_head, require_licence
from mien.models.views import Cuts
from mien.presentation.challenge import Action, Bounds, Challenge, Measured
from mien.service.engine import DEFAULT_EMBEDDER, Models
from mien.types.arrays import Embeddings
from mien.types.faces import Faces

HEADS = ("landmarks68", "eyes", "pose")
FMR = 1e-3
"""False match rate of the check that the person stays the same."""
COMPARE_S = 0.5
"""Between two comparisons, but for those after an action."""
FRONTAL = 20.0
"""Degrees of yaw up to which faces are compared."""
SMALL = 1 / 3
"""Of the largest face's width: narrower ones are passers-by, and do not count."""

Tell = Callable[[str], None]
"""Called with what to do next."""


@dataclass(slots=True)
class _Eye:
    """Measures frames."""

    detector: Detector
    embedder: Embedder
    heads: Sequence[Head]
    smooth: OneEuroFilter
    reference: Embeddings | None = None
    compared_s: float = -COMPARE_S

    def measure(self, frame: Frame, run: Challenge) -> Measured:
        faces = self.detector.detect(frame.image)
        faces = faces[faces.widths >= SMALL * faces.widths.max()] if faces else faces
        if len(faces) != 1:
            return Measured(frame.time_s, len(faces))
        cuts = Cuts(frame.image, faces)
        for head in self.heads:
            cuts.faces = cuts.faces.with_columns({head.card.name: head.look(cuts)})
        columns = cuts.faces.columns
        width = float(faces.widths[0])
        points = self.smooth.step(columns["landmarks68"].values[0].astype(np.float64) / width, frame.time_s)
        eyes = np.linalg.norm(points[42:48].mean(axis=0) - points[36:42].mean(axis=0))
        yaw = float(columns["pose"].values[0, 0])
        return Measured(
            frame.time_s,
            1,
            opened=float(columns["eyes"].values[0].mean()),
            yaw=yaw,
            mouth=float(np.linalg.norm(points[54] - points[48]) / max(float(eyes), 1e-6)),
            alike=self._alike(frame, faces, run.unsure) if run.rested and abs(yaw) < FRONTAL else None,
        )

    def _alike(self, frame: Frame, faces: Faces, now: bool) -> float | None:
        """The score with the first template, now and then."""
        if not now and frame.time_s - self.compared_s < COMPARE_S:
            return None
        self.compared_s = frame.time_s
        points = faces.points * np.array(frame.image.scale, np.float32)
        vector = self.embedder.embed(align_faces(frame.image.pixels, points))
        if self.reference is None:
            self.reference = vector
            return None
        return float(similarity(vector, self.reference)[0, 0])


def run_challenge(
    frames: Iterable[Frame],
    actions: Sequence[Action],
    *,
    models: Models | None = None,
    bounds: Bounds | None = None,
    tell: Tell | None = None,
) -> Challenge:
    """Watch until it is passed, failed, or the frames end.

    Args:
        frames: of a camera or a clip, with a face of at least 60 pixels.
        actions: in the order in which they are asked for.
        models: detector, embedder, and how they are run.
        bounds: when something counts as done; the score for the same person follows from the embedder's table.
        tell: what the person is to do.

    Raises:
        UsageError: the embedder has no measured operating table.
        ImageError: a clip cannot be decoded.
        ModelError: weights are missing, altered or invalid.
    """
    models = models or Models()
    settings = replace(models.settings, threads="latency")
    alike = at_fmr(models.table(), FMR).threshold
    run = Challenge(actions, replace(bounds or Bounds(), alike=alike))
    eye = _Eye(
        models.load_detector(settings).with_side(640),
        load_embedder(models.embedder or DEFAULT_EMBEDDER, settings),
        [load_head(name, settings) for name in HEADS],
        OneEuroFilter(OneEuro()),
    )
    for prompt, _ in _watch(run, eye, frames):
        if tell and prompt:
            tell(prompt)
    run.end()
    return run


def missing(models: Models) -> list[Card]:
    """Cards whose weights are not cached, after their licences were checked."""
    cards = [find_card(name, "head") for name in HEADS]
    for card in cards:
        require_licence(card, models.settings.allow_licence)
    return [*models.missing(), *(card for card in cards if not Store().has(card))]


def _watch(run: Challenge, eye: _Eye, frames: Iterable[Frame]) -> Iterator[tuple[str, Frame | None]]:
    """Each new prompt as it comes up; empty between them."""
    said = run.prompt
    yield said, None
    for frame in frames:
        run.see(eye.measure(frame, run))
        if run.over:
            return
        fresh = run.prompt != said
        said = run.prompt
        yield (said if fresh else ""), frame
