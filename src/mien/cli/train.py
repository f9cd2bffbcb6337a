"""``mien train RECIPE``."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mien.cli import options, output
from mien.cli.evaluate import answer

if TYPE_CHECKING:
    from mien.train.run import Outcome


def train(
    recipe: Annotated[Path | None, typer.Argument(metavar="[RECIPE]", help="A recipe: a TOML file.")] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Another value than the recipe's; may be repeated."),
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Go on with the run of this folder, exactly where it stopped.")
    ] = None,
    json: options.Json = False,
) -> int:
    """Train a network by a recipe. Ctrl-C ends the step that runs, keeps it, and stops with exit code 130."""
    from mien.errors import UsageError

    if (recipe is None) == (resume is None):
        raise UsageError("give a recipe to start with, or --resume RUN to go on")
    from mien.backbones import require_extra

    require_extra()
    from mien.train import run

    note = output.note if not json else (lambda _: None)
    first = os.environ.get("RANK", "0") == "0"  # of torchrun's processes
    with output.progress("training", "images") if first else nullcontext(lambda *_: None) as progress:
        if resume is not None:
            outcome = run.resume(resume, changes or (), progress=progress, say=note)
        elif recipe is not None:
            outcome = run.start(recipe, changes or (), command=answer.command(), progress=progress, say=note)
    if outcome is None:  # another process of this run speaks
        return 0
    if json:
        output.document(outcome.to_dict())
    else:
        _say(outcome)
    return 130 if outcome.ending == run.STOPPED else 0


def _say(outcome: Outcome) -> None:
    pace = f"{outcome.images / max(outcome.seconds, 1e-9):,.0f} images/s"
    output.say(
        f"{outcome.folder}: {outcome.ending} at step {outcome.step:,} of {outcome.steps:,}, "
        f"{outcome.seconds / 60:.1f} minutes, {pace}"
    )
    if outcome.validation:
        output.say(str(outcome.validation))
    if outcome.step < outcome.steps:
        more = "" if outcome.ending == "stopped" else " --set run.minutes=…"
        output.say(f"go on: mien train --resume {outcome.folder}{more}")
    if outcome.pretrained and outcome.ending != "stopped":
        output.say(f"begin with it: mien train RECIPE --set start.weights={outcome.folder}")
    elif outcome.ending != "stopped":
        output.say(f"use it: mien export {outcome.folder} --to NAME.onnx")
