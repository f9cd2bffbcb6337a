"""The weights that a run begins with."""

from __future__ import annotations

import hashlib
from pathlib import Path

from torch import nn

from mien.backbones.weights import load_state
from mien.errors import NotFoundError, UsageError
from mien.train.manifest import RECIPE, WEIGHTS
from mien.train.recipe import Recipe, Start, differing, read_recipe

LOOSE = ("model.drop_path",)
"""Settings of a network that may differ: they say how it learns, not what it computes."""


def require_start(recipe: Recipe) -> None:
    """UsageError unless the recipe names weights to begin with."""
    if not recipe.start.weights:
        raise UsageError(
            "'start.weights' is missing: --set start.weights=RUN names the run, or the file of weights, to fine-tune",
            code="recipe",
        )


def load_start(backbone: nn.Module, recipe: Recipe) -> None:
    """Fill a network with the weights that its recipe begins with, if it names any.

    Raises:
        NotFoundError: they are not there.
        UsageError: they come from a run with another network.
        ModelInvalidError: they do not fit the network.
    """
    if not recipe.start.weights:
        return
    path = _file(recipe.start)
    described = path.with_name(RECIPE)
    if described.is_file():
        # tensors of the same shapes can stand for another network: the number of heads shows in none of them
        other = [place for place in differing(recipe, read_recipe(described)) if place.startswith("model.")]
        if other := [place for place in other if place not in LOOSE]:
            raise UsageError(
                f"{path.parent}: that run's network is another one: {', '.join(other)} of the two recipes differ",
                code="recipe",
                source=str(path.parent),
            )
    load_state(backbone, path)


def start_facts(settings: Start) -> dict[str, str] | None:
    """Where the weights came from, for the manifest; None where they were drawn."""
    if not settings.weights:
        return None
    path = _file(settings)
    with path.open("rb") as file:
        return {"weights": str(path), "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _file(settings: Start) -> Path:
    """The file of weights.

    Raises:
        NotFoundError: there is none.
    """
    path = Path(settings.weights)
    if path.is_dir():
        path /= WEIGHTS
        if not path.is_file():
            raise NotFoundError(
                f"{path.parent}: no network there (start.weights); the folder of a run that has ended holds {WEIGHTS}",
                source=str(path.parent),
            )
    if not path.is_file():
        raise NotFoundError(f"{path}: no such run or file of weights (start.weights)", source=str(path))
    return path
