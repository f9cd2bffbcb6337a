"""Half of LFW to learn from, the people of the other half to be told apart. Shared by the scripts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from mien.train import run
from mien.train.assembly import make_backbone
from mien.train.data import FaceData, View, open_data, pick
from mien.train.data.base import Rows
from mien.train.data.holdout import split_people
from mien.train.data.sources.relabelled import write_labels
from mien.train.recipe import Recipe, Validate, read_recipe
from mien.train.validate import Validation, read_validation

SPLIT = 0
"""Seed of the halves and of the pairs; that of a run decides its weights, order and augmentation."""
TUNING = 99
"""Seed of the split of the learning half on which settings were chosen."""
MOST = 10
"""Mated pairs of one person: the few with hundreds of pictures must not be the measure."""


@dataclass(frozen=True, slots=True)
class Half:
    """What a run learns from and is measured on.

    Args:
        faces: the whole prepared set.
        rows: (n,) int64 rows of `faces` that are learnt from: people with two pictures or more.
        root: the same as `data.root` of a recipe.
        pairs: comparisons of the other people, in LFW's format.
    """

    faces: FaceData
    rows: Rows
    root: Path
    pairs: Path


def make_half(prepared: Path, work: Path, *, tuning: bool = False, count: int = 3000) -> Half:
    """Split the people of a prepared LFW and write the lists.

    Args:
        prepared: what `mien prepare lfw:… FOLDER` wrote.
        work: folder for the lists.
        tuning: split the learning half once more instead, four to one, and leave the other half alone.
        count: pairs of each kind, at most.
    """
    faces = open_data(prepared)
    learnt, held = split_people(faces, seed=SPLIT)
    if tuning:
        inner, outer = split_people(learnt, share=0.8, seed=TUNING)
        learnt, held = pick(faces, learnt.rows[inner.rows]), pick(faces, learnt.rows[outer.rows])
    learnt = several(faces, learnt)
    folder = work / ("tuning" if tuning else "half")
    write_labels(folder, prepared, faces, learnt.rows, faces.labels[learnt.rows], split=f"half by seed {SPLIT}")
    pairs = folder / "pairs.txt"
    pairs.write_text("\n".join(drawn_pairs(held, count)) + "\n", "utf-8")
    return Half(faces, learnt.rows, folder, pairs)


def several(faces: FaceData, part: View) -> View:
    """The people of a part that have two pictures or more."""
    counts = np.bincount(part.labels, minlength=len(part.people))
    return pick(faces, part.rows[counts[part.labels] >= 2])


def drawn_pairs(data: FaceData, count: int) -> list[str]:
    """Lines of an LFW list: `count` pairs of one person, at most `MOST` of each, and as many of two people."""
    generator = np.random.default_rng(SPLIT)
    mated: list[tuple[int, int]] = []
    for person in range(len(data.people)):
        rows = np.flatnonzero(data.labels == person)
        a, b = np.triu_indices(len(rows), 1)
        chosen = generator.permutation(len(a))[:MOST]
        mated += zip(rows[a[chosen]].tolist(), rows[b[chosen]].tolist(), strict=True)
    mated = [mated[number] for number in generator.permutation(len(mated))[:count].tolist()]
    strangers: set[tuple[int, int]] = set()
    while len(strangers) < len(mated):
        one, other = sorted(generator.integers(0, len(data), 2).tolist())
        if data.labels[one] != data.labels[other]:
            strangers.add((one, other))
    lines = [str(len(mated))]
    for a, b in mated:
        lines.append(f"{_person(data, a)}\t{_number(data, a)}\t{_number(data, b)}")
    for a, b in sorted(strangers):
        lines.append(f"{_person(data, a)}\t{_number(data, a)}\t{_person(data, b)}\t{_number(data, b)}")
    return lines


def _person(data: FaceData, row: int) -> str:
    return data.names[row].split("/")[0]


def _number(data: FaceData, row: int) -> int:
    return int(data.names[row].rpartition(".")[0].rpartition("_")[2])


def settings(recipe: Path, half: Half, prepared: Path, runs: Path, seed: int, *more: str) -> Recipe:
    """The recipe for that half, one thread, validated at the end alone."""
    own = (f"data.root={half.root}", f"run.folder={runs}", f"run.seed={seed}", "run.threads=1", "data.workers=1")
    measured = (f"validate.pairs={half.pairs}", f"validate.root={prepared}", "validate.steps=1000000000")
    return read_recipe(recipe, (*own, *measured, *more))


def untrained(recipe: Recipe) -> Validation:
    """The figures of the weights that the run of a recipe starts from."""
    torch.manual_seed(recipe.run.seed)  # as a run does
    backbone = make_backbone(recipe)
    pairs = read_validation(Validate(recipe.validate.pairs, recipe.validate.root))
    assert pairs is not None
    return pairs(backbone, torch.device("cpu"), "untrained")


def finished(recipe: Recipe, command: str) -> run.Outcome:
    """The run of a recipe, begun or gone on with, to its end; a run that has ended is only measured again."""
    place, quiet = Path(recipe.run.folder), {"progress": lambda *_: None, "say": lambda _: None}
    before = list(place.glob(f"????-??-??-{recipe.name}"))
    outcome = run.resume(before[0], **quiet) if before else run.start(recipe, command=command, **quiet)
    assert outcome is not None
    if outcome.ending == run.STOPPED:
        raise SystemExit("stopped; the same command goes on from there")
    return outcome
