"""``mien evaluate scores FILE``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options
from mien.cli.evaluate import answer, score_out


def scores(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="Scores of any system, .csv or .parquet: score (higher = more alike), mated (1 or 0); optional "
            "failed, fold, a, b, subject_a, subject_b, name; any other column is a group.",
        ),
    ],
    report: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write report.html, report.json and scores.parquet here.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Every 1:1 figure of a score file; needs no picture and no model."""
    from mien.evaluate.scores import read_scores
    from mien.evaluate.verification import measure
    from mien.evaluate.verification_report import verification_report

    score_out.check(report, None)
    systems = read_scores(file)
    results = [measure(system) for system in systems]
    title = f"Verification from {file.name}"
    page = verification_report(results, title=title, command=answer.command(), figures=report is not None)
    score_out.keep(systems, report, None)
    answer.give(page, report, json=json)
    return 0
