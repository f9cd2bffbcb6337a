"""Faces found against faces annotated: one-to-one matching, average precision, and the state at one score.

Matching follows COCO (Lin et al., ECCV 2014; pycocotools' `evaluateImg`): the finds of a picture, surest first, each
take the free annotated face that they overlap most, if the IoU is high enough. A face that does not count in a setting
is taken only when no counting one can be; its find is then neither right nor wrong. A second find of a face is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.rates import Rate

F8: TypeAlias = NDArray[np.float64]
Mask: TypeAlias = NDArray[np.bool_]

OVERLAPS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))
"""IoU 0.50, 0.55 … 0.95."""
HEIGHTS = (0, 10, 20, 40, 80, 160, 320)
"""Lower ends of the bands of face heights, pixels of the full picture; the last band is open."""
RESAMPLES = 200
"""Bootstrap samples of pictures behind each interval of an average precision."""
RIGHT, WRONG, IGNORED = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Annotated:
    """One picture as people marked it.

    Args:
        source: its path inside the data set.
        boxes: (m, 4) float64 x0 y0 x1 y1, pixels of the full picture.
        counts: for each setting (m,) bool, which faces are to be found; the others are ignored.
    """

    source: str
    boxes: F8
    counts: Mapping[str, Mask]


@dataclass(frozen=True, slots=True)
class Detections:
    """What a system reports for one picture: (n, 4) float64 boxes x0 y0 x1 y1 and (n,) scores, surest first."""

    boxes: F8
    scores: F8

    @classmethod
    def of(cls, boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> Detections:
        """From columns in any order; among equal scores the order given stays."""
        order = np.argsort(-scores, kind="stable")
        return cls(boxes.astype(np.float64).reshape(-1, 4)[order], scores.astype(np.float64)[order])

    def __len__(self) -> int:
        return len(self.scores)


def iou(boxes: F8, others: F8, *, pixel: float = 0) -> F8:
    """(n, m) intersection over union.

    Args:
        boxes: (n, 4) x0 y0 x1 y1.
        others: (m, 4).
        pixel: 1 where x1 and y1 name the last pixel inside, 0 where they are edges.
    """
    low, high = np.maximum(boxes[:, None, :2], others[None, :, :2]), np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared = np.prod(np.maximum(high - low + pixel, 0), axis=2)
    areas, other_areas = (np.prod(np.maximum(b[:, 2:] - b[:, :2] + pixel, 0), axis=1) for b in (boxes, others))
    union = areas[:, None] + other_areas[None] - shared
    result: F8 = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result


def match(found: Detections, truth: F8, counts: Mask, overlaps: Sequence[float]) -> tuple[NDArray[np.int8], Mask]:
    """Which finds of a picture are right, and which faces are found, at each required IoU.

    Args:
        found: n finds.
        truth: (m, 4) annotated boxes.
        counts: (m,) which of them are to be found.
        overlaps: t required IoUs.

    Returns:
        (t, n) RIGHT, WRONG or IGNORED; (t, m) which faces were taken.
    """
    least = np.array(overlaps)[:, None]
    verdict = np.full((len(overlaps), len(found)), WRONG, np.int8)
    taken = np.zeros((len(overlaps), len(truth)), bool)
    if not len(truth):
        return verdict, taken
    over = iou(found.boxes, truth)
    for i in np.flatnonzero(over.max(axis=1) >= least.min()):
        free = ~taken & (over[i] >= least)
        wanted = free & counts
        candidates = np.where(wanted.any(axis=1, keepdims=True), wanted, free)
        rows = np.flatnonzero(candidates.any(axis=1))
        best = np.where(candidates[rows], over[i], -1).argmax(axis=1)
        taken[rows, best] = True
        verdict[rows, i] = np.where(counts[best], RIGHT, IGNORED)
    return verdict, taken


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All finds of a data set at several IoUs, surest first.

    Args:
        verdict: (t, n) RIGHT, WRONG or IGNORED.
        scores: (n,).
        picture: (n,) number of the picture.
        faces: (pictures,) how many faces are to be found in each.
    """

    verdict: NDArray[np.int8]
    scores: F8
    picture: NDArray[np.intp]
    faces: NDArray[np.intp]


def judge(
    found: Sequence[Detections], pictures: Sequence[Annotated], setting: str, overlaps: Sequence[float] = OVERLAPS
) -> Verdicts:
    """Match every picture of a data set."""
    parts = [match(f, p.boxes, p.counts[setting], overlaps)[0] for f, p in zip(found, pictures, strict=True)]
    scores = np.concatenate([f.scores for f in found])
    picture = np.repeat(np.arange(len(found)), [len(f) for f in found])
    order = np.argsort(-scores, kind="stable")
    faces = np.array([p.counts[setting].sum() for p in pictures])
    return Verdicts(np.concatenate(parts, axis=1)[:, order], scores[order], picture[order], faces)


def average_precision(verdicts: Verdicts, weights: NDArray[np.intp] | None = None) -> F8 | None:
    """COCO's average precision: mean over 101 recalls 0, 0.01 … 1 of the best precision at that recall or a higher one.

    Args:
        verdicts: of a data set.
        weights: (pictures,) how often each picture counts; once by default.

    Returns:
        (t,) one for each required IoU, in 0..1; None without faces to find.
    """
    weights = np.ones(len(verdicts.faces), np.intp) if weights is None else weights
    faces = int(weights @ verdicts.faces)
    if not faces:
        return None
    weight = weights[verdicts.picture]
    return np.array([_area(row, weight, faces) for row in verdicts.verdict])


def _area(verdict: NDArray[np.int8], weight: NDArray[np.intp], faces: int) -> float:
    right, wrong = np.cumsum(weight * (verdict == RIGHT)), np.cumsum(weight * (verdict == WRONG))
    precision = np.divide(right, right + wrong, out=np.zeros(len(right)), where=right + wrong > 0)
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0)
    return float(best[np.searchsorted(right / faces, np.linspace(0, 1, 101))].mean())


def resampled(pictures: int, times: int = RESAMPLES) -> NDArray[np.intp]:
    """(times, pictures) how often each picture is drawn in each bootstrap sample; the same every time."""
    return np.random.default_rng(0).multinomial(pictures, np.full(pictures, 1 / pictures), size=times)


def interval(values: F8) -> tuple[float, float]:
    """The middle 95 % of bootstrap values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class AtScore:
    """What a user of a detector sees who takes every find from a score up.

    Args:
        score: lowest score taken.
        overlap: required IoU.
        precision: right finds of all finds that are not ignored.
        recall: found faces of all faces to be found.
        wrong: (pictures,) wrong finds in each.
        by_height: (lowest height in pixels, recall) for each band of HEIGHTS.
    """

    score: float
    overlap: float
    precision: Rate
    recall: Rate
    wrong: NDArray[np.intp]
    by_height: tuple[tuple[int, Rate], ...]

    @property
    def wrong_per_picture(self) -> tuple[float, float, float]:
        """Mean, and its 95 % interval by a bootstrap over pictures."""
        weights = resampled(len(self.wrong), 1000)
        return float(self.wrong.mean()), *interval(weights @ self.wrong / len(self.wrong))


def at_score(
    found: Sequence[Detections], pictures: Sequence[Annotated], setting: str, score: float, overlap: float = 0.5
) -> AtScore:
    """Precision, recall and wrong finds at one score."""
    verdicts: list[NDArray[np.int8]] = []
    hit: list[Mask] = [np.zeros(0, bool)]
    heights: list[F8] = [np.zeros(0)]
    for f, p in zip(found, pictures, strict=True):
        sure, counts = f.scores >= score, p.counts[setting]
        verdict, taken = match(Detections(f.boxes[sure], f.scores[sure]), p.boxes, counts, [overlap])
        verdicts.append(verdict[0])
        hit.append(taken[0, counts])
        heights.append((p.boxes[:, 3] - p.boxes[:, 1])[counts])
    right = sum(int((v == RIGHT).sum()) for v in verdicts)
    wrong = np.array([(v == WRONG).sum() for v in verdicts])
    hits, tall = np.concatenate(hit), np.concatenate(heights)
    bands = [(low, (tall >= low) & (tall < high)) for low, high in pairwise((*HEIGHTS, np.inf))]
    by_height = tuple((int(low), Rate(int(hits[band].sum()), int(band.sum()))) for low, band in bands)
    recall = Rate(int(hits.sum()), len(hits))
    return AtScore(score, overlap, Rate(right, right + int(wrong.sum())), recall, wrong, by_height)
