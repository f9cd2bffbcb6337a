"""``mien evaluate detection``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mien.evaluate.detection import Run
    from mien.evaluate.protocols.widerface import WiderFace


def detection(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the data set.")],
    dataset: Annotated[str, typer.Option(help="widerface: the layout with ground_truth.json, or the official one.")] = (
        "widerface"
    ),
    detector: Annotated[
        str | None,
        typer.Option(
            help="Detectors, joined by commas; yunet unless --boxes is given.", rich_help_panel=options.MODELS
        ),
    ] = None,
    boxes: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Boxes of another system: a CSV file,x0,y0,x1,y1,score, or a folder as the official tools read it.",
        ),
    ] = None,
    score: Annotated[float | None, typer.Option(help="Operating score of --boxes; detectors have their own.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How well faces are found: average precision, false positives, recall by size, milliseconds."""
    from mien.errors import UsageError
    from mien.evaluate.detection import measure, run_boxes
    from mien.evaluate.detection_report import detection_report
    from mien.evaluate.protocols.widerface import read_widerface

    if dataset != "widerface":
        raise UsageError(f"--dataset takes widerface, not '{dataset}'")
    names = [] if boxes and detector is None else lists.names("yunet" if detector is None else detector, "--detector")
    data = read_widerface(root)
    runs = [run_boxes(path, data, score) for path in boxes or []]
    runs += _runs(names, data, (engine, precision, allow_licence, side))
    results = [measure(run, data) for run in runs]

    answer.give(detection_report(results, data, answer.command()), report, json=json)
    failed = [failure for run in runs for failure in run.failures]
    output.failures(failed)
    return output.batch_code(sum(len(run.found) - len(run.failures) for run in runs), failed)


def _runs(names: list[str], data: WiderFace, how: tuple[str, str, str, int | None]) -> Iterator[Run]:
    """One run a detector."""
    from mien.evaluate.detection import run_detector

    engine, precision, allow_licence, side = how
    for name in names:
        models = options.models(name, None, engine, precision, allow_licence, side)
        with output.progress(name) as progress:
            yield run_detector(models.load_detector(), data, progress=progress)
