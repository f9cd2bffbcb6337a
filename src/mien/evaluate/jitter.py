"""How much landmarks tremble over the frames of clips, before and after smoothing, and how late that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import MienError
from mien.evaluate.report import Report, Section, Table
from mien.geometry.one_euro import OneEuro, jitter, one_euro, typical_jitter
from mien.geometry.tracks import Tracks
from mien.image.video import open_clip
from mien.models.detectors import Detector
from mien.models.heads import Head
from mien.models.views import Cuts
from mien.types.outcome import Failure

F8 = NDArray[np.float64]
LEAST = 10
"""Frames with a face, one after another."""
LAG_MS = 20.0
"""Half a frame of 25 a second: what smoothing may delay the drawn motion by."""
CUTOFFS, BETAS = (0.5, 1.0, 1.5, 2.0, 3.0), (0.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""Settings that are tried, Hz and per width of the face a second."""
FPS = 25.0
RESTS = np.arange(round(8.0 * FPS), round(10 * FPS))
"""Frames of the first rest of the drawn motion, when a filter has come to rest too."""
METHOD = """
Jitter: root mean square of second differences over time, of 68 landmarks in percent of the face's width, over the
frames of the face that is there longest; rest and even motion have none. Real motion and cuts have some, and where they
are large they make up all of the mean square; the typical figure, from the median, is the detector's tremble.

Drawn motion: slow turns and quick ones with rests between, 20 seconds at 25 frames a second, plus white noise that
alone has the typical jitter of the clips. There the truth is known: jitter is that of the rests, error the root mean
square distance from the truth at all times, lag the delay at which the result comes nearest to it. Of the settings
tried, those that lag at most 20 ms, half a frame, are compared by their jitter.
"""


@dataclass(frozen=True, slots=True)
class Trembling:
    """Of one clip: jitter in percent of the face's width.

    Args:
        file: its name.
        frames: with the face.
        before, after: smoothing, root mean square.
        typical_before, typical_after: by the median, which neither cuts nor jumps move much.
    """

    file: str
    frames: int
    before: float
    after: float
    typical_before: float
    typical_after: float

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Drawn:
    """On motion of known truth: jitter at rest and error at all times (percent of the face's width), lag (ms)."""

    settings: OneEuro
    before: float
    after: float
    error_before: float
    error_after: float
    lag_ms: float


def trembling(path: Path, detector: Detector, landmarks: Head, settings: OneEuro, *, most: int) -> Trembling | Failure:
    """Of a clip's longest-seen face; a Failure where no face is there for long enough.

    Args:
        path: of the clip.
        detector: finds faces.
        landmarks: gives (n, 68, 2).
        settings: of the filter.
        most: frames looked at.

    Raises:
        MienError: what is not about this clip.
    """
    tracks, rows = Tracks(), dict[int, list[tuple[float, float, F8]]]()
    try:
        with open_clip(path) as clip:
            for frame in clip.frames():
                if frame.number >= most:
                    break
                faces = detector.detect(frame.image)
                if not faces:
                    tracks.follow(faces.boxes, faces.points)
                    continue
                found = landmarks.look(Cuts(frame.image, faces)).values.astype(np.float64)
                for row, number in enumerate(tracks.follow(faces.boxes, faces.points)):
                    rows.setdefault(number, []).append((frame.time_s, float(faces.widths[row]), found[row]))
    except MienError as error:
        if error.exit_code not in (3, 4):
            raise
        return Failure.of(error, str(path))
    longest = max(rows.values(), key=len, default=[])
    if len(longest) < LEAST:
        return Failure(str(path), "no-face", f"{path}: no face in {LEAST} frames")
    times = np.array([time for time, _, _ in longest])
    points = np.stack([p for _, _, p in longest]) / np.median([width for _, width, _ in longest])
    smooth = one_euro(points, times, settings)
    figures = [100 * measure(values) for measure in (jitter, typical_jitter) for values in (points, smooth)]
    return Trembling(path.name, len(longest), *figures)


def motion() -> tuple[F8, F8]:
    """Times (t,) and truth (t, 16) in widths of the face.

    Of every ten seconds five are slow turns, two and a half quick ones, and the others rest.
    """
    times = np.arange(round(20 * FPS)) / FPS
    slow = 0.25 * np.sin(2 * np.pi * 0.2 * times) ** 2 * (times % 10 < 5)
    quick = 0.15 * np.sin(2 * np.pi * 0.4 * times) ** 2 * ((times % 10 >= 5) & (times % 10 < 7.5))
    return times, (slow + quick)[:, None] * np.linspace(0.2, 1.0, 16)


def drawn(settings: OneEuro, trembles: float) -> Drawn:
    """The filter on drawn motion with white noise.

    Args:
        settings: of the filter.
        trembles: jitter that the noise alone shall have, percent of the face's width.
    """
    times, truth = motion()
    # Second differences of white noise have sqrt(1 + 4 + 1) times its deviation.
    noise = np.random.default_rng(0).normal(0, trembles / 100 / np.sqrt(6), truth.shape)
    noisy = truth + noise
    smooth = one_euro(noisy, times, settings)
    errors = [100 * float(np.sqrt(np.mean((values - truth) ** 2))) for values in (noisy, smooth)]
    return Drawn(
        settings, 100 * jitter(noisy), 100 * jitter(smooth), errors[0], errors[1], lag_ms(smooth, truth, times)
    )


def lag_ms(values: F8, truth: F8, times: F8) -> float:
    """The delay of (t, k) values against the truth, to a millisecond, at most 200 ms."""
    delays = np.arange(0, 0.2, 0.001)

    def apart(delay: float) -> float:
        late = np.stack([np.interp(times - delay, times, column) for column in truth.T], axis=1)
        return float(np.sum((values - late) ** 2))

    return 1000 * float(delays[int(np.argmin([apart(d) for d in delays]))])


def choose(trembles: float) -> Drawn:
    """Of the settings tried, the one that leaves least jitter among those that lag at most `LAG_MS`."""
    tried = [drawn(OneEuro(cutoff, beta), trembles) for cutoff, beta in product(CUTOFFS, BETAS)]
    return min((row for row in tried if row.lag_ms <= LAG_MS), key=lambda row: row.after)


def jitter_report(
    clips: Sequence[Trembling], failures: Sequence[Failure], used: Drawn, best: Drawn, data_name: str, command: str
) -> Report:
    """The report."""
    data: dict[str, Any] = {
        "dataset": data_name,
        "clips": [{"file": row.file, "frames": row.frames, "before": row.before, "after": row.after} for row in clips],
        "drawn": {"used": _dict(used), "chosen": _dict(best)},
        "failures": [failure.to_dict() for failure in failures],
    }
    figures = [(c.before, c.after, c.typical_before, c.typical_after) for c in clips]
    rows = tuple((c.file, f"{c.frames:,}", *(f"{v:.3f}" for v in f)) for c, f in zip(clips, figures, strict=True))
    heads = ("clip", "frames", "before", "after", "typical before", "typical after")
    real = Table("Jitter of 68 landmarks, % of the face's width", heads, rows)
    named = (("used", used), ("least jitter of those tried", best))
    columns = ("settings", "cut-off Hz", "beta", "before", "after", "error before", "error after", "lag ms")
    ways = Table("Drawn motion, % of the face's width", columns, tuple(_cells(name, row) for name, row in named))
    sections = (Section("Jitter", "", (real, ways)), Section("How it was measured", METHOD))
    return Report(f"Jitter of landmarks on {data_name}", sections, data, command)


def _dict(row: Drawn) -> dict[str, float]:
    return {
        "min_cutoff_hz": row.settings.min_cutoff_hz,
        "beta": row.settings.beta,
        "before": row.before,
        "after": row.after,
        "error_before": row.error_before,
        "error_after": row.error_after,
        "lag_ms": row.lag_ms,
    }


def _cells(name: str, row: Drawn) -> tuple[str, ...]:
    numbers = (row.before, row.after, row.error_before, row.error_after)
    settings = f"{row.settings.min_cutoff_hz:g}", f"{row.settings.beta:g}"
    return (name, *settings, *(f"{v:.3f}" for v in numbers), f"{row.lag_ms:.0f}")
