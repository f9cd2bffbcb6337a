"""``mien evaluate jitter``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer
from mien.errors import NotFoundError


def jitter(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of clips.")],
    most: Annotated[int, typer.Option(min=10, help="Look at no more frames of a clip than these.")] = 500,
    head: Annotated[str, typer.Option(help="The head.", rich_help_panel=options.MODELS)] = "landmarks68",
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = 640,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How much landmarks tremble from frame to frame, before and after smoothing, and how late smoothing makes them."""
    from statistics import median

    from mien.evaluate.jitter import Trembling, choose, drawn, jitter_report, trembling
    from mien.geometry.one_euro import OneEuro
    from mien.image.video import is_clip
    from mien.models import load_head
    from mien.types.outcome import Failure

    if not root.is_dir():
        raise NotFoundError(f"no such folder: {root}", source=str(root))
    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded, found = load_head(head, models.settings), models.load_detector()
    settings = OneEuro()
    paths = [path for path in sorted(root.iterdir()) if is_clip(path)]
    with output.progress("jitter", "clips") as progress:
        results: list[Trembling | Failure] = []
        for path in paths:
            results.append(trembling(path, found, loaded, settings, most=most))
            progress(len(results), len(paths))
    clips = [row for row in results if isinstance(row, Trembling)]
    failed = [row for row in results if isinstance(row, Failure)]
    if clips:
        level = median(row.typical_before for row in clips)
        used, best = drawn(settings, level), choose(level)
        answer.give(jitter_report(clips, failed, used, best, root.name, answer.command()), report, json=json)
    output.failures(failed)
    return output.batch_code(len(clips), failed)
