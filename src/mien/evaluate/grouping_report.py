"""What a measured grouping says, for people."""

from __future__ import annotations

from collections.abc import Sequence

from mien.evaluate import plots
from mien.evaluate.grouping import GroupingResult
from mien.evaluate.report import UNDEFINED, Report, Section, Table

METHOD = """
The truth is the folder that a photograph lies in. Photographs are looked at in a shuffled order; the grouping sees
vectors, numbers of photographs and detector scores, no names. A face alone is a group of one.

BCubed: for each face the share of its group that is its person (precision) and the share of its person that is in its
group (recall), averaged over faces (Bagga and Baldwin 1998; Amigo et al. 2009). Pairwise: the same over pairs of
faces. ARI: adjusted Rand index (Hubert and Arabie 1985). NMI: mutual information over the mean of the two entropies.
Purity: share of faces that are of their group's most frequent person. Intervals hold 95 % and come from a bootstrap
over people with the grouping as it is.

Corrections: a *split* selects the faces of one other person in a group and takes them out, one for every person in a
group but the one with most faces there; a *merge* puts one part of a person with another, one for every part of a
person but one. A viewer that moves faces one by one needs `moved` moves in place of the splits.
"""


def grouping_report(results: Sequence[GroupingResult], command: str) -> Report:
    """The report of one folder.

    Args:
        results: one an embedder.
        command: as typed.
    """
    first = results[0].figures
    on = f"{first.faces:,} faces of {first.people:,} people, {first.people_seen_twice:,} of them seen more than once"
    sections = (
        Section("Agreement with the truth", f"{on}.", (_agreement(results),), _intervals(results, on)),
        Section("People", "", (_people(results),)),
        Section("Purity by size of group", "", tuple(map(_sizes, results))),
        Section("Work left to do", "", (_edits(results),)),
        *_sweeps(results, on),
        Section("How it was measured", METHOD),
    )
    return Report("Grouping", sections, {"results": [result.to_dict() for result in results]}, command)


def _agreement(results: Sequence[GroupingResult]) -> Table:
    columns = ("embedder", "cut", "BCubed P", "BCubed R", "BCubed F", "pairwise P", "pairwise R", "pairwise F")
    rows = []
    for r in results:
        pairs = r.figures.pairwise
        parts = tuple(_bcubed(r, name) for name in ("precision", "recall", "f"))
        information = (_number(r.figures.ari), _number(r.figures.nmi), _number(r.figures.purity))
        pairwise = (_number(pairs.precision), _number(pairs.recall), _number(pairs.f))
        rows.append((r.name, f"{r.rule.cut:g}", *parts, *pairwise, *information))
    return Table("Grouping by the card's rule against the folders", (*columns, "ARI", "NMI", "purity"), tuple(rows))


def _bcubed(result: GroupingResult, name: str) -> str:
    value = _number(getattr(result.figures.bcubed, name))
    if result.intervals is None:
        return value
    low, high = result.intervals[name]
    return f"{value} ({low:.4f} to {high:.4f})"


def _intervals(results: Sequence[GroupingResult], on: str) -> tuple[str, ...]:
    rows = [(r.name, r.figures.bcubed.f, *r.intervals["f"]) for r in results if r.intervals]
    note = f"{on}. Lines: 95 %, bootstrap over people."
    return (plots.intervals(rows, log=False, title="BCubed F", note=note, label="BCubed F"),) if rows else ()


def _people(results: Sequence[GroupingResult]) -> Table:
    rows = []
    for r in results:
        f = r.figures
        counts = (f.people, f.groups, f.people_seen_twice, f.groups_of_several, f.mixed, f.largest, len(r.failures))
        seconds = tuple(f"{value:.1f}" for value in r.seconds)
        rows.append((r.name, *(f"{count:,}" for count in counts), *seconds))
    columns = (
        "embedder",
        "people",
        "found",
        "seen twice",
        "groups of several",
        "mixed",
        "largest",
        "failed photographs",
    )
    return Table("Numbers", (*columns, "s looking", "s grouping"), tuple(rows))


def _sizes(result: GroupingResult) -> Table:
    rows = tuple(
        (row.label, f"{row.groups:,}", f"{row.faces:,}", f"{row.mixed:,}", _number(row.purity))
        for row in result.figures.by_size
    )
    return Table(result.name, ("faces in group", "groups", "faces", "mixed groups", "purity"), rows)


def _edits(results: Sequence[GroupingResult]) -> Table:
    rows = []
    for r in results:
        e = r.figures.edits
        rows.append((r.name, *(f"{n:,}" for n in (e.splits, e.merges, e.total, e.moved))))
    columns = ("embedder", "splits", "merges", "operations in all", "faces that splits move")
    return Table("Operations that put the grouping right", columns, tuple(rows))


def _sweeps(results: Sequence[GroupingResult], on: str) -> tuple[Section, ...]:
    swept = [r for r in results if r.sweep]
    if not swept:
        return ()
    tables = tuple(
        Table(
            f"{r.name}, the card's cut is {r.rule.cut:g}",
            ("cut", "BCubed P", "BCubed R", "BCubed F", "mixed groups"),
            tuple(
                (f"{cut:g}", *map(_number, (f.bcubed.precision, f.bcubed.recall, f.bcubed.f)), f"{f.mixed:,}")
                for cut, f in r.sweep.items()
            ),
        )
        for r in swept
    )
    curves = {
        r.name: (
            [f.bcubed.recall or 0.0 for f in r.sweep.values()],
            [f.bcubed.precision or 0.0 for f in r.sweep.values()],
        )
        for r in swept
    }
    figure = plots.precision_recall(curves, title="BCubed precision and recall around the card's cut", note=f"{on}.")
    text = "For looking only: a cut chosen on the data it is reported on says too much for itself."
    return (Section("Other cuts", text, tables, (figure,)),)


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4f}"
