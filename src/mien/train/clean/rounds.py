"""Rounds of cleaning, each with a network that learnt from the labels of the one before.

OUT/labels.csv, labels.json     the labels of the last round; `open_data` takes the folder
OUT/dropped.csv                 row,name,person,reason of what has no label
OUT/changed.csv                 row,name,person,became of what has another
OUT/merged.csv                  person,into,cosine
OUT/cleaning.json               counts and levels by round, and what was typed
OUT/round-1/…                   the same of the rounds before
OUT/runs/…                      what was trained between
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from mien.errors import ConflictError, StoreError, UsageError
from mien.train import run
from mien.train.clean.result import Cleaned, Reason
from mien.train.clean.vectors import Embed, embedded, read_network
from mien.train.data import FaceData, data_digest
from mien.train.data.base import Rows
from mien.train.data.sources.relabelled import write_labels
from mien.train.logs import Progress, Say
from mien.train.recipe import Recipe
from mien.types.arrays import FloatArray

CLEANING = "cleaning.json"
Method: TypeAlias = Callable[[FloatArray, Rows], Cleaned]
"""Vectors (n, d) and labels (n,) to labels."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done.

    Args:
        source: what `open_data` takes for the faces.
        out: a folder that is not there yet, or empty.
        method: one round.
        rounds: how many; more than one needs a recipe.
        recipe: of the network that is trained between rounds; its data are this cleaning's.
        command: as typed, for the record.

    Raises:
        UsageError: several rounds and nothing to train, or none at all.
    """

    source: str
    out: Path
    method: Method
    rounds: int = 1
    recipe: Recipe | None = None
    command: str = ""

    def __post_init__(self) -> None:
        if self.rounds < 1:
            raise UsageError(f"cleaning takes one round or more, got {self.rounds}")
        if self.rounds > 1 and self.recipe is None:
            raise UsageError("a second round with the same network would change nothing: --retrain RECIPE trains one")


def clean(plan: Plan, data: FaceData, embed: Embed, *, progress: Progress, say: Say) -> list[Cleaned]:
    """Carry out a plan.

    Every round begins from the labels that were there at first: a better network may take back what a worse one
    dropped.

    Args:
        plan: what is to be done.
        data: the faces of its source.
        embed: the network of the first round.
        progress: called with (done, total) of each long step.
        say: called with a line before each.

    Returns:
        What each round made, the last one last.

    Raises:
        ConflictError: the folder holds something.
        StoreError: it cannot be written.
        UsageError: nothing to clean: nobody has two pictures, or there is one person.
    """
    _make(plan.out)
    done: list[Cleaned] = []
    for number in range(1, plan.rounds + 1):
        say(f"round {number} of {plan.rounds}: embedding {len(data):,} pictures")
        with embedded(data, embed, plan.out, progress) as vectors:
            done.append(plan.method(vectors, data.labels))
        last = number == plan.rounds
        folder = plan.out if last else plan.out / f"round-{number}"
        write(folder, plan, data, done)
        say(f"round {number} of {plan.rounds}: " + ", ".join(f"{n:,} {word}" for word, n in done[-1].counts().items()))
        if plan.recipe and not last:
            embed = _trained(plan, plan.recipe, folder, progress, say)
    return done


def _trained(plan: Plan, recipe: Recipe, labels: Path, progress: Progress, say: Say) -> Embed:
    """A network that learnt from the labels of a round."""
    settings = replace(recipe.data, root=f"relabelled:{labels.resolve()}")
    place = replace(recipe.run, folder=str(plan.out / "runs"))
    mine = replace(recipe, name=labels.name, data=settings, run=place)
    outcome = run.start(mine, command=plan.command, progress=progress, say=say)
    if outcome is None or outcome.ending == run.STOPPED:
        raise KeyboardInterrupt
    return read_network(str(outcome.folder))


def write(folder: Path, plan: Plan, data: FaceData, done: Sequence[Cleaned]) -> None:
    """Lists of the last of some rounds.

    Raises:
        StoreError: they cannot be written.
    """
    cleaned, people = done[-1], data.people
    write_labels(folder, plan.source, data, cleaned.rows, cleaned.labels[cleaned.rows], cleaned=str(len(done)))
    dropped = np.flatnonzero(cleaned.labels < 0)
    moved = np.flatnonzero(cleaned.reasons == Reason.MOVED)
    rows = (
        (row, data.names[row], _name(data, row), Reason(int(cleaned.reasons[row])).word) for row in dropped.tolist()
    )
    changed = ((row, data.names[row], _name(data, row), people[cleaned.labels[row]]) for row in moved.tolist())
    merged = ((people[m.person], people[m.into], f"{m.cosine:.4f}") for m in cleaned.merges)
    try:
        _list(folder / "dropped.csv", ("row", "name", "person", "reason"), rows)
        _list(folder / "changed.csv", ("row", "name", "person", "became"), changed)
        _list(folder / "merged.csv", ("person", "into", "cosine"), merged)
        facts = {"command": plan.command, "data": data_digest(data), "rounds": [summary(each) for each in done]}
        (folder / CLEANING).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}; free some space, or choose another place") from error


def summary(cleaned: Cleaned) -> dict[str, Any]:
    """Of a round, for JSON: pictures by what became of them, people, merges, levels."""
    people = np.unique(cleaned.labels[cleaned.rows])
    levels = {name: round(level, 4) for name, level in cleaned.levels.items()}
    return {"pictures": cleaned.counts(), "people": len(people), "merged": len(cleaned.merges), "levels": levels}


def _name(data: FaceData, row: int) -> str:
    label = int(data.labels[row])
    return data.people[label] if label >= 0 else ""


def _list(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    path.write_text(out.getvalue(), "utf-8", newline="")


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise ConflictError(f"{out} holds something already; name a folder that is not there", source=str(out))
    except OSError as error:
        raise StoreError(f"{out}: {error.strerror or error}; choose a place that can be written") from error
