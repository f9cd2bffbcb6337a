"""``mien export RUN --to NAME.onnx``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer

INT8 = "int8"


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run of `mien train`.")],
    to: Annotated[Path, typer.Option(metavar="NAME.onnx", help="Where to; NAME becomes the name of the model.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="data.licence, or what [export] of the recipe lacks."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Take the place of a model of that name.")] = False,
    int8: Annotated[bool, typer.Option("--int8", help="Also make an int8 network.", rich_help_panel=INT8)] = False,
    calibrate: Annotated[
        Path | None,
        typer.Option(help="With --int8: a folder of photographs to calibrate on.", rich_help_panel=INT8),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            help="With --int8: LFW's folder; view 1 decides whether the network is kept.", rich_help_panel=INT8
        ),
    ] = None,
    json: options.Json = False,
) -> int:
    """Make a model of a trained network: checked, measured, and known by its name at once.

    Exit code 7 when the int8 network was refused; the model itself is there.
    """
    from mien.backbones import require_extra
    from mien.errors import UsageError

    if int8 != (calibrate is not None) or int8 != (check is not None):
        raise UsageError("--int8, --calibrate FOLDER and --check LFW go together")
    require_extra()
    from mien.models import licence_needed
    from mien.train.export import export as exported

    note = output.note if not json else (lambda _: None)
    made = exported(run, to, changes or (), command=answer.command(), replace=replace, say=note)
    needed = licence_needed(made.card)
    quick = None
    if calibrate is not None and check is not None:
        from mien.models import LoadSettings
        from mien.service.int8 import make_int8

        with output.progress(f"checking int8 {made.card.name}") as progress:
            quick = make_int8(made.card.name, calibrate, check, LoadSettings(allow_licence=needed), progress=progress)
    kept = quick is None or quick.passed
    if json:
        output.document(made.to_dict() | {"int8": quick and {"kept": quick.passed, "accuracy": quick.accuracy}})
        return 0 if kept else 7
    output.say(f"{made.network}: agrees with PyTorch to cosine {made.cosine:.6f}; card {made.card.path}")
    output.say(f"grouping cut {made.rule.cut:.2f}, measured on {made.rule.data}")
    if quick is not None:
        verdict = "kept" if quick.passed else "refused, it loses more than 0.05 points"
        output.say(f"int8: {verdict}; {quick.check}: accuracy {quick.accuracy:.2%}, f32 {quick.reference:.2%}")
    allow = "" if needed == "permissive" else f" --allow-licence {needed}"
    output.say(f"use it: mien group FOLDER --embedder {made.card.name}{allow}")
    return 0 if kept else 7
