"""A whole recipe, and what its settings must be."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from mien.errors import UsageError
from mien.train.recipe.sections import (
    Adapt,
    Augmentation,
    Data,
    Export,
    Loss,
    Model,
    Optimizer,
    Pretrain,
    Run,
    Schedule,
    Start,
    Teacher,
    Terms,
    Validate,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Of a run: its folder is called so."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All settings of a run."""

    name: str
    data: Data
    model: Model
    start: Start = field(default_factory=Start)
    adapt: Adapt = field(default_factory=Adapt)
    loss: Loss = field(default_factory=Loss)
    terms: Terms = field(default_factory=Terms)
    teacher: Teacher = field(default_factory=Teacher)
    pretrain: Pretrain = field(default_factory=Pretrain)
    augment: Augmentation = field(default_factory=Augmentation)
    optimizer: Optimizer = field(default_factory=Optimizer)
    schedule: Schedule = field(default_factory=Schedule)
    run: Run = field(default_factory=Run)
    validate: Validate = field(default_factory=Validate)
    export: Export = field(default_factory=Export)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise UsageError(f"'name' must be letters, digits, '.', '_' and '-', got {self.name!r}", code="recipe")
        if not self.loss.name and not self.teacher.model and not self.pretrain.method:
            raise UsageError(
                "'loss.name' is missing; write it, or --set loss.name=… (or teacher.model=…)", code="recipe"
            )
        for name, options in self.terms.options.items():
            if not isinstance(options, dict):
                raise UsageError(
                    f"'terms.{name}' is a section; write [terms.{name}] and its settings below", code="recipe"
                )
        for place, fits, wanted in _rules(self):
            if not fits:
                raise UsageError(f"'{place}' must be {wanted}, got {_at(self, place)!r}", code="recipe")


CHOICES = {
    "data.sampler": ("shuffled", "balanced"),
    "optimizer.name": ("sgd", "adamw"),
    "schedule.name": ("cosine", "step", "poly", "constant"),
    "run.device": ("auto", "cpu", "cuda"),
    "pretrain.method": ("", "fsfm"),
    "teacher.bridge": ("map", "axes"),
    "teacher.precision": ("auto", "f32", "bf16"),
    "teacher.allow_licence": ("permissive", "non-commercial", "any"),
    "run.precision": ("f32", "bf16"),
    "adapt.kind": ("full", "head", "lora", "petal"),
}
PAIRS = "a .bin file, or a list given together with validate.root"


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
        ("pretrain.method", _stands_alone(r), "left out beside a loss, terms, a teacher, validate.pairs or adapt"),
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


def _stands_alone(r: Recipe) -> bool:
    """Whether pre-training, if there is any, is all there is: no embedding comes of it that could be compared."""
    beside = r.loss.name or r.terms.options or r.teacher.model or r.validate.pairs or r.adapt.kind != "full"
    return not (r.pretrain.method and beside)


def _weights_fit(teacher: Teacher) -> bool:
    return len(teacher.weights) == len(teacher.losses) and all(0 < weight < math.inf for weight in teacher.weights)


def _divides(people: int, batch: int) -> bool:
    return 2 <= people <= batch // 2 and batch % people == 0


def _at(recipe: Recipe, place: str) -> Any:
    section, key = place.split(".")
    return getattr(getattr(recipe, section), key)
