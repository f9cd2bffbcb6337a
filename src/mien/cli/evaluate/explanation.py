"""``mien evaluate explanation``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def explanation(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pictures, with all below it.")],
    head: Annotated[str, typer.Option(help="A head of classes.", rich_help_panel=options.MODELS)] = "expression",
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Which parts of the face, by action units, an expression head looks at: the change when each is hidden."""
    from mien.evaluate.heads_explain import explain_all, explained_report
    from mien.image import find_photos
    from mien.models import load_head

    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded, landmarks = load_head(head, models.settings), load_head("landmarks68", models.settings)
    paths = find_photos(root)[0][::every]
    with output.progress("explanation") as progress:
        result = explain_all(loaded, landmarks, models.load_detector(), paths, progress)
    answer.give(explained_report(result, root.name, answer.command()), report, json=json)
    output.failures(result.failures)
    return output.batch_code(len(result.found), result.failures)
