"""Age and sex heads on a labelled set, with the error by group; the groups are the set's own labels."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import UsageError
from mien.evaluate.heads import Mean, Observed
from mien.evaluate.protocols.labelled import Labelled
from mien.evaluate.protocols.utkface import GENDERS
from mien.evaluate.rates import Rate
from mien.evaluate.report import Report, Section, Table
from mien.models.card import Card

GROUPS = (("age",), ("gender",), ("race",), ("gender", "race"))
"""Attributes by which errors are told; the last crosses two."""
LEAST_AGE = 13
"""Sex is counted from this age on: younger faces show little of it."""
METHOD = """
Of several faces the one nearest to the middle of the picture is meant; a picture without a find is missed and enters no
mean. Labels and groups are those of the data set, which were partly given by people who looked at the pictures. Error
of age: mean absolute error, 95 % by a bootstrap over faces, and bias, the mean of said minus labelled. Error of sex:
share of faces of 13 years and older whose likelier label is not the data set's, 95 % by Clopper-Pearson. Time is of
processor, one face at a time, from the cut on.
"""

Scored = tuple[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Attributes:
    """What age and sex heads said of labelled pictures.

    Args:
        data: pictures and groups.
        ages: (n,) labelled years.
        observed: by heads.
        cards: of the heads, by family.
    """

    data: Labelled
    ages: NDArray[np.float64]
    observed: Observed
    cards: dict[str, Card]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: errors of all and by group."""
        found = self.observed.found
        result: dict[str, Any] = {
            "dataset": self.data.name,
            "faces": len(self.data),
            "found": int(found.sum()),
            "failures": [failure.to_dict() for failure in self.observed.failures],
        }
        for family, card in self.cards.items():
            rows = [self._age(card, *group) if family == "age" else self._sex(card, *group) for group in self.groups()]
            ms = self.observed.ms.get(card.name)
            result[family] = {"head": card.name, "sha256": card.file.sha256, "ms": ms, "rows": rows}
        return result

    def groups(self) -> Iterator[Scored]:
        """Names of groups and their rows; the first holds all."""
        yield "all", np.ones(len(self.data), np.bool_)
        for names in GROUPS:
            column = self.data.attribute(names)
            for group in sorted(set(column), key=_order):
                yield f"{' and '.join(names)}: {group}", column == group

    def _age(self, card: Card, group: str, rows: NDArray[np.bool_]) -> dict[str, Any]:
        rows = rows & self.observed.found
        off = self.observed.values[card.name][rows].astype(np.float64) - self.ages[rows]
        bias = float(off.mean()) if len(off) else None
        return {"group": group, "mae": Mean.of(np.abs(off)).to_dict(), "bias": bias}

    def _sex(self, card: Card, group: str, rows: NDArray[np.bool_]) -> dict[str, Any]:
        rows = rows & self.observed.found & (self.ages >= LEAST_AGE)
        labels = np.array(card.head.labels if card.head else GENDERS)
        said = labels[self.observed.values[card.name][rows].argmax(axis=1)] if rows.any() else labels[:0]
        wrong = int((said != self.data.groups["gender"][rows]).sum())
        return {"group": group, "errors": Rate(wrong, len(said)).to_dict()}


def _order(group: str) -> tuple[int, str]:
    """Bands of age by their first year, words after them by the alphabet."""
    first = re.match(r"\d+", group)
    return (int(first[0]) if first else 0, group)


def run_attributes(
    data: Labelled, ages: NDArray[np.float64], cards: list[Card], observe: Callable[[], Observed]
) -> Attributes:
    """Observe the pictures; cards of age and sex heads only.

    Raises:
        UsageError: another head.
    """
    for card in cards:
        if card.family not in ("age", "sex"):
            raise UsageError(f"'{card.name}' gives neither age nor sex")
    return Attributes(data, ages, observe(), {card.family: card for card in cards})


def attribute_report(result: Attributes, command: str) -> Report:
    """The report."""
    data = result.to_dict()
    found = f"{data['dataset']}: {data['found']:,} of {data['faces']:,} faces found."
    tables = tuple(_age_table(data["age"]) if f == "age" else _sex_table(data["sex"]) for f in result.cards)
    sections = (Section("Errors by group", found, tables), Section("How it was measured", METHOD))
    return Report(f"Age and sex on {data['dataset']}", sections, data, command)


def _age_table(age: dict[str, Any]) -> Table:
    rows = tuple(
        (
            row["group"],
            str(Mean(**row["mae"])),
            "–" if row["bias"] is None else f"{row['bias']:+.1f}",
        )
        for row in age["rows"]
    )
    caption = f"{age['head']}: error in years ({age['ms']:.1f} ms a face)"
    return Table(caption, ("group", "mean absolute error", "bias"), rows)


def _sex_table(sex: dict[str, Any]) -> Table:
    rows = tuple(
        (row["group"], str(Rate(row["errors"]["errors"], row["errors"]["trials"])))
        for row in sex["rows"]
        if row["errors"]["trials"]
    )
    caption = f"{sex['head']}: share said wrongly, {LEAST_AGE} and older ({sex['ms']:.1f} ms a face)"
    return Table(caption, ("group", "wrong"), rows)
