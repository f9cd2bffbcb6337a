"""What an identification run says, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mien.evaluate import plots
from mien.evaluate.identification import IdentificationFigures
from mien.evaluate.open_set import Measured
from mien.evaluate.report import UNDEFINED, Report, Section, Table, undefined

METHOD = """
FPIR is the share of non-mated probes for which any subject reaches the threshold; FNIR the share of mated probes
whose own subject does not, or stands below the rank (ISO/IEC 19795-1:2021). A subject scores as its best reference
does, and a tie counts against the right one. A mated probe without a template, and one whose subject could not be
enrolled, is a miss; a non-mated probe without a template is left out of the FPIR and counted apart.

Intervals hold 95 %: Clopper-Pearson, and where several probes show one person also from a bootstrap over people,
because such probes are not independent. No rate below 3/N is given for N probes (rule of three).

Classification: each mated probe goes to the subject whose mean template is nearest. Verification: each probe against
each subject as if it claimed that identity. Closed set: mated probes only. Open set: the threshold is the smallest at
which the FPIR of these probes is at most the stated rate; the detection and identification rate is 1 - FNIR.
"""

PROMISE = """
Here the threshold is not chosen on these probes: it is the one that `mien identify` would use in a gallery of this
size, from the table in the embedder's card. The asked FPIR should lie in the interval of the measured one. `above`:
more false positives than asked for, `below`: fewer.
"""


def identification_report(
    results: Sequence[IdentificationFigures], left_out: Sequence[str], command: str, *, seconds: float
) -> Report:
    """The report of one pair of lists.

    Args:
        results: one an embedder.
        left_out: probes that are copies of gallery pictures.
        command: as typed.
        seconds: from start to end.
    """
    first = results[0].searches
    counts = first.counts
    on = (
        f"{first.references:,} references of {first.subjects:,} subjects; {counts['mated']:,} mated and "
        f"{counts['nonmated']:,} non-mated probes"
    )
    notes = [f"{on}."]
    if left_out:
        notes.append(
            f"{len(left_out):,} probes are copies of gallery pictures and were left out: {', '.join(left_out[:5])}"
        )
    facts = {
        "results": [result.to_dict() for result in results],
        "left_out": list(left_out),
        "seconds": round(seconds, 3),
    }
    sections = (
        Section("Open set", "\n\n".join(notes), tuple(map(_open_set, results)), _open_figures(results, on)),
        *_promises(results),
        Section("Closed set", "", (_closed(results),), _cmc(results, on)),
        Section("Classification and verification", "", (_classification(results), *map(_verification, results))),
        Section("Failures", "", (_failures(results),)),
        *_repeats(results),
        Section("How it was measured", METHOD),
    )
    return Report("Identification", sections, facts, command)


def _open_set(result: IdentificationFigures) -> Table:
    rows = tuple(
        (
            f"{row.rate:g}",
            UNDEFINED if row.threshold is None else f"{row.threshold:.4f}",
            undefined(row.reason) if row.fnir is None else measured(row.fnir),
            UNDEFINED if row.fnir is None or row.fnir.rate.value is None else f"{1 - row.fnir.rate.value:.4f}",
        )
        for row in result.open_set
    )
    caption = f"{result.name}: FNIR at rank {result.asked.rank} where these probes' FPIR is at most the rate"
    return Table(caption, ("FPIR", "threshold", "FNIR", "DIR"), rows)


def _open_figures(results: Sequence[IdentificationFigures], on: str) -> tuple[str, ...]:
    drawn = {r.name: r for r in results if r.curve is not None}
    if not drawn:
        return ()
    curves = {name: (r.curve.fpir, r.curve.fnir) for name, r in drawn.items() if r.curve is not None}
    trials = {name: (int(r.searches.strangers.sum()), int(r.searches.mated.sum())) for name, r in drawn.items()}
    note = f"{on}; rank {results[0].asked.rank}."
    return (plots.fpir_fnir(curves, title="Open-set identification", note=note, trials=trials),)


def _promises(results: Sequence[IdentificationFigures]) -> tuple[Section, ...]:
    tables = tuple(_promise(result) for result in results if result.promises)
    bare = [result.name for result in results if not result.promises]
    text = PROMISE + "".join(f"\n\n{name} has no measured operating table, so it promises nothing." for name in bare)
    return (Section("Does the product keep its word", text, tables),)


def _promise(result: IdentificationFigures) -> Table:
    rows = tuple(
        (
            f"{row.asked:g}",
            undefined(row.reason) if row.point is None else f"{row.point.threshold:.4f}",
            "" if row.point is None else "tail" if row.point.extrapolated else "counted",
            UNDEFINED if row.fpir is None else measured(row.fpir),
            row.verdict,
            UNDEFINED if row.fnir is None else measured(row.fnir),
        )
        for row in result.promises
    )
    point = next((row.point for row in result.promises if row.point), None)
    source = f"; its table rests on {point.data}" if point else ""
    caption = f"{result.name}: thresholds of the card in a gallery of {result.searches.references:,}{source}"
    return Table(caption, ("asked FPIR", "threshold", "from", "measured FPIR", "verdict", "FNIR there"), rows)


def _closed(results: Sequence[IdentificationFigures]) -> Table:
    shown = [rank for rank in (1, 2, 5, 10, 20) if rank <= min(len(r.ranks) for r in results)]
    rows = tuple((r.name, *(str(r.ranks[rank - 1]) for rank in shown)) for r in results)
    caption = "Share of mated probes whose subject is at this rank or better, failures counted as misses"
    return Table(caption, ("embedder", *(f"rank {rank}" for rank in shown)), rows)


def _cmc(results: Sequence[IdentificationFigures], on: str) -> tuple[str, ...]:
    curves = {r.name: [rate.value for rate in r.ranks] for r in results if r.ranks[0].value is not None}
    drawn = {name: [value for value in values if value is not None] for name, values in curves.items()}
    return (plots.cmc(drawn, title="Closed-set identification", note=f"{on}."),) if drawn else ()


def _classification(results: Sequence[IdentificationFigures]) -> Table:
    rows = tuple((r.name, str(r.classification.correct), _number(r.classification.mean_over_subjects)) for r in results)
    return Table("Mated probes given to the nearest mean template", ("embedder", "correct", "mean over subjects"), rows)


def _verification(result: IdentificationFigures) -> Table:
    caption = f"{result.name}: verification, each probe against each subject"
    columns = ("FMR", "TAR", "threshold")
    if result.verification is None:
        return Table(caption, columns, (("all", undefined("needs mated and non-mated comparisons"), UNDEFINED),))
    pairs = result.verification.scores.pairs
    rows = tuple(
        (
            f"{point.fmr:g}",
            undefined(point.reason) if point.tar is None else str(point.tar),
            UNDEFINED if point.threshold is None else f"{point.threshold:.4f}",
        )
        for point in result.verification.tar
    )
    return Table(f"{caption}: {pairs['mated']:,} mated, {pairs['nonmated']:,} non-mated comparisons", columns, rows)


def _failures(results: Sequence[IdentificationFigures]) -> Table:
    rows = []
    for r in results:
        counts = r.searches.counts
        shares = (f"{counts[f'failed_{kind}']:,} of {counts[kind]:,}" for kind in ("mated", "nonmated"))
        rows.append((r.name, str(r.enrolment), *shares))
    columns = ("embedder", "gallery pictures without a template", "mated probes", "non-mated probes")
    return Table("Failures to enrol and to acquire", columns, tuple(rows))


def _repeats(results: Sequence[IdentificationFigures]) -> tuple[Section, ...]:
    asked = results[0].asked
    if not asked.repeats:
        return ()
    tables = tuple(
        Table(
            f"{r.name}: {asked.repeats} galleries, seed {asked.seed}",
            ("figure", "mean", "standard deviation", "least", "most", "defined in"),
            tuple(_spread_row(name, row) for name, row in r.spread.items()),
        )
        for r in results
    )
    text = (
        "Each draws as many subjects as the gallery list has from all subjects of both lists, enrols the list's usual "
        "number of pictures of each, and searches all the others."
    )
    return (Section("Other galleries of the same pictures", text, tables),)


def _spread_row(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    return name.replace("_", " "), *(_number(row[key]) for key in ("mean", "std", "min", "max")), str(row["n"])


def measured(value: Measured) -> str:
    """A rate with its count and the wider of its intervals."""
    interval = value.widest
    if interval is None:
        return undefined("no trials")
    rate = value.rate
    return f"{rate.value:.4g} ({rate.errors:,} of {rate.trials:,}; 95 % {interval[0]:.2g} to {interval[1]:.2g})"


def _number(value: float | None) -> str:
    return UNDEFINED if value is None else f"{value:.4g}"
