"""An eye head on people whose eyes are open, and on the same pictures with the eyes made shut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mien.evaluate.closed_eyes import shut
from mien.evaluate.heads import Observed, central
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.models.card import Card
from mien.models.detectors import Detector
from mien.models.heads import Head
from mien.models.views import Cuts
from mien.types.image import Image

METHOD = """
Every picture shows somebody with open eyes. The shut ones are made of the same pictures: the skin above each eye is
stretched down over it, to the lower lid that the landmark head gives. They show what a lid looks like, with its lashes,
and nothing of what else a blink does to a face; where a landmark lies too high, a rim of the eye is left. Real ones may
be told better or worse. An eye counts as called open when its probability of being open is at least the threshold.
Intervals: 95 %, Clopper-Pearson; the two eyes of a face are not independent, which makes them too narrow.
"""
EVEN = 0.5
THRESHOLDS = (0.1, 0.25, EVEN, 0.75, 0.9, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class EyesSeen:
    """What an eye head said of open eyes, and of the same eyes made shut."""

    card: Card
    opened: Observed
    closed: Observed

    def to_dict(self) -> dict[str, Any]:
        """For JSON: by threshold, how many open eyes are called closed and closed ones open."""
        given, made = (self._shares(observed) for observed in (self.opened, self.closed))
        rates = [
            {"threshold": threshold, "open": _rate(given < threshold), "closed": _rate(made >= threshold)}
            for threshold in THRESHOLDS
        ]
        return {
            "head": self.card.name,
            "sha256": self.card.file.sha256,
            "ms": self.opened.ms.get(self.card.name),
            "faces": len(self.opened.found),
            "found": int(self.opened.found.sum()),
            "found_closed": int(self.closed.found.sum()),
            "eyes": _rate(given < EVEN),
            "either": _rate((given < EVEN).any(axis=1)),
            "closed_eyes": _rate(made >= EVEN),
            "closed_both": _rate((made >= EVEN).any(axis=1)),
            "closed_material": "made of the open ones",
            "thresholds": rates,
            "failures": [failure.to_dict() for failure in self.opened.failures],
        }

    def _shares(self, observed: Observed) -> Any:
        return observed.values[self.card.name][observed.found].reshape(-1, 2)


def run_eyes(card: Card, observe: Callable[[Callable[[Image], Image] | None], Observed], closing: Closing) -> EyesSeen:
    """Observe the pictures as they are and with the eyes shut; `observe` is told what to do to each picture."""
    return EyesSeen(card, observe(None), observe(closing))


@dataclass(frozen=True, slots=True)
class Closing:
    """Shuts the eyes of the face nearest to the middle; a picture without a find stays as it is."""

    detector: Detector
    landmarks: Head

    def __call__(self, image: Image) -> Image:
        """A picture of full size."""
        face = central(self.detector.detect(image))
        if face is None:
            return image
        points = self.landmarks.look(Cuts(image, face)).values[0]
        return Image(shut(image.pixels, points), source=image.source)


def _rate(wrong: Any) -> dict[str, Any]:
    return Rate(int(np.count_nonzero(wrong)), int(wrong.size)).to_dict()


def eyes_report(result: EyesSeen, data_name: str, command: str) -> Report:
    """The report."""
    data = {"dataset": data_name, **result.to_dict()}
    rows = tuple(
        (f"{row['threshold']:g}", *(str(Rate(row[what]["errors"], row[what]["trials"])) for what in ("open", "closed")))
        for row in data["thresholds"]
    )
    faces = tuple(
        (what, str(Rate(data[key]["errors"], data[key]["trials"])))
        for what, key in (("an open eye called closed", "either"), ("a shut eye called open", "closed_both"))
    )
    ms = UNDEFINED if data["ms"] is None else f"{data['ms']:.1f}"
    tables = (
        Table(f"{data['head']} ({ms} ms a face)", ("threshold", "open called closed", "shut called open"), rows),
        Table(f"Faces with such an eye at {EVEN:g}", ("what", "faces"), faces),
    )
    found = f"{data_name}: {data['found']:,} of {data['faces']:,} faces found; {data['found_closed']:,} with shut eyes."
    sections = (Section("Open and shut", found, tables), Section("How it was measured", METHOD))
    return Report(f"Eyes on {data_name}", sections, data, command)
