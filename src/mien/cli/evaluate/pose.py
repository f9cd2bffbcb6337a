"""``mien evaluate pose``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists

if TYPE_CHECKING:
    from mien.evaluate.heads import Observed


def pose(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pictures of one face each.")],
    head: Annotated[
        str, typer.Option(help="Heads of pose, joined by commas; several are compared.", rich_help_panel=options.MODELS)
    ] = "pose",
    frontal: Annotated[
        bool, typer.Option("--frontal/--any-pose", help="Whether the people look straight into the camera.")
    ] = True,
    enlarge: Annotated[
        int, typer.Option(min=0, help="Smaller pictures are enlarged to this long side first; 0 leaves them.")
    ] = 320,
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How far yaw, pitch and roll are off: faces as they are, mirrored, and turned by known angles; heads compared."""
    from mien.evaluate.heads import observe
    from mien.evaluate.heads_pose import pose_report, run_pose
    from mien.evaluate.resolution import seen
    from mien.image import find_photos
    from mien.models import load_head
    from mien.service.analyze import in_order
    from mien.types.image import Image

    models = options.models(detector, None, engine, precision, allow_licence, side)
    asked = [load_head(name, models.settings) for name in lists.names(head, "--head")]
    heads, found = in_order(asked, models), models.load_detector()
    paths, unread = find_photos(root)
    paths = paths[::every]
    with output.progress("pose") as progress:

        def watch(turned: Callable[[Image], Image] | None) -> Observed:
            def view(image: Image) -> Image:
                return seen(turned(image) if turned else image, enlarge=enlarge)

            return observe(heads, found, paths, turned=view, progress=progress)

        results = run_pose(asked, watch, frontal=frontal)
    answer.give(pose_report(results, root.name, answer.command()), report, json=json)
    failed = [*unread, *results[0].plain.failures]
    output.failures(failed)
    return output.batch_code(len(paths) - len(results[0].plain.failures), failed)
