"""A landmark head on faces that people marked: five points derived from its 68."""

from __future__ import annotations

import time

import numpy as np

from mien.errors import MienError
from mien.evaluate.landmarks import LandmarkResult, Progress, See, as_it_is, nearest_row
from mien.evaluate.protocols.mtfl import Marked
from mien.image import Limits, open_photo
from mien.models.detectors import Detector
from mien.models.heads import Head
from mien.models.heads.landmarks import five_points
from mien.models.views import Cuts
from mien.types.outcome import Failure


def run_head_landmarks(
    head: Head,
    detector: Detector,
    data: Marked,
    *,
    see: See = as_it_is,
    side: int | None = None,
    progress: Progress | None = None,
) -> LandmarkResult:
    """Every picture through a detector and, in the box that it gives, the head; arguments as `run_landmarks`."""
    found = np.full(data.points.shape, np.nan)
    failures: list[Failure] = []
    spent: list[float] = []
    for row, (source, truth) in enumerate(zip(data.sources, data.points, strict=True)):
        try:
            image = see(open_photo(data.images / source, limits=Limits(min_side=16)).decode())
            faces = detector.detect(image)
            meant = nearest_row(faces, truth)
            if meant is not None:
                start = time.process_time()
                column = head.look(Cuts(image, faces[[meant]]))
                spent.append(time.process_time() - start)
                found[row] = five_points(column.values)[0]
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, source))
        if progress:
            progress(row + 1, len(data.sources))
    ms = 1000 * float(np.median(spent)) if spent else None
    name = f"{head.card.name} in a box of {detector.name}"
    return LandmarkResult(name, found, data.points, tuple(failures), ms, side)
