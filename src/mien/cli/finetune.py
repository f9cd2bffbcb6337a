"""``mien finetune RECIPE``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mien.cli import options
from mien.cli.train import train


def finetune(
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
    """Train a finished network further: all of it, its head, or small adapters beside it (LoRA, PETALface).

    The recipe says where to begin with `start.weights`, and what moves with `adapt`: full, head, lora or petal.
    """
    if recipe is not None and resume is None:
        from mien.backbones import require_extra

        require_extra()
        from mien.train.adapt import require_start
        from mien.train.recipe import read_recipe

        require_start(read_recipe(recipe, changes or ()))
    return train(recipe, changes, resume, json)
