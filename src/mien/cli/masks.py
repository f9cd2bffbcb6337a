"""``mien masks PHOTOS OUT``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output


def masks(
    photos: Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of photographs of one face each.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder for pictures, masks, classes.txt, faces.csv.")],
    truth: Annotated[
        str, typer.Option(help="parts: what is seen, and occluders. occlusion: every part, seen or covered.")
    ] = "parts",
    copies: Annotated[int, typer.Option(min=1, help="Of each photograph, each another.")] = 1,
    bare: Annotated[float, typer.Option(min=0, max=1, help="Share of copies with nothing over the face.")] = 0.25,
    moved: Annotated[float, typer.Option(min=0, help="Tilt and perspective: 1 is usual, 0 none.")] = 1.0,
    backdrops: Annotated[
        float, typer.Option(min=0, max=1, help="Share of plain backgrounds that are drawn over.")
    ] = 0.7,
    subject: Annotated[
        str, typer.Option(metavar="REGEX", help="What it matches at the start of a file's name is the person.")
    ] = "[^_.]+",
    seed: Annotated[int, typer.Option(help="Of all that is drawn.")] = 0,
    detector: options.Detector = "yunet",
    engine: options.Engine = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Pictures with masks to learn parsing from: the face by landmarks, what is drawn over it exactly."""
    from mien.parsing.material import Making
    from mien.service.parsing import make_masks

    models = options.models(detector, None, engine, "auto", allow_licence, None)
    options.fetch_heads(["landmarks68"], models)
    making = Making(truth, bare=bare, moved=moved, backdrops=backdrops)
    with output.progress("masks") as progress:
        written, failures = make_masks(
            photos, out, making, copies=copies, seed=seed, subject=subject, models=models, progress=progress
        )
    if json:
        output.document({"folder": str(out), "pictures": written, "failures": [f.to_dict() for f in failures]})
    else:
        output.say(f"{out}: {written:,} pictures with masks; `mien train-parsing` learns from them")
    output.failures(failures)
    return output.batch_code(written, failures)
