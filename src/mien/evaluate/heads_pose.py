"""A pose head on people who look at the camera, as they are, mirrored, and turned in the plane by known angles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np

from mien.evaluate.heads import Mean, Observed
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.models.card import Card
from mien.models.heads.pose import ANGLES
from mien.types.image import Image

TURNS = (-20, -10, 10, 20)
"""Degrees, clockwise for who looks at the picture."""
METHOD = """
The pictures show people who were asked to look straight into the camera, so that yaw and roll should be near 0; their
pitch depends on where a head is thought to point, and its median is shown for that reason. Mirrored: yaw and roll must
change their sign, pitch must not. Turned: the picture is rotated in its plane by a known angle, and roll must change by
it. Intervals: 95 %, bootstrap over faces. Time is of processor, one face at a time, from the cut on.
"""


@dataclass(frozen=True, slots=True)
class Posed:
    """(n, 3) degrees as found in n pictures, in their mirror images, and turned by each of `TURNS`."""

    card: Card
    plain: Observed
    mirrored: Observed
    turned: dict[int, Observed]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        name = self.card.name
        given = self.plain.values[name].astype(np.float64)
        flipped = self.mirrored.values[name].astype(np.float64) * (-1, 1, -1)
        frontal = {
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
        return {
            "head": name,
            "sha256": self.card.file.sha256,
            "ms": self.plain.ms.get(name),
            "faces": len(given),
            "found": int(self.plain.found.sum()),
            "frontal": frontal,
            "mirrored": mirror,
            "turned": turned,
            "failures": [failure.to_dict() for failure in self.plain.failures],
        }


def run_pose(card: Card, observe: Callable[[Callable[[Image], Image] | None], Observed]) -> Posed:
    """Observe the pictures as they are, mirrored and turned; `observe` is told what to do to each picture."""
    turned = {degrees: observe(partial(rotated, degrees=degrees)) for degrees in TURNS}
    return Posed(card, observe(None), observe(mirror), turned)


def mirror(image: Image) -> Image:
    """Left for right."""
    return Image(np.ascontiguousarray(image.pixels[:, ::-1]), source=image.source)


def rotated(image: Image, degrees: float) -> Image:
    """Turned clockwise about its middle; what comes in from outside repeats the border."""
    width, height = image.size
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -degrees, 1)
    turned = cv2.warpAffine(image.pixels, matrix, image.size, borderMode=cv2.BORDER_REPLICATE)
    return Image(np.asarray(turned, np.uint8), source=image.source)


def pose_report(result: Posed, data_name: str, command: str) -> Report:
    """The report."""
    data = {"dataset": data_name, **result.to_dict()}
    angles = tuple(
        (
            angle,
            str(Mean(**data["frontal"][angle]["error"])),
            f"{data['frontal'][angle]['median']:+.1f}",
            str(Mean(**data["mirrored"][angle])),
        )
        for angle in ANGLES
    )
    turns = tuple(
        (f"{degrees}", str(Mean(**row["change"])), str(Mean(**row["error"]))) for degrees, row in data["turned"].items()
    )
    ms = UNDEFINED if data["ms"] is None else f"{data['ms']:.1f}"
    tables = (
        Table(
            f"{data['head']}: degrees, people looking at the camera ({ms} ms a face)",
            ("angle", "mean absolute value", "median", "disagreement with the mirror image"),
            angles,
        ),
        Table("Turned in the plane by known degrees", ("turned by", "roll changed by", "mean absolute error"), turns),
    )
    found = f"{data_name}: {data['found']:,} of {data['faces']:,} faces found."
    return Report(
        f"Pose on {data_name}", (Section("Pose", found, tables), Section("How it was measured", METHOD)), data, command
    )


def _mean(values: Any) -> Mean:
    return Mean.of(values[~np.isnan(values)])
