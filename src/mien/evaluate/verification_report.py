"""The report of 1:1 figures."""

from __future__ import annotations

from collections.abc import Sequence

from mien.evaluate.metrics.verification import det_points
from mien.evaluate.report import Report, Section, Table, undefined
from mien.evaluate.verification import Measurement, TarPoint, histograms

METHOD = """
A comparison matches when its score is at or above the threshold. One that failed, because a picture gave no face,
counts as a miss if it was mated and is left out of the FMR if it was not; no failure improves a figure. The table of
failures says how many there were.

TAR is 1 - FNMR at the threshold with the most matches whose FMR is at most the stated one. An FMR below 3/N is refused
(rule of three: none in N bounds a rate at 3/N), and one of fewer than 30 errors is marked: by the rule of 30 it may be
off by more than 30 %. The EER is where the DET curve, its points joined by straight lines, crosses FMR = FNMR.

Accuracy: for each fold the threshold that is best on all the others is applied to it (Huang et al. 2007); a failed
comparison is a wrong answer. ± is the standard deviation over folds.

Intervals hold 95 %. Where people are known they come from a bootstrap over people, because comparisons that share one
are dependent; it chooses the threshold anew in each resample. Otherwise they are Clopper-Pearson at the threshold
found, and too narrow if comparisons share people.
"""


FEWEST = 10
"""Comparisons of either kind below which a curve shows nothing."""


def verification_report(results: Sequence[Measurement], *, title: str, command: str, figures: bool = True) -> Report:
    """The page of one or more systems; its data is what ``--json`` prints.

    Args:
        results: one a system.
        title: names the data.
        command: as typed.
        figures: draw the curves; without them the page is there in a blink.
    """
    warnings = [line for result in results for line in result.warnings]
    sections = (
        Section("Figures", "\n\n".join(warnings), (_summary(results), _failures(results))),
        *([Section("Error trade-off", "", (), drawn)] if figures and (drawn := _curves(results)) else []),
        Section("True accept rate", "", tuple(_tar(result) for result in results)),
        *([Section("Scores", "", (), tuple(_histogram(result) for result in results))] if figures else []),
        *_folds(results),
        Section("How it was measured", METHOD, tuple(_models(results))),
    )
    return Report(title, sections, {"results": [result.to_dict() for result in results]}, command)


def _on(result: Measurement) -> str:
    pairs = result.scores.pairs
    return f"{pairs['mated']:,} mated and {pairs['nonmated']:,} non-mated comparisons"


def _best(result: Measurement) -> TarPoint | None:
    """The smallest FMR that the data support."""
    return next((point for point in reversed(result.tar) if point.tar), None)


def _summary(results: Sequence[Measurement]) -> Table:
    rows = []
    for result in results:
        fold, point = result.accuracy, _best(result)
        seconds = result.scores.meta.get("seconds")
        rows.append(
            (
                result.scores.name,
                str(result.eer),
                undefined("no folds") if fold is None else f"{fold.mean:.2%} ± {fold.std:.2%}",
                undefined("too few") if point is None else f"{point.tar} at FMR {point.fmr:g}",
                undefined("not timed") if seconds is None else f"{seconds:.1f} s",
            )
        )
    basis = "; ".join(sorted({result.interval for result in results}))
    return Table(f"{_on(results[0])}; {basis}", ("system", "EER", "accuracy", "TAR", "time"), tuple(rows))


def _failures(results: Sequence[Measurement]) -> Table:
    rows = tuple((result.scores.name, *(str(rate) for rate in result.failures)) for result in results)
    return Table("Comparisons without a score (failure to acquire)", ("system", "mated", "non-mated"), rows)


def _curves(results: Sequence[Measurement]) -> tuple[str, ...]:
    from mien.evaluate.plots import det, roc

    results = [result for result in results if min(result.curve.nonmated_total, result.curve.mated_total) >= FEWEST]
    if not results:
        return ()
    curves = {result.scores.name: det_points(result.curve)[1:] for result in results}
    trials = {r.scores.name: (int(r.curve.nonmated_total), int(r.curve.mated_total)) for r in results}
    note = f"{_on(results[0])}."
    return (
        det(curves, title="Detection error trade-off", note=note, trials=trials),
        roc(curves, title="True accept rate", note=note, trials=trials),
    )


def _tar(result: Measurement) -> Table:
    rows = []
    for point in result.tar:
        if point.tar is None or point.misses is None or point.matches is None:
            rows.append((f"{point.fmr:g}", undefined(point.reason), "–", "–", "–"))
            continue
        few = "" if point.to_dict()["rule_of_30"] else " *"
        misses, matches = (f"{rate.errors:,} of {rate.trials:,}" for rate in (point.misses, point.matches))
        rows.append((f"{point.fmr:g}{few}", str(point.tar), f"{point.threshold:.4f}", misses, matches))
    caption = f"{result.scores.name}; {result.interval}; * fewer than 30 false matches"
    return Table(caption, ("FMR", "TAR", "threshold", "missed", "false matches"), tuple(rows))


def _histogram(result: Measurement) -> str:
    from mien.evaluate.plots import histogram

    mated, nonmated = histograms(result.scores)
    title = f"Scores of {result.scores.name}"
    return histogram(
        mated, nonmated, title=title, note=f"{_on(result)}; the line is at the EER.", threshold=result.eer_threshold
    )


def _folds(results: Sequence[Measurement]) -> tuple[Section, ...]:
    tables = []
    for result in results:
        if fold := result.accuracy:
            cells = zip(fold.folds, fold.accuracy, fold.thresholds, strict=True)
            rows = tuple((str(number), f"{value:.2%}", f"{threshold:.4f}") for number, value, threshold in cells)
            tables.append(Table(result.scores.name, ("fold", "accuracy", "threshold"), rows))
    return (Section("Accuracy by fold", "", tuple(tables)),) if tables else ()


def _models(results: Sequence[Measurement]) -> list[Table]:
    rows = []
    for result in results:
        if model := result.scores.meta.get("model"):
            facts = (model.get(key, "–") for key in ("digest", "precision", "engine"))
            rows.append((result.scores.name, *map(str, facts), str(result.scores.meta.get("detector", "–"))))
    columns = ("system", "template contract", "precision", "engine", "detector")
    return [Table("Models", columns, tuple(rows))] if rows else []
