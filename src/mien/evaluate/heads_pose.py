"""Heads of pose: on people who look at the camera or anywhere, mirrored, and turned in the plane by known angles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any

import cv2
import numpy as np

from mien.errors import UsageError
from mien.evaluate.heads import Mean, Observed
from mien.evaluate.metrics.landmarks import F8, RESAMPLES
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.models.card import Card
from mien.models.heads import Head
from mien.models.heads.pose import ANGLES
from mien.types.image import Image

TURNS = (-20, -10, 10, 20)
"""Degrees, clockwise for who looks at the picture."""
MEASURES = ("absolute", "difference", "correlation")
METHOD = """
Mirrored: yaw and roll must change their sign, pitch must not. Turned: the picture is rotated in its plane by a known
angle, and roll must change by it. Intervals: 95 %, bootstrap over faces. Time is of processor, one face at a time, from
the cut on; "with needs" adds the heads whose columns it takes.
"""
FRONTAL = """
The pictures show people who were asked to look straight into the camera, so that yaw and roll should be near 0; their
pitch depends on where a head is thought to point, and its median is shown for that reason.
"""
COMPARED = """
No pose is known here: two heads may err alike. A difference is row minus column head, face by face; r is Pearson's.
"""


@dataclass(frozen=True, slots=True)
class Posed:
    """(n, 3) degrees as one head found them in n pictures, in their mirror images, and turned by each of `TURNS`.

    Args:
        card: of the head.
        plain, mirrored: what was observed.
        turned: by degrees.
        needs: heads whose columns it takes.
        frontal: whether the people look into the camera.
    """

    card: Card
    plain: Observed
    mirrored: Observed
    turned: dict[int, Observed]
    needs: tuple[str, ...] = ()
    frontal: bool = True

    @property
    def angles(self) -> F8:
        """(n, 3) degrees, NaN where no face was found."""
        found: F8 = self.plain.values[self.card.name].astype(np.float64)
        return found

    @property
    def ms(self) -> tuple[float | None, float | None]:
        """Milliseconds of its own and with the heads it needs."""
        spent = [self.plain.ms.get(name) for name in (self.card.name, *self.needs)]
        known = [ms for ms in spent if ms is not None]
        return spent[0], sum(known) if len(known) == len(spent) else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        name = self.card.name
        given = self.angles
        flipped = self.mirrored.values[name].astype(np.float64) * (-1, 1, -1)
        straight = {
            angle: {"error": _mean(np.abs(given[:, i])).to_dict(), "median": float(np.nanmedian(given[:, i]))}
            for i, angle in enumerate(ANGLES)
        }
        mirror = {angle: _mean(np.abs(given[:, i] - flipped[:, i])).to_dict() for i, angle in enumerate(ANGLES)}
        turned = {}
        for degrees, observed in self.turned.items():
            change = observed.values[name][:, 2].astype(np.float64) - given[:, 2]
            turned[str(degrees)] = {
                "change": _mean(change).to_dict(),
                "error": _mean(np.abs(change - degrees)).to_dict(),
            }
        ms, with_needs = self.ms
        return {
            "head": name,
            "sha256": self.card.digest,
            "ms": ms,
            "ms_with_needs": with_needs,
            "faces": len(given),
            "found": int(self.plain.found.sum()),
            **({"frontal": straight} if self.frontal else {}),
            "mirrored": mirror,
            "turned": turned,
            "failures": [failure.to_dict() for failure in self.plain.failures],
        }


def run_pose(
    heads: Sequence[Head], observe: Callable[[Callable[[Image], Image] | None], Observed], *, frontal: bool = True
) -> tuple[Posed, ...]:
    """Observe the pictures as they are, mirrored and turned, once for all heads.

    Args:
        heads: of pose.
        observe: is told what to do to each picture first.
        frontal: whether the people look into the camera.

    Raises:
        UsageError: a head that gives no angles, or no face in any picture.
    """
    for head in heads:
        if head.card.head is None or head.card.head.labels != ANGLES:
            raise UsageError(
                f"'{head.card.name}' gives no {', '.join(ANGLES)}; name heads of pose", source=head.card.name
            )
    turned = {degrees: observe(partial(rotated, degrees=degrees)) for degrees in TURNS}
    plain, mirrored = observe(None), observe(mirror)
    if not all(each.found.any() for each in (plain, mirrored, *turned.values())):
        raise UsageError("no face was found in any of the pictures; nothing can be measured")
    return tuple(Posed(head.card, plain, mirrored, turned, head.needs, frontal) for head in heads)


def compared(one: Posed, other: Posed) -> dict[str, Any]:
    """Two heads on the same faces: mean and median difference, mean absolute difference and correlation, by angle."""
    a, b = one.angles, other.angles
    rows = {}
    for i, angle in enumerate(ANGLES):
        both = ~np.isnan(a[:, i] + b[:, i])
        first, second = a[both, i], b[both, i]
        rows[angle] = {
            "absolute": Mean.of(np.abs(first - second)).to_dict(),
            "difference": Mean.of(first - second).to_dict(),
            "correlation": correlation(first, second).to_dict(),
        }
    return {"heads": [one.card.name, other.card.name], **rows}


def correlation(a: F8, b: F8) -> Mean:
    """Pearson's r of two (n,) columns with its 95 % interval, bootstrap over faces; None where one never changes."""
    if len(a) < 3 or not (np.ptp(a) and np.ptp(b)):
        return Mean(None, None, None, len(a))
    draws = np.random.default_rng(0).integers(0, len(a), (RESAMPLES, len(a)))
    x, y = (values[draws] - values[draws].mean(axis=1, keepdims=True) for values in (a, b))
    with np.errstate(invalid="ignore"):  # a draw of one face again and again has no correlation
        drawn = (x * y).sum(axis=1) / np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    value = float(np.corrcoef(a, b)[0, 1])
    low, high = (float(v) for v in np.nanpercentile(drawn, [2.5, 97.5]))
    return Mean(value, min(value, low), max(value, high), len(a))


def mirror(image: Image) -> Image:
    """Left for right."""
    return Image(np.ascontiguousarray(image.pixels[:, ::-1]), source=image.source)


def rotated(image: Image, degrees: float) -> Image:
    """Turned clockwise about its middle; what comes in from outside repeats the border."""
    width, height = image.size
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    turned = cv2.warpAffine(image.pixels, matrix, image.size, borderMode=cv2.BORDER_REPLICATE)
    return Image(np.asarray(turned, np.uint8), source=image.source)


def pose_report(results: Sequence[Posed], data_name: str, command: str) -> Report:
    """The report: each head, and how each two agree."""
    rows = [result.to_dict() for result in results]
    pairs = [compared(one, other) for one, other in combinations(results, 2)]
    data = {"dataset": data_name, "heads": rows, "compared": pairs}
    found = f"{data_name}: {rows[0]['found']:,} of {rows[0]['faces']:,} faces found."
    sections = [Section("Pose", found, tuple(table for row in rows for table in _tables(row)))]
    if pairs:
        sections.append(Section("Agreement", COMPARED, (_agreement(pairs),)))
    method = METHOD + (FRONTAL if results[0].frontal else "")
    return Report(f"Pose on {data_name}", (*sections, Section("How it was measured", method)), data, command)


def _tables(row: dict[str, Any]) -> tuple[Table, Table]:
    columns, angles = ["angle", "disagreement with the mirror image"], []
    for angle in ANGLES:
        cells = [angle, str(Mean(**row["mirrored"][angle]))]
        if straight := row.get("frontal"):
            cells += [str(Mean(**straight[angle]["error"])), f"{straight[angle]['median']:+.1f}"]
        angles.append(tuple(cells))
    if "frontal" in row:
        columns += ["mean absolute value, looking at the camera", "median"]
    turns = tuple(
        (degrees, str(Mean(**turn["change"])), str(Mean(**turn["error"]))) for degrees, turn in row["turned"].items()
    )
    ms, with_needs = (UNDEFINED if row[key] is None else f"{row[key]:.1f}" for key in ("ms", "ms_with_needs"))
    return (
        Table(f"{row['head']}: degrees ({ms} ms a face, {with_needs} with needs)", tuple(columns), tuple(angles)),
        Table(
            f"{row['head']}: turned in the plane by known degrees",
            ("turned by", "roll changed by", "mean absolute error"),
            turns,
        ),
    )


def _agreement(pairs: Sequence[dict[str, Any]]) -> Table:
    cells = tuple(
        (" and ".join(pair["heads"]), angle, *(str(Mean(**pair[angle][key])) for key in MEASURES))
        for pair in pairs
        for angle in ANGLES
    )
    return Table(
        "Degrees, the same faces", ("heads", "angle", "mean absolute difference", "mean difference", "r"), cells
    )


def _mean(values: Any) -> Mean:
    return Mean.of(values[~np.isnan(values)])
