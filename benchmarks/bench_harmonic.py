"""Old templates against new ones: LFW view 1 accuracy of old-old, new-old and new-new.

    python benchmarks/bench_harmonic.py runs/2026-11-22-harmonic-tiny --faces faces/lfw --pairs lfw/pairsDevTest.txt

Old are the teacher's templates, as they are and over the run's principal axes; new are the network's. A comparison
new-old has the first picture of a pair by the new network and the second by the old one, as when a photograph of today
is looked up in a gallery of yesterday.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file

from machine import machine, machine_class
from mien.evaluate.metrics.accuracy import fold_accuracy
from mien.evaluate.rates import clopper_pearson
from mien.train.export import load_backbone
from mien.train.recipe import Validate, read_recipe
from mien.train.run import AXES, RECIPE
from mien.train.teacher import load_teacher
from mien.train.validate import FOLDS, Pairs, embed, read_validation
from mien.types.arrays import FloatArray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--faces", required=True, help="the prepared faces of the list")
    parser.add_argument("--pairs", required=True, help="an LFW list")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = read_validation(Validate(options.pairs, options.faces))
    assert pairs is not None
    recipe = read_recipe(options.run / RECIPE)
    old = load_teacher(recipe.teacher).embed(pairs.crops)
    axes = load_file(options.run / AXES)["axes"]
    new = embed(load_backbone(options.run, recipe), pairs.crops, torch.device("cpu"))
    down = unit(old @ axes)
    rows = [
        row(f"old-old, {old.shape[1]} numbers as stored", pairs, old, old),
        row(f"old-old, over the axes to {down.shape[1]}", pairs, down, down),
        row("new-old", pairs, new, down),
        row("new-new", pairs, new, new),
    ]
    facts = machine()
    path = options.out / f"harmonic-{facts['date']}-{machine_class(facts)}-{facts['commit']}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *facts])
        writer.writeheader()
        writer.writerows(each | facts for each in rows)
    for each in rows:
        print("  ".join(f"{key} {value}" for key, value in each.items()))


def row(name: str, pairs: Pairs, left: FloatArray, right: FloatArray) -> dict[str, str]:
    """Accuracy over folds with its interval, and what was counted."""
    task = pairs.task
    scores = np.einsum("ij,ij->i", left[task.a], right[task.b])
    lost = pairs.failed[task.a] | pairs.failed[task.b]
    folds = fold_accuracy(scores, task.mated, lost, np.arange(len(scores)) % FOLDS)
    low, high = clopper_pearson((1 - folds.mean) * len(scores), len(scores))
    return {
        "comparison": name,
        "accuracy": f"{folds.mean:.4f}",
        "low": f"{1 - high:.4f}",
        "high": f"{1 - low:.4f}",
        "mated": str(int(task.mated.sum())),
        "nonmated": str(int((~task.mated).sum())),
        "lost": str(int(lost.sum())),
    }


def unit(vectors: FloatArray) -> FloatArray:
    """Rows of length 1."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


if __name__ == "__main__":
    main()
