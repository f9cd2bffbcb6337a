"""``mien parse PICTURE… --out DIR``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output


def parse(
    images: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Pictures.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write NAME.png (class numbers) and NAME.parts.jpg here.")],
    head: Annotated[
        str,
        typer.Option(help="A parsing head; landmarks68 draws the parts from points.", rich_help_panel=options.MODELS),
    ] = "landmarks68",
    detector: options.Detector = "yunet",
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """Which part of which face every pixel shows: skin, brows, eyes, nose, lips, or what a trained head knows."""
    from mien.service.parsing import parse_pictures

    models = options.models(detector, None, engine, precision, allow_licence, side)
    options.fetch_heads([head], models)
    classes, done, failures = parse_pictures(images, out, head, models)
    if json:
        document = {"head": head, "classes": list(classes), "images": [p.to_dict() for p in done]}
        output.document(document | {"failures": [f.to_dict() for f in failures]})
    else:
        for picture in done:
            output.say(f"{picture.source}: {output.count(len(picture.faces), 'face')}, mask {picture.mask}")
            for shares in picture.faces:
                output.say("  " + ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items() if share))
        output.say("numbers in the masks: " + ", ".join(f"{i} {name}" for i, name in enumerate(classes)))
    output.failures(failures)
    return output.batch_code(len(done), failures)
