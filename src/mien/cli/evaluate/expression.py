"""``mien evaluate expression``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def expression(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder with a folder of pictures for each expression.")],
    head: Annotated[str, typer.Option(help="The head.", rich_help_panel=options.MODELS)] = "expression",
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Fit a temperature on one half of the faces, measure it on the other.")
    ] = False,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How often an expression is named as the data set does: recall by class, confusion, calibration."""
    from mien.evaluate.heads import observe
    from mien.evaluate.heads_expression import Expressions, expression_report, read_expressions
    from mien.models import load_head
    from mien.service.analyze import facts_of

    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded = load_head(head, models.settings)
    paths, truth = read_expressions(root, facts_of(loaded.card).labels)
    paths, truth = paths[::every], truth[::every]
    with output.progress("expression") as progress:
        observed = observe([loaded], models.load_detector(), paths, progress=progress)
    result = Expressions(loaded.card, truth, observed, calibrate)
    answer.give(expression_report(result, root.name, answer.command()), report, json=json)
    output.failures(observed.failures)
    return output.batch_code(len(paths) - len(observed.failures), observed.failures)
