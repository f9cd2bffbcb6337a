"""The page of a gallery's calibration."""

from __future__ import annotations

from mien.evaluate.calibrate import GalleryCalibration
from mien.evaluate.plots import intervals
from mien.evaluate.report import Report, Section, Table
from mien.types.score import OperatingTable


def points_table(table: OperatingTable) -> Table:
    """A row a decade and the last, of the measured rows."""
    rows = [p for i, p in enumerate(table.points) if i % 10 == 0 or p is table.points[-1]]
    return Table(
        f"Thresholds of {table.data}, {table.date}; intervals 95 %, bootstrap over people",
        ("threshold", "FMR", "FNMR"),
        tuple(
            (
                f"{p.threshold:.3f}",
                f"{p.errors / table.nonmated:.2g} ({p.errors:,} of {table.nonmated:,}; "
                f"95 % {p.low:.2g} to {p.high:.2g})",
                f"{p.misses / table.mated:.2g} ({p.misses:,} of {table.mated:,})"
                if table.mated
                else "– no mated pairs",
            )
            for p in rows
        ),
    )


def calibration_report(found: GalleryCalibration, *, command: str) -> Report:
    """Operating points, log-likelihood ratios, searches, and names in doubt."""
    table = found.table
    rows = [(f"{p.threshold:.3f}", p.errors / table.nonmated, p.low, p.high) for p in table.points]
    figure = intervals(
        rows,
        log=True,
        title="False match rate at each threshold",
        note=f"{table.nonmated:,} non-mated comparisons of {table.subjects:,} people; 95 %, bootstrap over people",
        label="false match rate",
    )
    sections = [Section("Operating points", "", (points_table(table),), (figure,)), _ratios(found)]
    if found.fpir:
        sections.append(_searches(found))
    if found.doubtful:
        pairs = tuple((a, b, f"{score:.3f}") for a, b, score in found.doubtful)
        text = "These pairs of names have pictures so alike that they are one person, or one picture; left out."
        sections.append(Section("Names in doubt", text, (Table("Pairs", ("one", "other", "score"), pairs),)))
    return Report(
        title="Operating points from a gallery's own people",
        sections=tuple(sections),
        data=found.to_dict(),
        command=command,
    )


def _ratios(found: GalleryCalibration) -> Section:
    ratios = found.ratios
    heading = "Scores as log-likelihood ratios"
    if isinstance(ratios, str):
        return Section(heading, ratios)
    rows = (
        ("scores as they are", f"{ratios.before:.4f}"),
        (f"Platt: {ratios.slope:.2f} score {ratios.offset:+.2f}", f"{ratios.platt:.4f}"),
        ("isotonic", f"{ratios.isotonic:.4f}"),
        ("least possible", f"{ratios.least:.4f}"),
    )
    caption = f"Cllr in bits on {ratios.mated:,} mated and {ratios.nonmated:,} non-mated comparisons, cross-validated"
    return Section(heading, "0 is perfect, 1 knows nothing.", (Table(caption, ("map", "Cllr"), rows),))


def _searches(found: GalleryCalibration) -> Section:
    rows = tuple(
        (
            f"{check.fpir:g}",
            f"{check.threshold:.3f}" + (" (fitted tail)" if check.extrapolated else ""),
            f"{check.errors / check.trials:.2g} ({check.errors:,} of {check.trials:,})",
        )
        for check in found.fpir
    )
    size = found.fpir[0].references
    caption = f"Half of the people searched against the other half, ten times; at most {size:,} references"
    text = "The thresholds were measured on the same people, so agreement here is necessary and not sufficient."
    return Section("Searches", text, (Table(caption, ("FPIR asked for", "threshold", "FPIR measured"), rows),))
