"""``mien evaluate liveness``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists


def liveness(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pictures of living people.")],
    head: Annotated[str, typer.Option(help="The head.", rich_help_panel=options.MODELS)] = "liveness",
    thresholds: Annotated[str, typer.Option(help="Of the probability of bona fide, with commas.")] = "0.1,0.5,0.9",
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How many living people are taken for an attack (BPCER). How many attacks are caught: `mien evaluate pad`."""
    from mien.evaluate.heads import observe
    from mien.evaluate.heads_live import Live, live_report
    from mien.image import find_photos
    from mien.models import load_head

    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded, found = load_head(head, models.settings), models.load_detector()
    paths, unread = find_photos(root)
    paths = paths[::every]
    with output.progress("liveness") as progress:
        result = Live(loaded.card, observe([loaded], found, paths, progress=progress))
    limits = lists.rates(thresholds, "--thresholds")
    answer.give(live_report(result, limits, root.name, answer.command()), report, json=json)
    failed = [*unread, *result.observed.failures]
    output.failures(failed)
    return output.batch_code(len(paths) - len(result.observed.failures), failed)
