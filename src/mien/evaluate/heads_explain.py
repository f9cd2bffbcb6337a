"""Explanations of an expression head over many faces: which parts lead, and whether they are those that move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.evaluate.central_faces import central_faces
from mien.evaluate.explain import EXPECTED, Explanation, explain
from mien.evaluate.heads import Mean, Progress
from mien.evaluate.rates import Rate
from mien.evaluate.report import Report, Section, Table
from mien.geometry.face_parts import ACTION_UNITS
from mien.models import Card, Detector, Head
from mien.models.views import Cuts
from mien.types.outcome import Failure

METHOD = """
Each region in turn is blurred beyond recognition and the head asked again; a region's share is its part of all change,
up or down, in the probability of the label that the head gave. `elsewhere` is what lies outside the regions: hair,
temples, neck, background. Regions are placed by 68 landmarks; action units after the Facial Action Coding System.
`over area`: the share of change over the share of pixels, above 1 where a region matters more than its size. Of several
faces the one nearest to the middle of the picture is meant. Intervals: 95 %, bootstrap over faces for means,
Clopper-Pearson for shares of faces. It says what the network looks at, not what a person feels.
"""


@dataclass(frozen=True, slots=True)
class Explained:
    """Explanations of n faces.

    Args:
        card: of the head.
        found: one a face.
        failures: pictures without a face, or that cannot be read.
    """

    card: Card
    found: tuple[Explanation, ...]
    failures: tuple[Failure, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the head."""
        return self.card.head.labels if self.card.head else ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON: for each label that was given, every region's share of the change, and how often it leads."""
        rows = [self._row(number) for number in range(len(self.labels))]
        return {
            "head": self.card.name,
            "sha256": self.card.digest,
            "faces": len(self.found),
            "labels": [row for row in rows if row["faces"]],
            "failures": [failure.to_dict() for failure in self.failures],
        }

    def _row(self, number: int) -> dict[str, Any]:
        name = self.labels[number]
        chosen = [e for e in self.found if e.label == number]
        shares = np.array([e.shares for e in chosen], np.float64).reshape(-1, len(ACTION_UNITS))
        areas = np.array([e.areas for e in chosen], np.float64).reshape(-1, len(ACTION_UNITS))
        leads = shares.argmax(axis=1) if len(chosen) else np.empty(0, np.int64)
        expected = [ACTION_UNITS.index(region) for region in EXPECTED.get(name, ())]
        return {
            "label": name,
            "faces": len(chosen),
            "regions": [
                {
                    "region": region,
                    "share": Mean.of(shares[:, i]).to_dict(),
                    "area": Mean.of(areas[:, i]).value,
                    "leads": Rate(int((leads == i).sum()), len(chosen)).to_dict(),
                }
                for i, region in enumerate(ACTION_UNITS)
            ],
            "expected": {
                "regions": list(EXPECTED.get(name, ())),
                "share": Mean.of(shares[:, expected].sum(axis=1)).to_dict() if expected else None,
                "area": Mean.of(areas[:, expected].sum(axis=1)).value if expected else None,
                "leads": Rate(int(np.isin(leads, expected).sum()), len(chosen)).to_dict() if expected else None,
            },
        }


def explain_all(
    head: Head, landmarks: Head, detector: Detector, paths: Sequence[Path], progress: Progress | None = None
) -> Explained:
    """One face of each picture explained.

    Args:
        head: gives probabilities of classes.
        landmarks: the head that places the regions.
        detector: finds the faces.
        paths: pictures.
        progress: told how far it is.
    """
    failures: list[Failure] = []
    found = [
        explain(head, image, face, landmarks.look(Cuts(image, face)).values[0])
        for _, image, face in central_faces(paths, detector, failures, progress)
    ]
    return Explained(head.card, tuple(found), tuple(failures))


def explained_report(result: Explained, data_name: str, command: str) -> Report:
    """The report: a table for each label that was given."""
    data = {"dataset": data_name, **result.to_dict()}
    tables = tuple(_table(row) for row in data["labels"])
    text = f"{data['faces']:,} faces by the label that the head gave; {len(result.failures):,} pictures without one."
    sections = (Section("What the head looks at", text, tables), Section("How it was measured", METHOD))
    return Report(f"{result.card.name} explained on {data_name}", sections, data, command)


def _table(row: dict[str, Any]) -> Table:
    cells = [
        (r["region"], _mean(r["share"]), _over(r["share"]["value"], r["area"]), _rate(r["leads"]))
        for r in row["regions"]
    ]
    expected = row["expected"]
    if expected["share"]:
        name = f"expected: {' and '.join(expected['regions'])}"
        over = _over(expected["share"]["value"], expected["area"])
        cells.append((name, _mean(expected["share"]), over, _rate(expected["leads"])))
    caption = f"{row['label']}: {row['faces']:,} faces"
    return Table(caption, ("region", "share of the change", "over area", "leads"), tuple(cells))


def _mean(row: dict[str, Any]) -> str:
    return str(Mean(row["value"], row["low"], row["high"], row["faces"]))


def _over(share: float | None, area: float | None) -> str:
    return "–" if share is None or not area else f"{share / area:.1f}"


def _rate(row: dict[str, Any]) -> str:
    return str(Rate(row["errors"], row["trials"]))
