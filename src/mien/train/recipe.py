"""A training run as one TOML file: every setting has a place, a type, and a default with its reason.

recipe = read_recipe(Path("recipes/mobileface-arcface.toml"), ("data.root=faces", "loss=cosface"))
"""

from __future__ import annotations

import difflib
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from mien.errors import NotFoundError, UsageError

T = TypeVar("T")
Options = dict[str, Any]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of a run: its folder is called so."""


@dataclass(frozen=True, slots=True)
class Data:
    """``[data]``: what is learnt from.

    Args:
        root: prepared faces, or a folder, list or archive that `mien.train.data.open_data` knows.
        join: further ones, which are learnt from together with it; a name that two of them use stays two people.
        licence: terms of the pictures, in words or as an SPDX id; nothing is exported without.
        batch: pictures of one step, over all processes and accumulated parts.
        sampler: ``shuffled``, or ``balanced`` for people x pictures, which pair losses need.
        people: of a balanced batch; each then has batch / people pictures.
        exclude: lists of LFW pairs whose people are left out.
        classes: so many people with the most pictures; 0 = all.
        mixtures: faces mixed of two, so many beside each face, for a teacher to say what they are; 0 = none.
        workers: threads that read ahead.
    """

    root: str
    join: tuple[str, ...] = ()
    licence: str = ""
    batch: int = 128
    sampler: str = "shuffled"
    people: int = 0
    exclude: tuple[str, ...] = ()
    classes: int = 0
    mixtures: int = 0
    workers: int = 2


@dataclass(frozen=True, slots=True)
class Augmentation:
    """``[augment]``: how faces are changed; further keys are fields of `mien.train.data.augment.Augment`.

    Args:
        name: ``none``, ``flip``, ``adaface``, ``degraded`` or ``masked``: what the further keys depart from.
        options: probabilities and amounts.
    """

    name: str = "flip"
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Model:
    """``[model]``: the backbone; further keys are its own options.

    Args:
        backbone: a name of `mien backbones`.
        dimension: length of the embedding; None = the family's own.
        options: of the backbone.
    """

    backbone: str
    dimension: int | None = None
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Loss:
    """``[loss]``: what is optimised; further keys are its own options.

    Args:
        name: a name of `mien losses`; empty = what `[teacher]` says alone.
        sample: share of the class centres that one step looks at (Partial FC); 1 = all.
        sharded: each process holds a part of the class centres: for so many people that one cannot hold all.
        options: of the loss.
    """

    name: str = ""
    sample: float = 1.0
    sharded: bool = False
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Teacher:
    """``[teacher]``: a finished embedder that is learnt from, beside `[loss]` or alone.

    Further keys are options of its losses.

    Args:
        model: an embedder's card by its name or path, fused ones too; empty = none.
        losses: names of `mien losses` of the kinds taught, taught-class and compatible.
        weights: of each, beside 1 for `[loss]`.
        mirrored: a target is the unit mean of the face's and its mirror image's embedding.
        bridge: where the two dimensions differ: ``map`` (learnt, of the network's embeddings) or ``axes`` (principal
            axes, of the teacher's: what it made earlier stays in use).
        precision: arithmetic of the teacher: ``auto``, ``f32`` or ``bf16``.
        allow_licence: ``permissive``, ``non-commercial`` or ``any``.
        folder: where its embeddings are kept, templates of everyone in the data.
        options: of the losses.
    """

    model: str = ""
    losses: tuple[str, ...] = ("distil-embedding",)
    weights: tuple[float, ...] = (1.0,)
    mirrored: bool = True
    bridge: str = "map"
    precision: str = "f32"
    allow_licence: str = "permissive"
    folder: str = "teachers"
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """``[optimizer]``.

    Args:
        name: ``sgd`` or ``adamw``.
        lr: learning rate at the top of the schedule.
        momentum: of SGD.
        weight_decay: of matrices and kernels; biases, gains and slopes are left alone.
        clip: longest gradient, over all parameters; 0 = as it comes.
    """

    name: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip: float = 5.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """``[schedule]``: how the learning rate moves; places are shares of the whole run.

    Args:
        name: ``cosine``, ``step``, ``poly`` or ``constant``.
        warmup: share in which the rate rises from zero.
        milestones: of ``step``: where the rate falls.
        gamma: of ``step``: to so much of itself.
        power: of ``poly``; 2 as in InsightFace's recipes.
    """

    name: str = "cosine"
    warmup: float = 0.05
    milestones: tuple[float, ...] = (0.5, 0.75, 0.9)
    gamma: float = 0.1
    power: float = 2.0


@dataclass(frozen=True, slots=True)
class Run:
    """``[run]``: how it is carried out.

    Args:
        folder: where run folders are made.
        epochs: times through the data.
        steps: this many steps instead; 0 = by epochs.
        minutes: of training, all sessions together, after which the run ends in order; 0 = no limit.
        seed: of initial weights, order and augmentation.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: ``f32`` or ``bf16`` (autocast of the backbone; loss and weights stay in f32).
        channels_last: memory order of pictures; faster for convolutions on CPU and tensor cores.
        accumulate: parts that a step's batch is worked through in, where memory is short.
        recompute: keep only the activations between blocks and make the rest again (gradient checkpointing).
        threads: of PyTorch; 0 = its own choice.
        deterministic: only algorithms that give the same bits again; slower on GPUs.
        log_steps: steps between two rows of the log.
        save_steps, save_minutes: how often a checkpoint is written; 0 = not by this measure.
    """

    folder: str = "runs"
    epochs: int = 20
    steps: int = 0
    minutes: float = 0.0
    seed: int = 0
    device: str = "auto"
    precision: str = "f32"
    channels_last: bool = True
    accumulate: int = 1
    recompute: bool = False
    threads: int = 0
    deterministic: bool = False
    log_steps: int = 50
    save_steps: int = 0
    save_minutes: float = 10.0


@dataclass(frozen=True, slots=True)
class Validate:
    """``[validate]``: pairs that are compared while the network learns.

    Args:
        pairs: LFW's list (``pairsDevTest.txt``), or a ``.bin`` file of InsightFace; empty = no validation.
        root: the list's faces, as `data.root`.
        steps: steps between two validations; 0 = once an epoch.
    """

    pairs: str = ""
    root: str = ""
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Export:
    """``[export]``: what the card of the network rests on.

    Args:
        licence: SPDX id of the weights; left out it is `data.licence`.
        development: faces of labelled people who are not learnt from, as `data.root`: error rates and the grouping
            cut are measured on them.
        people: a list of LFW pairs: of the development set only the people in it; empty = all of them.
        about: what the development set is, in words.
    """

    licence: str = ""
    development: str = ""
    people: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Start:
    """``[start]``: what the network begins with.

    Args:
        weights: folder of a run that has ended, or a ``.safetensors`` file, of the same ``[model]``; empty = drawn.
    """

    weights: str = ""


@dataclass(frozen=True, slots=True)
class Adapt:
    """``[adapt]``: which weights move; `mien.train.adapt` says how.

    Args:
        kind: ``full`` = all of them, ``head`` = the last part's, ``lora`` = adapters beside frozen layers, ``petal`` =
            two sets of adapters, mixed by the quality of each picture.
        targets: layers that get adapters, by the ends of their names, or parts that ``head`` means; empty = every
            linear layer, or the last part.
        shared: of ``petal``: the targets that have one adapter for all pictures.
        rank: of an adapter.
        scale: of what adapters add.
        dropout: share of an adapter's input that is left out while it learns.
    """

    kind: str = "full"
    targets: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    rank: int = 4
    scale: float = 1.0
    dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of a run."""

    name: str
    data: Data
    model: Model
    start: Start = field(default_factory=Start)
    adapt: Adapt = field(default_factory=Adapt)
    loss: Loss = field(default_factory=Loss)
    teacher: Teacher = field(default_factory=Teacher)
    augment: Augmentation = field(default_factory=Augmentation)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    run: Run = field(default_factory=Run)
    validate: Validate = field(default_factory=Validate)
    export: Export = field(default_factory=Export)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise UsageError(f"'name' must be letters, digits, '.', '_' and '-', got {self.name!r}", code="recipe")
        if not self.loss.name and not self.teacher.model:
            raise UsageError(
                "'loss.name' is missing; write it, or --set loss.name=… (or teacher.model=…)", code="recipe"
            )
        for place, fits, wanted in _rules(self):
            if not fits:
                raise UsageError(f"'{place}' must be {wanted}, got {_at(self, place)!r}", code="recipe")


CHOICES = {
    "data.sampler": ("shuffled", "balanced"),
    "optimizer.name": ("sgd", "adamw"),
    "schedule.name": ("cosine", "step", "poly", "constant"),
    "run.device": ("auto", "cpu", "cuda"),
    "teacher.bridge": ("map", "axes"),
    "teacher.precision": ("auto", "f32", "bf16"),
    "teacher.allow_licence": ("permissive", "non-commercial", "any"),
    "run.precision": ("f32", "bf16"),
    "adapt.kind": ("full", "head", "lora", "petal"),
}
HEADS = {"model": "backbone", "teacher": "model", "start": "weights", "adapt": "kind"} | dict.fromkeys(
    ("loss", "augment", "optimizer", "schedule"), "name"
)
"""Sections that ``--set loss=cosface`` may name by one word; their other settings then start anew."""
PAIRS = "a .bin file, or a list given together with validate.root"
LATER = ("run.minutes", "run.log_steps", "run.save_steps", "run.save_minutes")
"""What a run that goes on may be told: none of them moves a weight."""


def read_recipe(path: Path, changes: Sequence[str] = (), *, only: Sequence[str] = ()) -> Recipe:
    """The recipe in a file.

    Args:
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
        return _built(Recipe, values, "")
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", code="recipe", source=str(path)) from error


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


def require_options(settings: Model | Loss | Teacher | Augmentation, defaults: Mapping[str, Any], section: str) -> None:
    """UsageError unless every option is known, and of the type of its default where that has one.

    Args:
        settings: a section with options.
        defaults: the options that there are.
        section: its name.
    """
    own = [f.name for f in fields(settings) if f.name != "options"]
    for key, value in settings.options.items():
        if key not in defaults:
            near = nearest(key, [*own, *defaults])
            raise UsageError(f"'{section}.{key}' is no setting of a recipe{near}", code="recipe")
        kind = type(defaults[key])
        number = kind is float and type(value) is int
        if kind in (bool, int, float, str) and type(value) is not kind and not number:
            raise UsageError(f"'{section}.{key}' must be {kind.__name__}, got {value!r}", code="recipe")


def nearest(word: str, known: Sequence[str]) -> str:
    """``; did you mean 'x'?``, or the names that are known where none is near."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f" (known: {', '.join(known)})"


def _flat(section: Any) -> Options:
    values = {f.name: getattr(section, f.name) for f in fields(section)}
    options = values.pop("options", {})
    return {key: value for key, value in (values | options).items() if value is not None}


def _toml(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool)) else repr(value)


def _change(values: Options, change: str, only: Sequence[str]) -> None:
    """Apply one ``section.key=value``."""
    place, equals, text = change.partition("=")
    section, dot, key = place.strip().partition(".")
    if not equals:
        raise UsageError(f"--set takes section.key=value, got '{change}'")
    if only and place.strip() not in only:
        raise UsageError(f"'{place.strip()}' cannot change while a run goes on (only {', '.join(only)}); start another")
    value = _parsed(text.strip())
    if dot:
        table = values.setdefault(section, {})
        if not isinstance(table, dict):
            raise UsageError(f"'{section}' is no section, so it has no '{key}'")
        table[key] = value
    else:
        values[section] = {HEADS[section]: value} if section in HEADS else value


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


def _rules(r: Recipe) -> list[tuple[str, bool, str]]:
    """(place, whether it holds, what it must be)."""
    chosen = [(place, _at(r, place) in words, f"one of {', '.join(words)}") for place, words in CHOICES.items()]
    positive = (
        *("data.batch", "data.workers", "optimizer.lr", "run.accumulate", "run.log_steps", "schedule.power"),
        *("adapt.rank", "adapt.scale"),
    )
    least = (
        *(
            "data.people",
            "data.classes",
            "data.mixtures",
            "optimizer.momentum",
            "optimizer.weight_decay",
            "optimizer.clip",
        ),
        *("run.epochs", "run.steps", "run.minutes", "run.seed", "run.threads", "run.save_steps", "run.save_minutes"),
        *("validate.steps", "schedule.gamma"),
    )
    numbers = [(place, 0 < _at(r, place) < math.inf, "above zero") for place in positive]
    numbers += [(place, 0 <= _at(r, place) < math.inf, "zero or more") for place in least]
    balanced = r.data.sampler == "balanced"
    return [
        *chosen,
        *numbers,
        ("run.epochs", r.run.epochs > 0 or r.run.steps > 0, "above zero, unless run.steps is"),
        ("run.seed", r.run.seed < 1 << 31, "below 2147483648"),
        ("data.mixtures", r.data.mixtures == 0 or bool(r.teacher.model), "0 without a teacher: no label fits them"),
        ("teacher.losses", 0 < len(set(r.teacher.losses)) == len(r.teacher.losses), "different names, one or more"),
        ("teacher.weights", _weights_fit(r.teacher), "as many numbers above zero as there are teacher.losses"),
        ("loss.sample", 0 < r.loss.sample <= 1, "a share in (0, 1]"),
        ("start.weights", r.adapt.kind == "full" or bool(r.start.weights), "a run or weights, for adapt to begin with"),
        ("adapt.shared", r.adapt.kind == "petal" or not r.adapt.shared, "left out but for 'petal'"),
        ("adapt.dropout", 0 <= r.adapt.dropout < 1, "a share in [0, 1)"),
        ("schedule.warmup", 0 <= r.schedule.warmup < 1, "a share in [0, 1)"),
        ("schedule.milestones", list(r.schedule.milestones) == sorted(r.schedule.milestones), "ascending"),
        ("data.batch", r.data.batch % r.run.accumulate == 0, "a multiple of run.accumulate"),
        ("data.people", not balanced or _divides(r.data.people, r.data.batch), "a divisor of data.batch, 2 or more"),
        ("validate.pairs", r.validate.pairs.endswith(".bin") or bool(r.validate.pairs) == bool(r.validate.root), PAIRS),
    ]


def _weights_fit(teacher: Teacher) -> bool:
    return len(teacher.weights) == len(teacher.losses) and all(0 < weight < math.inf for weight in teacher.weights)


def _divides(people: int, batch: int) -> bool:
    return 2 <= people <= batch // 2 and batch % people == 0


def _at(recipe: Recipe, place: str) -> Any:
    section, key = place.split(".")
    return getattr(getattr(recipe, section), key)
