"""Average precision as WIDER FACE's official evaluation computes it (Yang et al., CVPR 2016; `wider_eval` tools).

It differs from COCO's in all but the name, and only numbers made this way can be set beside published ones:

* scores are stretched to 0..1 over the whole data set, with the lowest taken as 1 or less and the highest as 0 or more;
* a find is compared with the face that it overlaps most, free or not, at IoU 0.5; areas count the last pixel;
* a find whose face is outside the setting is not proposed at all, a second find of a face is proposed and not found;
* pictures without annotated faces are left out, and their wrong finds with them;
* precision and recall are taken at 1,000 thresholds 0.999, 0.998 … 0, and joined as Pascal VOC 2010 does.

So only a linear change of the scores leaves the value unchanged, not every monotone one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.metrics.detection import F8, Annotated, Detections, Mask, interval, iou, resampled

SETTINGS = ("easy", "medium", "hard")
STEPS = 1000
OVERLAP = 0.5
_THRESHOLDS = 1 - np.arange(1, STEPS + 1) / STEPS


@dataclass(frozen=True, slots=True)
class Curve:
    """Counts of a setting, picture by picture, at the 1,000 thresholds.

    Args:
        proposed: (pictures, 1000) finds that count.
        found: (pictures, 1000) faces found.
        faces: (pictures,) faces to be found.
    """

    proposed: NDArray[np.int32]
    found: NDArray[np.int32]
    faces: NDArray[np.intp]

    @property
    def precision_recall(self) -> tuple[F8, F8]:
        """(1000,) recall and (1000,) precision."""
        return _precision_recall(self.proposed.sum(axis=0), self.found.sum(axis=0), int(self.faces.sum()))

    @property
    def average_precision(self) -> float | None:
        """Area under the curve in 0..1; None without faces to find."""
        return _voc_area(*self.precision_recall) if self.faces.any() else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the average precision: bootstrap over pictures, the score range kept."""
        if not self.faces.any():
            return None
        weights = resampled(len(self.faces))
        weights = weights[weights @ self.faces > 0]
        proposed, found = (weights.astype(np.float64) @ counts for counts in (self.proposed, self.found))
        curves = zip(proposed, found, weights @ self.faces, strict=True)
        return interval(np.array([_voc_area(*_precision_recall(p, f, int(n))) for p, f, n in curves]))


def official_curve(found: Sequence[Detections], pictures: Sequence[Annotated], setting: str) -> Curve:
    """The counts behind the official precision-recall curve of a setting."""
    stretched = stretch(found)
    counts = [
        _picture(f.boxes, scores, p.boxes, p.counts[setting])
        for f, scores, p in zip(found, stretched, pictures, strict=True)
    ]
    proposed, hits = (np.stack(column) for column in zip(*counts, strict=True))
    return Curve(proposed, hits, np.array([p.counts[setting].sum() for p in pictures]))


def stretch(found: Sequence[Detections]) -> list[F8]:
    """The scores of each picture, stretched to 0..1 over the data set; equal scores everywhere become 1."""
    scores = np.concatenate([f.scores for f in found])
    low, high = min(1.0, scores.min(initial=1.0)), max(0.0, scores.max(initial=0.0))
    return [(f.scores - low) / (high - low) if high > low else np.ones(len(f)) for f in found]


def _picture(boxes: F8, scores: F8, truth: F8, counts: Mask) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(1000,) finds proposed and (1000,) faces found in one picture."""
    proposed, found = np.zeros(len(boxes) + 1, np.int32), np.zeros(len(boxes) + 1, np.int32)
    if len(boxes) and len(truth):
        over = iou(boxes, truth, pixel=1)
        nearest = over.argmax(axis=1)
        hit = over.max(axis=1) >= OVERLAP
        wanted = hit & counts[nearest]
        proposed[1:] = np.cumsum(~hit | wanted)
        first = np.zeros(len(boxes), bool)
        first[np.flatnonzero(wanted)[np.unique(nearest[wanted], return_index=True)[1]]] = True
        found[1:] = np.cumsum(first)
    above = np.searchsorted(-scores, -_THRESHOLDS, side="right")
    return proposed[above], found[above]


def _precision_recall(proposed: NDArray[Any], found: NDArray[Any], faces: int) -> tuple[F8, F8]:
    precision = np.divide(found, proposed, out=np.zeros(STEPS), where=proposed > 0)
    return found / max(1, faces), precision


def _voc_area(recall: F8, precision: F8) -> float:
    """Area under the curve whose precision is the best at that recall or a higher one."""
    steps = np.diff(recall, prepend=0)
    return float(np.sum(steps * np.maximum.accumulate(precision[::-1])[::-1]))
