"""``mien analyze PICTURE… --heads NAME,…``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli import options, output


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
    explain: Annotated[
        bool, typer.Option("--explain", help="Which parts of the face the expression rests on: each hidden in turn.")
    ] = False,
    detector: options.Detector = "yunet",
    side: options.Side = None,
    engine: options.Engine = "auto",
    precision: options.Precision = "auto",
    allow_licence: options.AllowLicence = "permissive",
    json: options.Json = False,
) -> int:
    """What heads say of the faces in pictures, each with how far it was found to err. No head is on by itself."""
    from mien.service.analyze import open_analyzer
    from mien.types.faces import Faces
    from mien.types.outcome import Failure

    models = options.models(detector, None, engine, precision, allow_licence, side)
    names = [name.strip() for name in heads.split(",") if name.strip()]
    options.fetch_heads(names, models)
    analyzer = open_analyzer(names, models)
    found: list[Faces] = []
    failed: list[Failure] = []
    for outcome in analyzer.look_all(images):
        if isinstance(outcome, Failure):
            failed.append(outcome)
        else:
            found.append(outcome)
    if draw is not None:
        from mien.service.draw import draw_copies

        for path in draw_copies(found, draw):
            output.note(f"wrote {path}")
    described, rows = analyzer.describe(), [analyzer.rows(faces) for faces in found]
    if explain:
        from mien.service.explain import with_explanations

        rows = with_explanations(analyzer, found, rows)
    if json:
        output.document({"heads": described, "images": rows, "failures": [f.to_dict() for f in failed]})
    else:
        _say(described, rows)
    output.failures(failed)
    return output.batch_code(len(found), failed)


def _say(described: list[dict[str, Any]], rows: list[dict[str, Any]]) -> None:
    units = {head["name"]: head["unit"] for head in described}
    for picture in rows:
        output.say(f"{picture['file']}: {output.count(len(picture['faces']), 'face')}")
        for face in picture["faces"]:
            left, top, right, bottom = (round(v) for v in face["box"])
            output.say(f"  {right - left}x{bottom - top} at {left},{top}")
            for name, row in face["heads"].items():
                output.say(f"    {name}: {_words(row['value'])} {units[name]}".rstrip())
                if "explanation" in row:
                    output.say(f"      {_parts(row['explanation'])}")
    for head in described:
        output.say(f"{head['name']} ({head['use']}): {head['gives']}")
        for error in head["errors"]:
            output.say(f"  {measured_error(error)}")
        if not head["errors"]:
            output.say("  its error is not measured")


def _words(value: Any) -> str:
    """An answer in one line."""
    if isinstance(value, list):
        return f"{len(value)} points"
    if isinstance(value, dict) and "unified" in value:
        return "; ".join([f"{value['unified']:g}" if value["unified"] is not None else "–", *value["advice"]])
    if isinstance(value, dict) and "label" in value:
        return f"{value['label']} {value['probabilities'][value['label']]:.2f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {'–' if number is None else f'{number:g}'}" for name, number in value.items())
    return f"{value:g}"


def _parts(explanation: dict[str, Any]) -> str:
    """What an expression rests on, in one line: the parts with most of the change."""
    parts = [f"{name} {region['share']:.0%}" for name, region in explanation["regions"].items()]
    return f"change when hidden: {', '.join(parts[:4])}"


def measured_error(error: dict[str, Any]) -> str:
    """A measured error in one line, with the best and the worst group of the data set."""
    interval = f"{error['low']:g} to {error['high']:g}"
    line = f"{error['measure']}: {error['value']:g} ({error['faces']:,} faces; 95 % {interval}) on {error['data']}"
    groups = ", ".join(f"{g['group']} {g['value']:g} ({g['faces']:,})" for g in error["groups"])
    return f"{line}; by group: {groups}" if groups else line
