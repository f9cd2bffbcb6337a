"""A recipe as TOML, and two of them compared."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from mien.train.recipe.sections import Options
from mien.train.recipe.whole import Recipe

BARE = re.compile(r"[A-Za-z0-9_-]+")
"""Keys that TOML takes without quotes."""


def write_recipe(recipe: Recipe, path: Path) -> None:
    """Every setting as TOML; `read_recipe` gives the same recipe again.

    Raises:
        OSError: it cannot be written.
    """
    lines = [f"name = {_toml(recipe.name)}"]
    for section in fields(recipe)[1:]:
        values = _flat(getattr(recipe, section.name))
        lines += ["", f"[{section.name}]", *(f"{key} = {_toml(value)}" for key, value in values.items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def differing(one: Recipe, other: Recipe) -> list[str]:
    """Places whose settings are not the same."""
    pairs = ((s.name, _flat(getattr(one, s.name)), _flat(getattr(other, s.name))) for s in fields(Recipe)[1:])
    return [f"{name}.{key}" for name, a, b in pairs for key in a | b if a.get(key) != b.get(key)]


def _flat(section: Any) -> Options:
    values = {f.name: getattr(section, f.name) for f in fields(section)}
    options = values.pop("options", {})
    return {key: value for key, value in (values | options).items() if value is not None}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        items = ((key if BARE.fullmatch(key) else json.dumps(key), _toml(item)) for key, item in value.items())
        return f"{{{', '.join(f'{key} = {item}' for key, item in items)}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(value)
