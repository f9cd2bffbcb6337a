"""What is seen of the one face of a clip, frame by frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mien.errors import FaceError
from mien.geometry.one_euro import OneEuro, one_euro
from mien.geometry.tracks import Tracks
from mien.image.video import Frame
from mien.models.detectors import Detector
from mien.models.heads import Head
from mien.models.views import Cuts
from mien.types.faces import Faces
from mien.types.image import Image

F8 = NDArray[np.float64]
Grey = NDArray[np.uint8]
LANDMARKS, EYES = "landmarks68", "eyes"
"""Heads that every look needs."""
LEAST = 8
"""Frames with the face; a spread over fewer says nothing."""
FLOW_PX = 160
"""Long side of the pictures between which motion is measured."""
REGIONS = ("face", "ring", "far")
"""Where it is: in the box, in what surrounds it to 1.8 boxes and not below it, and beyond 2.2 boxes."""
TEXTURE = 6.0
"""Grey levels a pixel: flatter places show no motion, and are left out."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One face over t frames.

    Args:
        times_s: (t,) ascending.
        widths: (t,) of its box, pixels.
        points: (t, 68, 2) landmarks in pixels, smoothed.
        opened: (t,) mean probability that an eye is open.
        real: by head, (t,) probability of a bona fide presentation.
        flow: (t - 1, 3, 2) median motion of `REGIONS` in widths of the face a second; NaN where nothing can be seen.
        frames: looked at, with the face or without.
        others: frames that show another face too.
    """

    times_s: F8
    widths: F8
    points: F8
    opened: F8
    real: dict[str, F8]
    flow: F8
    frames: int
    others: int


def look(frames: Iterable[Frame], detector: Detector, heads: list[Head], *, source: str = "") -> Seen:
    """Watch the face that is there longest.

    Args:
        frames: of a clip.
        detector: finds faces.
        heads: `LANDMARKS` and `EYES`, then those whose first class is bona fide, each after what it needs.
        source: for messages.

    Raises:
        FaceError: ``no-face``, ``face-too-short``: fewer than `LEAST` frames show it.
        ImageError: a frame cannot be decoded.
    """
    tracks, rows, others, count = Tracks(), dict[int, list[_Row]](), 0, 0
    for frame in frames:
        count += 1
        faces = detector.detect(frame.image)
        others += len(faces) > 1
        grey = reduced(frame.image)
        for number, row in zip(tracks.follow(faces.boxes, faces.points), range(len(faces)), strict=True):
            seen = _face(frame, faces[[row]], heads, grey)
            rows.setdefault(number, []).append(seen)
    if not rows:
        raise FaceError(f"{source}: no face found in {count} frames", code="no-face", source=source)
    longest = max(rows.values(), key=lambda r: (len(r), float(np.mean([row.width for row in r]))))
    if len(longest) < LEAST:
        text = f"{source}: the face is seen in {len(longest)} frames, {LEAST} are needed; record some seconds"
        raise FaceError(text, code="face-too-short", source=source)
    return _seen(longest, [head.card.name for head in heads], count, others)


@dataclass(frozen=True, slots=True)
class _Row:
    """One face in one frame; `box` in pixels of `grey`."""

    time_s: float
    width: float
    points: F8
    opened: float
    real: list[float]
    grey: Grey
    box: F8


def _face(frame: Frame, face: Faces, heads: list[Head], grey: Grey) -> _Row:
    cuts = Cuts(frame.image, face)
    for head in heads:
        cuts.faces = cuts.faces.with_columns({head.card.name: head.look(cuts)})
    columns = cuts.faces.columns
    real = [float(columns[h.card.name].values[0, 0]) for h in heads if h.card.name not in (LANDMARKS, EYES)]
    share = grey.shape[1] / frame.image.full_size[0]
    return _Row(
        frame.time_s,
        float(face.widths[0]),
        columns[LANDMARKS].values[0].astype(np.float64),
        float(columns[EYES].values[0].mean()),
        real,
        grey,
        face.boxes[0].astype(np.float64) * share,
    )


def _seen(rows: list[_Row], names: list[str], frames: int, others: int) -> Seen:
    times, widths = np.array([row.time_s for row in rows]), np.array([row.width for row in rows])
    width = float(np.median(widths))
    points = one_euro(np.stack([row.points for row in rows]) / width, times, OneEuro()) * width
    real = np.array([row.real for row in rows]).reshape(len(rows), -1).T
    names = [name for name in names if name not in (LANDMARKS, EYES)]
    flow = np.stack([motion(a.grey, b.grey, a.box) / (b.time_s - a.time_s) for a, b in pairwise(rows)])
    opened = np.array([row.opened for row in rows])
    return Seen(times, widths, points, opened, dict(zip(names, real, strict=True)), flow, frames, others)


def reduced(image: Image) -> Grey:
    """(h, w) uint8 grey, the long side `FLOW_PX`."""
    width, height = image.size
    scale = FLOW_PX / max(width, height)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(image.pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def motion(before: Grey, after: Grey, box: F8) -> F8:
    """(3, 2) median motion of `REGIONS` between two frames, in widths of the box; NaN where there is no texture.

    Dense flow after G. Farneback, Two-Frame Motion Estimation Based on Polynomial Expansion, SCIA 2003.
    """
    start = np.zeros((*before.shape, 2), np.float32)
    flow = np.asarray(cv2.calcOpticalFlowFarneback(before, after, start, 0.5, 3, 13, 3, 5, 1.1, 0), np.float32)
    edges = np.hypot(cv2.Sobel(before, cv2.CV_32F, 1, 0) / 4, cv2.Sobel(before, cv2.CV_32F, 0, 1) / 4) > TEXTURE
    height, width = before.shape
    y, x = np.mgrid[:height, :width]
    middle, half = (box[:2] + box[2:]) / 2, np.maximum((box[2:] - box[:2]) / 2, 1.0)
    away = np.maximum(np.abs(x - middle[0]) / half[0], np.abs(y - middle[1]) / half[1])
    places = (away < 0.9, (away > 1.2) & (away < 1.8) & (y < middle[1] + half[1] * 0.8), away > 2.2)
    found = np.full((3, 2), np.nan)
    for row, place in enumerate(places):
        chosen = flow[place & edges]
        if len(chosen) >= 20:
            found[row] = np.median(chosen, axis=0) / (2 * half[0])
    return found
