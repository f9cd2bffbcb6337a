"""``mien train-parsing RECIPE --to NAME.onnx``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer


def train_parsing(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="A recipe: a TOML file.")],
    to: Annotated[Path, typer.Option(metavar="NAME.onnx", help="The network; NAME becomes the head's name.")],
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Another value than the recipe's; may be repeated."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="A head of that name gives way.")] = False,
    json: options.Json = False,
) -> int:
    """Learn a parsing head from a folder of pictures and masks, measure it on people kept back, and write its card."""
    from mien.backbones import require_extra

    require_extra()
    from mien.parsing.mask_folder import read_mask_folder
    from mien.train.parsing.export import check_target, export_parsing
    from mien.train.parsing.learn import learn
    from mien.train.parsing.recipe import ParsingRecipe
    from mien.train.recipe import read_settings

    settings = read_settings(ParsingRecipe, recipe, changes or ())
    data = settings.data
    check_target(to, settings, read_mask_folder(Path(data.root), data.images, data.masks).classes, over=replace)
    say = output.note if not json else (lambda _: None)
    with output.progress("training", "squares") as progress:
        learnt = learn(settings, progress=progress, say=say)
    made = export_parsing(learnt, settings, to, command=answer.command(), over=replace, say=say)
    of = made.measured.agreement
    if json:
        figures = {"steps": learnt.steps, "seconds": learnt.seconds, "stray": made.stray, "bytes": made.card.bytes}
        output.document({"name": made.card.name, "network": str(made.network), **figures, **made.measured.to_dict()})
        return 0
    output.say(f"{to}: {made.card.bytes / 1000:,.0f} kB, {learnt.steps:,} steps in {learnt.seconds / 60:.1f} minutes")
    kept = f"{made.measured.pictures:,} pictures of {len(of.counts):,} people kept back"
    output.say(f"on {kept}: mean IoU {of.mean_iou()}, mean F1 {of.mean_f1()}")
    for number, name in enumerate(made.measured.classes):
        output.say(f"  {name}: IoU {of.iou(number)}, F1 {of.f1(number)}")
    output.say(f"use it: mien parse PICTURE --out DIR --head {made.card.name}")
    return 0
