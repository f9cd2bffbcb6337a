"""The report of detectors of presentation attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.evaluate.metrics.presentation import LIMITS
from mien.evaluate.presentation import Part, Verdict
from mien.evaluate.rates import Rate
from mien.evaluate.report import UNDEFINED, Report, Section, Table

METHOD = """
ISO/IEC 30107-3. APCER: attacks of a species that were accepted; the highest of all species counts. BPCER: bona fide
presentations that were refused. ACER: the mean of the highest APCER and BPCER (of the standard's edition of 2017). A
threshold was fixed on the development part, whose people and makers are not in the test part, or stands on the head's
card. Intervals: 95 %, Clopper-Pearson; several pictures of a person or maker make them too narrow. BPCER at an APCER is
read off the test part itself, as the standard does. Pictures without a found face give no answer and are counted apart.

The attacks were made from photographs, not presented to a camera: prints, replays and cut-outs by a model of press,
screen, light and camera. There are no masks, no real screens and no real paper, and attackers may do better or worse
than the model. The figures compare detectors on known material; they do not say how many attacks a door would let in.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """All of an evaluation.

    Args:
        verdicts: of the detectors.
        crossed: of detectors fitted without the species they were tried on.
        parts: that took part, by their use.
        silent: by species or set, pictures without a face.
        confusion: of a head that names species: by true species, how often it named each label.
        labels: of that head.
    """

    verdicts: Sequence[Verdict]
    crossed: Sequence[Verdict]
    parts: Sequence[Part]
    silent: Mapping[str, Rate]
    confusion: Mapping[str, Sequence[int]]
    labels: Sequence[str]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "detectors": [verdict.to_dict() for verdict in self.verdicts],
            "cross_species": [verdict.to_dict() for verdict in self.crossed],
            "parts": [
                {"part": part.name, "people": len(part.people), "makers": sorted(part.makers)} for part in self.parts
            ],
            "no_face": {name: rate.to_dict() for name, rate in self.silent.items()},
            "named": {truth: dict(zip(self.labels, counts, strict=True)) for truth, counts in self.confusion.items()},
        }


def presentation_report(measured: Measured, data_name: str, command: str) -> Report:
    """The report."""
    species = sorted({name for verdict in measured.verdicts for name in verdict.errors.apcer})
    sections = [
        Section("Errors at the fixed threshold", _parts(measured.parts), (_errors(measured.verdicts, species),)),
        Section("Bona fide sets", "BPCER at the same threshold.", (_sets(measured.verdicts),)),
        Section("BPCER at a given APCER", "", tuple(_limited(verdict) for verdict in measured.verdicts)),
    ]
    if measured.crossed:
        text = "Fitted, and its threshold fixed, without the species it is tried on."
        sections.append(Section("Unknown species", text, (_crossed(measured.crossed),)))
    if measured.confusion:
        rows = tuple((truth, *(f"{n:,}" for n in counts)) for truth, counts in measured.confusion.items())
        table = Table("Likeliest label of the test part, by what was shown", ("shown", *measured.labels), rows)
        sections.append(Section("Named species", "", (table,)))
    silent = tuple((name, str(rate)) for name, rate in measured.silent.items() if rate.errors)
    tables = (Table("Pictures in which no face was found", ("pictures", "share"), silent),) if silent else ()
    sections.append(Section("How it was measured", METHOD, tables))
    data = {"dataset": data_name, **measured.to_dict()}
    return Report(f"Presentation attacks made from {data_name}", tuple(sections), data, command)


def _parts(parts: Sequence[Part]) -> str:
    return " ".join(
        f"{part.name}: {len(part.people)} people, makers {', '.join(map(str, sorted(part.makers)))}." for part in parts
    )


def _errors(verdicts: Sequence[Verdict], species: Sequence[str]) -> Table:
    rows = tuple(
        (
            verdict.name,
            f"{verdict.errors.threshold:.4g}",
            *(str(verdict.errors.apcer[name]) if name in verdict.errors.apcer else UNDEFINED for name in species),
            str(verdict.errors.bpcer),
            _share(verdict.errors.acer),
            UNDEFINED if verdict.ms is None else f"{verdict.ms:.1f}",
        )
        for verdict in verdicts
    )
    heads = ("detector", "threshold", *(f"APCER {name}" for name in species), "BPCER", "ACER", "ms a face")
    return Table("On the test part", heads, rows)


def _sets(verdicts: Sequence[Verdict]) -> Table:
    names = list(dict.fromkeys(name for verdict in verdicts for name in verdict.bona_fide))
    rows = tuple((verdict.name, *(str(verdict.bona_fide[name]) for name in names)) for verdict in verdicts)
    return Table("Refused", ("detector", *names), rows)


def _limited(verdict: Verdict) -> Table:
    rows = tuple((name, *(str(rates[limit]) for limit in LIMITS)) for name, rates in verdict.limited.items())
    return Table(verdict.name, ("species", *(f"APCER {limit:.0%}" for limit in LIMITS)), rows)


def _crossed(verdicts: Sequence[Verdict]) -> Table:
    rows = tuple(
        (
            verdict.name,
            str(next(iter(verdict.errors.apcer.values()))),
            str(verdict.errors.bpcer),
            _share(verdict.errors.acer),
        )
        for verdict in verdicts
    )
    return Table("On the species left out", ("detector", "APCER", "BPCER", "ACER"), rows)


def _share(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4g}"
