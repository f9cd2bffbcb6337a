"""``mien evaluate pose``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def pose(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of people who look straight into the camera.")],
    head: Annotated[str, typer.Option(help="The head.", rich_help_panel=options.MODELS)] = "pose",
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How far yaw, pitch and roll are off: frontal faces as they are, mirrored, and turned by known angles."""
    from mien.evaluate.heads import observe
    from mien.evaluate.heads_pose import pose_report, run_pose
    from mien.image import find_photos
    from mien.models import load_head

    models = options.models(detector, None, engine, precision, allow_licence, side)
    loaded, found = load_head(head, models.settings), models.load_detector()
    paths, unread = find_photos(root)
    paths = paths[::every]
    with output.progress("pose") as progress:
        result = run_pose(loaded.card, lambda turned: observe([loaded], found, paths, turned=turned, progress=progress))
    answer.give(pose_report(result, root.name, answer.command()), report, json=json)
    failed = [*unread, *result.plain.failures]
    output.failures(failed)
    return output.batch_code(len(paths) - len(result.plain.failures), failed)
