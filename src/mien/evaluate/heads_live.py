"""A liveness head on pictures of living people: how often they are taken for an attack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mien.evaluate.heads import Observed
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.models.card import Card

METHOD = """
Every picture is a bona fide presentation. BPCER (ISO/IEC 30107-3): share of them called an attack, at the stated
threshold of the probability of bona fide. Attacks are measured by `mien evaluate pad`: nothing here says how many would
be caught, so no threshold can be chosen from it. Intervals: 95 %, Clopper-Pearson; people with several pictures make
them too narrow.
"""


@dataclass(frozen=True, slots=True)
class Live:
    """What a liveness head said of bona fide pictures."""

    card: Card
    observed: Observed

    def to_dict(self, thresholds: Sequence[float]) -> dict[str, Any]:
        """For JSON: BPCER at each threshold."""
        shares = self.observed.values[self.card.name][self.observed.found]
        live = shares[:, 0] if len(shares) else shares
        rates = [{"threshold": t, **Rate(int((live < t).sum()), len(live)).to_dict()} for t in thresholds]
        return {
            "head": self.card.name,
            "sha256": self.card.file.sha256,
            "ms": self.observed.ms.get(self.card.name),
            "faces": len(self.observed.found),
            "found": int(self.observed.found.sum()),
            "bpcer": rates,
            "failures": [failure.to_dict() for failure in self.observed.failures],
        }


def live_report(result: Live, thresholds: Sequence[float], data_name: str, command: str) -> Report:
    """The report."""
    data = {"dataset": data_name, **result.to_dict(thresholds)}
    rows = tuple((f"{row['threshold']:g}", str(Rate(row["errors"], row["trials"]))) for row in data["bpcer"])
    ms = UNDEFINED if data["ms"] is None else f"{data['ms']:.1f}"
    table = Table(f"{data['head']} ({ms} ms a face)", ("threshold", "BPCER"), rows)
    found = f"{data_name}: {data['found']:,} of {data['faces']:,} faces found."
    sections = (Section("Bona fide", found, (table,)), Section("How it was measured", METHOD))
    return Report(f"Liveness on {data_name}", sections, data, command)
