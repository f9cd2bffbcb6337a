"""Where accuracy is lost, for people."""

from __future__ import annotations

from mien.evaluate import plots
from mien.evaluate.funnel import RECALLS, Distribution, Funnel, Row
from mien.evaluate.report import UNDEFINED, Report, Section, Table

METHOD = """
Each probe is a named reference of somebody with at least two; it is taken out and searched among all the others.
Identity accuracy is the share of probes whose nearest neighbour is of the same person; recall@k the share of the k
nearest neighbours of exact search that the method finds too. Intervals hold 95 %: the wider of Clopper-Pearson and a
bootstrap over people.

Embedding loss is what exact search misses: no index can win it back, only a better model or better pictures.
Quantisation loss is what smaller templates lose, index loss what a search loses that does not look at all of them.
Misuse rows compare the same numbers wrongly, as happens when scales or lengths are forgotten.

Participation ratio: how many directions the templates effectively use, of all they have. A mean cosine between
different people above 0 means that they share a direction (no isotropy). Hubness: skewness of how often a template is
among the ten nearest of others; above about 1 a few faces resemble everybody, and approximate searches suffer.
"""


def funnel_report(funnel: Funnel, gallery: str, command: str) -> Report:
    """The report of one gallery.

    Args:
        funnel: what was measured.
        gallery: its file, as it was named.
        command: as typed.
    """
    drawn = f" (drawn from {funnel.eligible:,}, seed {funnel.seed})" if funnel.probes < funnel.eligible else ""
    on = f"{funnel.references:,} references of {funnel.subjects:,} subjects; {funnel.probes:,} probes{drawn}"
    sections = (
        Section("Where accuracy is lost", f"{on}.", (_methods(funnel),), (_figure(funnel, on),)),
        Section("How the templates lie", "", (_distribution(funnel.distribution),)),
        Section("How it was measured", METHOD),
    )
    return Report("Funnel", sections, {"gallery": gallery, **funnel.to_dict()}, command)


def _methods(funnel: Funnel) -> Table:
    columns = ("method", "what its loss is", "identity accuracy", "loss", *(f"recall@{k}" for k in RECALLS))
    rows = []
    for row in funnel.rows:
        low, high = _widest(row)
        accuracy = (
            f"{row.accuracy.value:.4f} ({row.accuracy.errors:,} of {row.accuracy.trials:,}; {low:.4f} to {high:.4f})"
        )
        recalls = tuple(_number(row.recall[k]) for k in RECALLS)
        rest = (f"{row.bytes:,.0f}", f"{row.milliseconds:.3f}")
        rows.append((row.name, row.kind, accuracy, f"{row.loss:+.4f}", *recalls, *rest))
    return Table("Identity accuracy beside recall", (*columns, "bytes a template", "ms a probe"), tuple(rows))


def _widest(row: Row) -> tuple[float, float]:
    low, high = row.accuracy.low or 0.0, row.accuracy.high or 0.0
    a, b = row.over_people or (low, high)
    return min(a, low), max(b, high)


def _figure(funnel: Funnel, on: str) -> str:
    rows = [(row.name, row.accuracy.value, *_widest(row)) for row in funnel.rows]
    note = f"{on}. Lines: 95 %."
    return plots.intervals(rows, log=False, title="Identity accuracy by method", note=note, label="Identity accuracy")


def _distribution(d: Distribution) -> Table:
    share = d.participation / d.dimension
    rows = (
        ("participation ratio", f"{d.participation:.1f} ({share:.0%} of {d.dimension})"),
        ("mean cosine, different people", _number(d.mean_cosine)),
        ("mean cosine, one person", _number(d.same_cosine)),
        ("length of a template", f"{d.norms[0]:.6f} to {d.norms[1]:.6f}"),
        ("hubness", UNDEFINED if d.hubness is None else f"{d.hubness:.2f}"),
        ("most popular template is near", f"{d.most_popular:,} probes"),
    )
    return Table("The templates", ("figure", "value"), rows)


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4f}"
