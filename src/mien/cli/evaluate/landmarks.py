"""``mien evaluate landmarks``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer, lists

LEAST = 16
"""Pixels of a reduced picture."""


def landmarks(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder with landmarks.csv and the pictures.")],
    detector: Annotated[
        str, typer.Option(help="Detectors, joined by commas.", rich_help_panel=options.MODELS)
    ] = "yunet",
    heads: Annotated[
        str,
        typer.Option(help="Landmark heads beside them, such as landmarks68.", rich_help_panel=options.MODELS),
    ] = "",
    sides: Annotated[
        str, typer.Option(help="Also with the pictures reduced to these long sides, pixels, such as 60,40,30.")
    ] = "",
    enlarge: Annotated[
        int, typer.Option(min=0, help="Smaller pictures are enlarged to this long side first; 0 leaves them.")
    ] = 320,
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How exactly the five points of a face are found: normalised error, failures, error curve; by yaw and by size."""
    from functools import partial

    from mien.evaluate.heads_landmarks import run_head_landmarks
    from mien.evaluate.landmarks import landmark_report, run_landmarks
    from mien.evaluate.protocols.mtfl import read_mtfl
    from mien.evaluate.resolution import seen
    from mien.models import load_head

    lesser = _sides(sides)
    data = read_mtfl(root)
    results = []
    for name in lists.names(detector, "--detector"):
        models = options.models(name, None, engine, precision, allow_licence, side)
        for less in (None, *lesser):
            see = partial(seen, reduce=less, enlarge=enlarge)
            with output.progress(name) as progress:
                found = models.load_detector()
                results.append(run_landmarks(found, data, see=see, side=less, progress=progress))
            for head in lists.names(heads, "--heads") if heads else ():
                with output.progress(head) as progress:
                    loaded = load_head(head, models.settings)
                    results.append(run_head_landmarks(loaded, found, data, see=see, side=less, progress=progress))
    answer.give(landmark_report(results, answer.command()), report, json=json)
    failed = [failure for result in results for failure in result.failures]
    output.failures(failed)
    return output.batch_code(len(results) * len(data.sources) - len(failed), failed)


def _sides(text: str) -> list[int]:
    found = lists.numbers(text, "--sides") if text else []
    if any(side < LEAST or side % 1 for side in found):
        lists.refuse("--sides", f"takes whole numbers of pixels from {LEAST} up, not '{text}'")
    return [int(side) for side in found]
