"""``mien evaluate age``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists


def age(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of UTKFace: pictures named age_gender_race_date.")],
    heads: Annotated[
        str, typer.Option(help="Age and sex heads, with commas.", rich_help_panel=options.MODELS)
    ] = "age,sex",
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How far age and sex are off, by group of the data set."""
    from mien.evaluate.heads import observe
    from mien.evaluate.heads_attributes import attribute_report, run_attributes
    from mien.evaluate.protocols.utkface import ages_of, read_utkface
    from mien.models import load_head

    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded = [load_head(name, models.settings) for name in lists.names(heads, "--heads")]
    data = read_utkface(root)
    with output.progress("age") as progress:
        result = run_attributes(
            data,
            ages_of(data),
            [head.card for head in loaded],
            lambda: observe(loaded, models.load_detector(), data.paths, progress=progress),
        )
    answer.give(attribute_report(result, answer.command()), report, json=json)
    failed = result.observed.failures
    output.failures(failed)
    return output.batch_code(len(data) - len(failed), failed)
