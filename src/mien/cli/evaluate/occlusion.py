"""``mien evaluate occlusion``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def occlusion(
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of UTKFace, or of the pictures of --list.")],
    list_: Annotated[
        Path | None,
        typer.Option("--list", metavar="CSV", help="Pictures and their groups: file,subject,GROUP…; without: UTKFace."),
    ] = None,
    head: Annotated[str, typer.Option(help="The head.", rich_help_panel=options.MODELS)] = "occlusion",
    kinds: Annotated[str, typer.Option(help="Occluders, with commas; all without.")] = "",
    seed: Annotated[int, typer.Option(help="Of what is drawn over the faces.")] = 7,
    every: Annotated[int, typer.Option(min=1, help="Take every n-th picture only.")] = 1,
    detector: options.Detector = "yunet",
    report: Annotated[Path | None, typer.Option(metavar="DIR", help="Write report.html and report.json here.")] = None,
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """How well what covers a face is told: things drawn over faces, by kind, and by the data set's own groups."""
    import numpy as np

    from mien.errors import UsageError
    from mien.evaluate.heads_occlusion import cover_all, occlusion_report
    from mien.evaluate.protocols.labelled import read_labelled
    from mien.evaluate.protocols.utkface import read_utkface
    from mien.models import load_head
    from mien.parsing.occluders import OCCLUDERS

    chosen = [name.strip() for name in kinds.split(",") if name.strip()] or list(OCCLUDERS)
    for name in chosen:
        if name not in OCCLUDERS:
            raise UsageError(f"no occluder '{name}'; there are {', '.join(OCCLUDERS)}")
    models = options.models(detector, None, engine, precision, allow_licence, side)
    data = read_labelled(list_, root) if list_ else read_utkface(root)
    data = data.keep(np.arange(len(data)) % every == 0)
    loaded, landmarks = load_head(head, models.settings), load_head("landmarks68", models.settings)
    with output.progress("occlusion", "faces") as progress:
        result = cover_all(loaded, landmarks, models.load_detector(), data, chosen, seed, progress)
    answer.give(occlusion_report(result, data.name, seed, answer.command()), report, json=json)
    output.failures(result.failures)
    return output.batch_code(len(result.seen), result.failures)
