"""From TOML and ``--set`` to a recipe; what is wrong is named in one line, with the nearest right thing."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from mien.errors import NotFoundError, UsageError
from mien.train.recipe.sections import Augmentation, Loss, Model, Options, Pretrain, Teacher
from mien.train.recipe.whole import Recipe

T = TypeVar("T")
HEADS = {
    **{"model": "backbone", "teacher": "model", "start": "weights", "adapt": "kind", "pretrain": "method"},
    **dict.fromkeys(("loss", "augment", "optimizer", "schedule"), "name"),
}
"""Sections that ``--set loss=cosface`` may name by one word; their other settings then start anew."""
LATER = ("run.minutes", "run.log_steps", "run.save_steps", "run.save_minutes")
"""What a run that goes on may be told: none of them moves a weight."""


def read_recipe(path: Path, changes: Sequence[str] = (), *, only: Sequence[str] = ()) -> Recipe:
    """The recipe in a file; arguments and errors as those of `read_settings`."""
    return read_settings(Recipe, path, changes, only=only)


def read_settings(kind: type[T], path: Path, changes: Sequence[str] = (), *, only: Sequence[str] = ()) -> T:
    """Settings of a kind from a file.

    Args:
        kind: a dataclass of values and sections; its `name` is the file's where the file has none.
        path: a TOML file.
        changes: ``section.key=value``, in the order given; the value as TOML, or else a string.
        only: places that may be changed; empty = all.

    Raises:
        NotFoundError: no such file.
        UsageError: no TOML, or a setting that is missing, unknown, or of the wrong form.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not a TOML file: {error}", code="recipe", source=str(path)) from error
    except OSError as error:
        raise NotFoundError(f"{path}: {error.strerror}: no recipe could be read there", source=str(path)) from error
    values.setdefault("name", path.stem)
    try:
        for change in changes:
            _change(values, change, only)
        return _built(kind, values, "")
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", code="recipe", source=str(path)) from error


def require_options(
    settings: Model | Loss | Teacher | Pretrain | Augmentation, defaults: Mapping[str, Any], section: str
) -> None:
    """UsageError unless every option is known, and of the type of its default where that has one.

    Args:
        settings: a section with options.
        defaults: the options that there are.
        section: its name.
    """
    require_known(settings.options, defaults, section, [f.name for f in fields(settings) if f.name != "options"])


def require_known(options: Options, defaults: Mapping[str, Any], place: str, beside: Sequence[str] = ()) -> None:
    """As `require_options`, of options alone; `beside` are other settings in the same place."""
    for key, value in options.items():
        if key not in defaults:
            near = nearest(key, [*beside, *defaults])
            raise UsageError(f"'{place}.{key}' is no setting of a recipe{near}", code="recipe")
        kind = type(defaults[key])
        number = kind is float and type(value) is int
        if kind in (bool, int, float, str) and type(value) is not kind and not number:
            raise UsageError(f"'{place}.{key}' must be {kind.__name__}, got {value!r}", code="recipe")


def nearest(word: str, known: Sequence[str]) -> str:
    """``; did you mean 'x'?``, or the names that are known where none is near."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f" (known: {', '.join(known)})"


def _change(values: Options, change: str, only: Sequence[str]) -> None:
    """Apply one ``section.key=value``, or ``terms.name.key=value``."""
    place, equals, text = change.partition("=")
    place = place.strip()
    if not equals:
        raise UsageError(f"--set takes section.key=value, got '{change}'")
    if only and place not in only:
        raise UsageError(f"'{place}' cannot change while a run goes on (only {', '.join(only)}); start another")
    value = _parsed(text.strip())
    *above, key = place.split(".")
    table = values
    for depth, word in enumerate(above):
        table = table.setdefault(word, {})
        if not isinstance(table, dict):
            raise UsageError(f"'{'.'.join(above[: depth + 1])}' is no section, so it has no '{key}'")
    if not above and key in HEADS:
        value = {HEADS[key]: value}
    elif place == "terms" and isinstance(value, str):
        value = {value: {}}
    table[key] = value


def _parsed(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _built(kind: type[T], values: Mapping[str, Any], prefix: str) -> T:
    """A dataclass from a table; what is left over goes to its ``options``, if it has them."""
    hints, given = get_type_hints(kind), dict(values)
    known = [f.name for f in fields(kind) if f.name != "options"]  # type: ignore[arg-type]
    made = {key: _typed(hints[key], given.pop(key), f"{prefix}{key}") for key in known if key in given}
    if "options" in hints:
        made["options"] = given
    elif given:
        word = next(iter(given))
        what = "section" if not prefix and isinstance(given[word], dict) else "setting"
        raise UsageError(f"'{prefix}{word}' is no {what} of a recipe{nearest(word, known)}")
    for f in fields(kind):  # type: ignore[arg-type]
        if f.name not in made and f.default is MISSING and f.default_factory is MISSING:
            raise UsageError(f"'{prefix}{f.name}' is missing; write it, or --set {prefix}{f.name}=…")
    return kind(**made)


def _typed(hint: Any, value: Any, place: str) -> Any:
    """A value of the type that a field has; whole numbers pass for others, nothing else does."""
    kinds = [kind for kind in get_args(hint) or (hint,) if kind is not type(None)]
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise UsageError(f"'{place}' must be a list, got {value!r}")
        return tuple(_typed(kinds[0], item, place) for item in value)
    kind = kinds[0]
    if hasattr(kind, "__dataclass_fields__"):
        if not isinstance(value, dict):
            raise UsageError(f"'{place}' is a section; write [{place}] and its settings below")
        return _built(kind, value, f"{place}.")
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise UsageError(f"'{place}' must be {kind.__name__}, got {value!r}")
    return value
