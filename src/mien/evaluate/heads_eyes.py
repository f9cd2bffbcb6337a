"""An eye head on people whose eyes are open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mien.evaluate.heads import Observed
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.models.card import Card

METHOD = """
Every picture shows somebody with open eyes. An eye counts as called closed when its probability of being open is below
a half. Closed eyes are not measured: nothing here says how many would be noticed. Intervals: 95 %, Clopper-Pearson; the
two eyes of a face are not independent, which makes them too narrow.
"""
EVEN = 0.5


@dataclass(frozen=True, slots=True)
class OpenEyes:
    """What an eye head said of open eyes."""

    card: Card
    observed: Observed

    def to_dict(self) -> dict[str, Any]:
        """For JSON: how many eyes, and how many faces, have one called closed."""
        shares = self.observed.values[self.card.name][self.observed.found]
        closed = shares < EVEN
        return {
            "head": self.card.name,
            "sha256": self.card.file.sha256,
            "ms": self.observed.ms.get(self.card.name),
            "faces": len(self.observed.found),
            "found": int(self.observed.found.sum()),
            "eyes": Rate(int(closed.sum()), closed.size).to_dict(),
            "either": Rate(int(closed.reshape(len(closed), -1).any(axis=1).sum()), len(closed)).to_dict(),
            "closed_eyes": "not yet measured",
            "failures": [failure.to_dict() for failure in self.observed.failures],
        }


def eyes_report(result: OpenEyes, data_name: str, command: str) -> Report:
    """The report."""
    data = {"dataset": data_name, **result.to_dict()}
    rows = tuple((what, str(Rate(data[what]["errors"], data[what]["trials"]))) for what in ("eyes", "either"))
    ms = UNDEFINED if data["ms"] is None else f"{data['ms']:.1f}"
    table = Table(f"{data['head']} ({ms} ms a face): open eyes called closed", ("of", "called closed"), rows)
    found = f"{data_name}: {data['found']:,} of {data['faces']:,} faces found."
    sections = (Section("Open eyes", found, (table,)), Section("How it was measured", METHOD))
    return Report(f"Eyes on {data_name}", sections, data, command)
