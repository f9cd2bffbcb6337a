"""``mien evaluate parsing``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def parsing(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of pictures and masks, with classes.txt.")],
    head: Annotated[
        str, typer.Option(help="A parsing head, or landmarks68.", rich_help_panel=options.MODELS)
    ] = "landmarks68",
    images: Annotated[str, typer.Option(help="Folder of the pictures in it.")] = "images",
    masks: Annotated[str, typer.Option(help="Folder of the masks in it.")] = "masks",
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How well the parts of faces are told from one another: IoU and F1 of every class of a folder of masks."""
    from mien.evaluate.heads_parsing import measure_masks, parsing_report
    from mien.models import load_head
    from mien.parsing.mask_folder import read_mask_folder
    from mien.parsing.parse import parser_of

    models = options.models(detector, None, engine, precision, allow_licence, side)
    folder = read_mask_folder(root, images, masks)
    loaded = load_head(head, models.settings)
    classes, parser = parser_of(loaded)
    rows = range(0, len(folder), every)
    finds = models.load_detector() if folder.boxes is None else None
    with output.progress("parsing") as progress:
        result = measure_masks(loaded.card, classes, parser, folder, rows, finds, progress)
    answer.give(parsing_report(result, root.name, answer.command()), report, json=json)
    output.failures(result.failures)
    return output.batch_code(len(rows) - len(result.failures), result.failures)
