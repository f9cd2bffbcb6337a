"""Differential performance of an embedder on a list of pictures, and what it says in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.compare import at_fmr
from mien.evaluate.embed import Embedded
from mien.evaluate.hygiene import Copies, find_copies
from mien.evaluate.metrics.differential import Differential, GroupRate, differential
from mien.evaluate.plots import intervals
from mien.evaluate.protocols.labelled import Labelled
from mien.evaluate.rates import ENOUGH_ERRORS
from mien.evaluate.report import Report, Section, Table
from mien.evaluate.scores import Scores
from mien.types.arrays import FloatArray
from mien.types.score import OperatingPoint, OperatingTable


@dataclass(frozen=True, slots=True)
class Differentials:
    """One embedder at one operating point.

    Args:
        name: of the embedder.
        data: the list of pictures, without copies.
        point: the threshold that is in force for the rate asked for.
        failed: pictures without a template.
        copies: what was left out.
        files: names of all pictures, for `copies`.
        by: by attribute, or several crossed (``gender x race``).
        vectors: (n, d) templates of `data`, zero rows where there is none.
        lost: (n,) pictures without a template.
    """

    name: str
    data: Labelled
    point: OperatingPoint
    failed: int
    copies: Copies
    files: tuple[str, ...]
    by: dict[str, Differential]
    vectors: FloatArray = field(repr=False)
    lost: NDArray[np.bool_] = field(repr=False)

    def scores(self) -> Scores:
        """All pairs of pictures, with the groups of each pair: what is kept in the score file."""
        a, b = np.triu_indices(len(self.data), 1)
        failed = self.lost[a] | self.lost[b]
        score = np.where(failed, -np.inf, (self.vectors @ self.vectors.T)[a, b].astype(np.float64))
        people = self.data.people
        return Scores(
            self.name,
            score,
            people[a] == people[b],
            failed,
            a=a,
            b=b,
            samples=tuple(path.name for path in self.data.paths),
            subjects=people,
            groups={name: _pair_groups(self.data.attribute([name]), a, b) for name in self.by if " x " not in name},
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "data": self.data.name,
            "pictures": len(self.data),
            "people": int(self.data.people.max()) + 1,
            "failed": self.failed,
            "operating_point": self.point.to_dict(),
            "left_out": [
                {"file": self.files[j], "copy_of": self.files[i], "by": why} for i, j, why in self.copies.pairs
            ],
            "by": {name: found.to_dict() for name, found in self.by.items()},
            "findings": [line for name, found in self.by.items() for line in findings(name, found)],
        }


def measure(
    name: str,
    data: Labelled,
    embedded: Embedded,
    hashes: NDArray[np.uint64],
    table: OperatingTable,
    *,
    fmr: float,
    attributes: Sequence[str],
) -> Differentials:
    """Error rates by each attribute, and by all of them crossed, without copies.

    Args:
        name: of the embedder.
        data: the pictures.
        embedded: their templates.
        hashes: (n, 2) of `hygiene.hash_files`.
        table: of the embedder; the threshold is the one in force for `fmr`.
        fmr: asked for.
        attributes: columns of `data.groups`.

    Raises:
        UsageError: the rate is not supported, or an attribute is not there.
    """
    point = at_fmr(table, fmr)
    copies = find_copies(data.people, hashes=hashes, vectors=embedded.vectors, failed=embedded.failed)
    kept = ~copies.later
    rest, vectors, failed = data.keep(kept), embedded.vectors[kept], embedded.failed[kept]
    crossed = [[a] for a in attributes] + ([list(attributes)] if len(attributes) > 1 else [])
    by = {
        " x ".join(names): differential(vectors, rest.people, rest.attribute(names), point.threshold, failed=failed)
        for names in crossed
    }
    return Differentials(
        name, rest, point, int(failed.sum()), copies, tuple(p.name for p in data.paths), by, vectors, failed
    )


def _pair_groups(labels: NDArray[np.str_], a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.str_]:
    """The group of each pair; two different ones as ``f|m``, sorted."""
    names, code = np.unique(labels, return_inverse=True)
    table = np.array([[x if x == y else "|".join(sorted((x, y))) for y in names] for x in names], np.str_)
    return table[code[a], code[b]]


def findings(attribute: str, found: Differential) -> list[str]:
    """What the figures say, in sentences; nothing is said that too few errors support."""
    ranked = found.ranked()
    lines = []
    if ranked:
        worst = ranked[0]
        text = f"By {attribute}: two different people are taken for one most often among {found.groups[worst]}, "
        text += shown(found.fmr[worst])
        ratio = found.summaries["fmr worst to best"]
        if ratio.value is not None and ratio.low is not None and ratio.high is not None:
            text += (
                f"; that is {ratio.value:.1f} times (95 % {ratio.low:.1f} to {ratio.high:.1f}) as often as among "
                f"{found.groups[ranked[-1]]}, {shown(found.fmr[ranked[-1]])}"
            )
        lines.append(text + ".")
    few = [i for i, rate in enumerate(found.fmr) if rate.trials and not rate.enough]
    if few:
        names = ", ".join(f"{found.groups[i]} ({found.fmr[i].errors} of {found.fmr[i].trials:,})" for i in few)
        lines.append(
            f"By {attribute}: fewer than {ENOUGH_ERRORS} false matches among {names}; they enter no ratio, so the "
            "true differences can be larger than the ratios say."
        )
    same = found.summaries["same to different group"]
    if same.value is not None and same.low is not None and same.high is not None:
        lines.append(
            f"By {attribute}: two people of one group are taken for one {same.value:.1f} times (95 % {same.low:.1f} "
            f"to {same.high:.1f}) as often as two of different groups."
        )
    if all(not rate.trials for rate in found.fnmr):
        lines.append(f"By {attribute}: nobody is there twice, so nothing is known of people who are not recognised.")
    return lines


def shown(rate: GroupRate) -> str:
    """A rate with counts and interval; – where it is undefined."""
    if rate.value is None:
        return "– no comparisons"
    ends = "" if rate.low is None else f"; 95 % {rate.low:.2g} to {rate.high:.2g}"
    few = "" if rate.enough else "; too few errors"
    return f"{rate.value:.3g} ({rate.errors:,} of {rate.trials:,}{ends}{few})"


def differential_report(measured: Sequence[Differentials], *, command: str) -> Report:
    """The page of a differential evaluation."""
    sections: list[Section] = []
    for one in measured:
        sections.append(_basis(one))
        for attribute, found in one.by.items():
            sections.append(_section(one, attribute, found))
    title = f"Differential performance on {measured[0].data.name}"
    return Report(
        title=title,
        sections=tuple(sections),
        data={"results": [one.to_dict() for one in measured]},
        command=command,
    )


def _basis(one: Differentials) -> Section:
    said = [line for name, found in one.by.items() for line in findings(name, found)]
    text = (
        f"{len(one.data):,} pictures, {one.failed} without a face, {int(one.copies.later.sum())} left out as copies. "
        f"One threshold for everybody: {one.point.threshold:.3f}, in force for FMR {one.point.fmr:.2g} on "
        f"{one.point.data}. Intervals: 95 %, bootstrap over people.\n\n" + "\n\n".join(said)
    )
    rows = tuple((one.files[j], one.files[i], why) for i, j, why in one.copies.pairs)
    tables = (Table("Pictures that are there twice", ("left out", "copy of", "found by"), rows),) if rows else ()
    return Section(one.name, text, tables)


def _section(one: Differentials, attribute: str, found: Differential) -> Section:
    heading = f"{one.name}, by {attribute}"
    rows = zip(found.groups, found.people, found.fmr, found.fnmr, strict=True)
    rates = Table(
        f"Error rates within groups at threshold {found.threshold:.3f}",
        ("group", "people", "FMR", "FNMR"),
        tuple((g, f"{n:,}", shown(fmr), shown(fnmr)) for g, n, fmr, fnmr in rows),
    )
    cross = Table(
        f"FMR within and across groups at threshold {found.threshold:.3f}",
        ("", *found.groups),
        tuple((g, *(_cell(found, i, j) for j in range(len(found.groups)))) for i, g in enumerate(found.groups)),
    )
    summary = Table(
        f"Over groups with {ENOUGH_ERRORS} errors or more; weight of the FMR {found.alpha:g}",
        ("figure", "value", "95 % interval"),
        tuple(
            (name, f"– {s.reason}", "–")
            if s.value is None
            else (name, f"{s.value:.3g}", f"{s.low:.3g} to {s.high:.3g}")
            for name, s in found.summaries.items()
        ),
    )
    figure = intervals(
        [(g, rate.value, rate.low, rate.high) for g, rate in zip(found.groups, found.fmr, strict=True)],
        log=True,
        title=f"FMR within groups by {attribute}, {one.name}",
        note=f"{one.data.name}, N = {len(one.data):,} pictures; 95 %, bootstrap over people",
        label="false match rate",
    )
    return Section(heading, "", (rates, cross, summary), (figure,))


def _cell(found: Differential, i: int, j: int) -> str:
    rate = found.fmr[i] if i == j else found.cross[min(i, j), max(i, j)]
    if rate.value is None:
        return "–"
    return f"{rate.value:.2g}" if rate.enough else f"{rate.value:.2g} ({rate.errors})"
