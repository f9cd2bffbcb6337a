"""What a parsing head is learnt from, and how."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien.errors import UsageError
from mien.train.parsing.network import DEPTH
from mien.train.recipe import Optimizer, Schedule


@dataclass(frozen=True, slots=True)
class Masks:
    """The material.

    Args:
        root: a folder of pictures and masks.
        images, masks: folders in it.
        licence: terms of the pictures and masks; the card passes them on.
        weights: SPDX id of the weights' own licence; empty = `licence`.
        holdout: share of the people that are measured on and not learnt from.
        views: squares made of each picture, each with another shift, size and sharpness.
        mirror: mirrored squares too; false where classes tell left from right.
    """

    root: str
    licence: str
    weights: str = ""
    images: str = "images"
    masks: str = "masks"
    holdout: float = 0.2
    views: int = 2
    mirror: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """`ParsingNet`.

    Args:
        width: channels at half the resolution.
        side: of a square.
        places: the network knows which way is up.
        family: of the card: ``parsing`` gives the classes of the folder, ``occlusion`` what is covered.
    """

    width: int = 16
    side: int = 128
    places: bool = True
    family: str = "parsing"


@dataclass(frozen=True, slots=True)
class Steps:
    """How long.

    Args:
        steps: batches in all.
        batch: squares in one.
        minutes: stop after so many, the rate falling with the time; 0 = no limit.
        seed: of everything random.
        threads: of PyTorch; 0 = its own choice.
        log_steps: a line every so many.
    """

    steps: int = 2000
    batch: int = 16
    minutes: float = 0.0
    seed: int = 0
    threads: int = 0
    log_steps: int = 100


@dataclass(frozen=True, slots=True)
class ParsingRecipe:
    """A whole recipe; `name` is the file's unless it says otherwise."""

    name: str
    data: Masks
    model: Network = field(default_factory=Network)
    optimizer: Optimizer = field(default_factory=lambda: Optimizer("adamw", 3e-3, weight_decay=1e-3))
    schedule: Schedule = field(default_factory=Schedule)
    run: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        if self.model.side % 2**DEPTH or self.model.side <= 0:
            raise UsageError(f"'model.side' must be a multiple of {2**DEPTH}, got {self.model.side}")
        if self.model.family not in ("parsing", "occlusion"):
            raise UsageError(f"'model.family' must be parsing or occlusion, got '{self.model.family}'")
        if not 0 < self.data.holdout < 1:
            raise UsageError(f"'data.holdout' must lie between 0 and 1, got {self.data.holdout}")
        if not self.data.licence.strip():
            raise UsageError("'data.licence' is missing, and a card must say what may be done with the pictures")
        for place, value in (
            ("data.views", self.data.views),
            ("run.steps", self.run.steps),
            ("run.batch", self.run.batch),
        ):
            if value < 1:
                raise UsageError(f"'{place}' must be 1 or more, got {value}")
