"""``mien evaluate eyes``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def eyes(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of people whose eyes are open.")],
    head: Annotated[str, typer.Option(help="The head.", rich_help_panel=options.MODELS)] = "eyes",
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How many open eyes are called closed, and how many of the same, made shut, are called open."""
    from mien.evaluate.heads import observe
    from mien.evaluate.heads_eyes import Closing, eyes_report, run_eyes
    from mien.image import find_photos
    from mien.models import load_head
    from mien.models.heads.eyes import LANDMARKS

    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded, found = load_head(head, models.settings), models.load_detector()
    first = [load_head(name, models.settings) for name in loaded.needs]
    paths, unread = find_photos(root)
    paths = paths[::every]
    with output.progress("eyes") as progress:
        result = run_eyes(
            loaded.card,
            lambda turned: observe([*first, loaded], found, paths, turned=turned, progress=progress),
            Closing(found, load_head(LANDMARKS, models.settings)),
        )
    answer.give(eyes_report(result, root.name, answer.command()), report, json=json)
    failed = [*unread, *result.opened.failures]
    output.failures(failed)
    return output.batch_code(len(paths) - len(result.opened.failures), failed)
