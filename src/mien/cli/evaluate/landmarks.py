"""``mien evaluate landmarks``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists


def landmarks(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder with landmarks.csv and the pictures.")],
    detector: Annotated[
        str, typer.Option(help="Detectors, joined by commas.", rich_help_panel=options.MODELS)
    ] = "yunet",
    heads: Annotated[
        str,
        typer.Option(help="Landmark heads beside them, such as landmarks68.", rich_help_panel=options.MODELS),
    ] = "",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How exactly the five points of a face are found: normalised error, failure rate, area under the error curve."""
    from mien.evaluate.heads_landmarks import run_head_landmarks
    from mien.evaluate.landmarks import landmark_report, run_landmarks
    from mien.evaluate.protocols.mtfl import read_mtfl
    from mien.models import load_head

    data = read_mtfl(root)
    results = []
    for name in lists.names(detector, "--detector"):
        models = options.models(name, None, engine, precision, allow_licence, side)
        with output.progress(name) as progress:
            results.append(run_landmarks(models.load_detector(), data, progress=progress))
        for head in lists.names(heads, "--heads") if heads else ():
            with output.progress(head) as progress:
                loaded = load_head(head, models.settings)
                results.append(run_head_landmarks(loaded, models.load_detector(), data, progress=progress))
    answer.give(landmark_report(results, answer.command()), report, json=json)
    failed = [failure for result in results for failure in result.failures]
    output.failures(failed)
    return output.batch_code(len(results) * len(data.sources) - len(failed), failed)
