"""A training run as one TOML file: every setting has a place, a type, and a default with its reason.

recipe = read_recipe(Path("recipes/mobileface-arcface.toml"), ("data.root=faces", "loss=cosface"))
"""

from __future__ import annotations

from mien.train.recipe.reading import LATER, nearest, read_recipe, read_settings, require_known, require_options
from mien.train.recipe.sections import (
    Adapt,
    Augmentation,
    Data,
    Export,
    Loss,
    Model,
    Optimizer,
    Options,
    Pretrain,
    Run,
    Schedule,
    Start,
    Teacher,
    Terms,
    Validate,
)
from mien.train.recipe.whole import Recipe
from mien.train.recipe.writing import differing, write_recipe

__all__ = [
    "LATER",
    "Adapt",
    "Augmentation",
    "Data",
    "Export",
    "Loss",
    "Model",
    "Optimizer",
    "Options",
    "Pretrain",
    "Recipe",
    "Run",
    "Schedule",
    "Start",
    "Teacher",
    "Terms",
    "Validate",
    "differing",
    "nearest",
    "read_recipe",
    "read_settings",
    "require_known",
    "require_options",
    "write_recipe",
]
