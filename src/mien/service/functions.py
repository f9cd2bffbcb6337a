"""Calls that need no gallery."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mien.compare import at_fmr, fmr_for_pairs, matches, similarity
from mien.image import PhotoSource, open_photo
from mien.pipeline import Policy
from mien.service.engine import Models, model_id
from mien.types.arrays import FloatArray
from mien.types.faces import Face, Faces
from mien.types.results import ModelId, Verification
from mien.types.score import OperatingTable


def faces(image: PhotoSource, *, models: Models | None = None) -> Faces:
    """The faces of one picture: boxes, five points and scores, in pixels of the upright full picture.

    Args:
        image: path, bytes, open file, or (h, w, 3) uint8 RGB array.
        models: which detector; YuNet by default.

    Raises:
        ImageError: the picture cannot be used.
    """
    models = models or Models()
    photo = open_photo(image, limits=models.limits)
    detector = models.load_detector(replace(models.settings, threads="latency"))
    return detector.detect(photo.decode(detector.side))


def verify(
    probe: PhotoSource,
    reference: PhotoSource,
    *,
    fmr: float = 1e-4,
    faces: str = "largest",
    models: Models | None = None,
) -> Verification:
    """Whether two pictures show the same person, at a stated false match rate.

    Args:
        probe: path, bytes, open file, or (h, w, 3) uint8 RGB array.
        reference: the picture to compare with.
        fmr: how often two different people may match.
        faces: which faces are compared: ``one`` (exactly one a picture), ``largest``, ``central``, or ``all``, the best
            of all pairs at a threshold corrected for their number, so that `fmr` holds for the whole call.
        models: which detector and embedder.

    Raises:
        ImageError: a picture cannot be used, or shows no face (``no-face``) or too many (``several-faces``).
        UsageError: `fmr` is smaller than the measured data supports.
    """
    models = models or Models()
    table = models.table()
    policy = Policy(faces)
    if policy is not Policy.ALL:
        at_fmr(table, fmr)  # refuses an unsupported rate before any work
    pipeline = models.pipeline()
    a, b = (pipeline.templates(open_photo(source, limits=models.limits), policy) for source in (probe, reference))
    model = model_id(pipeline.embedder)
    return decide(similarity(a.vectors, b.vectors), a.faces, b.faces, fmr=fmr, table=table, model=model)


def decide(
    scores: FloatArray,
    probes: Sequence[Face],
    references: Sequence[Face],
    *,
    fmr: float,
    table: OperatingTable,
    model: ModelId,
) -> Verification:
    """The decision on the best of all pairs, at a threshold under which any of them falsely matches at a rate of `fmr`.

    Args:
        scores: (n, m) float32, a row a probe.
        probes: n faces.
        references: m faces.
        fmr: false match rate of the whole.
        table: what was measured.
        model: who made the templates.
    """
    row, column = np.unravel_index(int(scores.argmax()), scores.shape)
    point = at_fmr(table, fmr_for_pairs(fmr, scores.size))
    score = float(scores[row, column])
    return Verification(
        decision=matches(score, point),
        score=score,
        fmr=fmr,
        point=point,
        pairs=scores.size,
        probe=probes[int(row)],
        reference=references[int(column)],
        model=model,
    )
