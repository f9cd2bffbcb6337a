"""Losses trained from the same start on half of LFW, measured on the people of the other half.

    mien prepare lfw:lfw/ faces
    python benchmarks/bench_losses.py --prepared faces --csv benchmarks/results/losses.csv
    python benchmarks/bench_losses.py --prepared faces --tuning --loss triplet --seed 99 --set loss.margin=0.3

A run that the CSV has is not done again, so an interrupted table goes on. Several may fill one CSV at a time.
"""

from __future__ import annotations

import argparse
import csv
import fcntl
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from lfw_half import finished, make_half, settings, untrained
from machine import machine
from mien.train.feed import read_faces
from mien.train.recipe import Recipe
from mien.train.state import read_position
from mien.train.validate import Validation

RECIPE = Path(__file__).resolve().parents[1] / "recipes" / "tiny-losses.toml"
LOSSES = {
    "arcface": ("loss.scale=24.0", "loss.margin_rad=0.2"),
    "cosface": ("loss.scale=24.0", "loss.margin=0.15"),
    "elasticface": ("loss.scale=24.0", "loss.margin_rad=0.2", "loss.std=0.02"),
    "triplet": ("loss.margin=0.2",),
    "multibatch": (),
    "sface": ("loss.scale=24.0",),
}
"""Options by loss, chosen on the tuning split."""
COLUMNS = (
    *("loss", "seed", "start_accuracy", "accuracy", "start_eer", "eer", "mated", "nonmated", "steps", "pictures"),
    *("people", "seconds", "options", "date", "commit", "cpu", "torch"),
)
SEEDS = (0, 1, 2)
STUDENT = 4.302652729911275
"""Quantile 0.975 of Student's t with 2 degrees of freedom."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, required=True, help="what `mien prepare lfw:…` wrote")
    parser.add_argument("--csv", type=Path, help="where figures go; those it has are not measured again")
    parser.add_argument("--work", type=Path, help="where runs are kept until they have ended; stopped ones go on")
    parser.add_argument("--loss", action="append", choices=LOSSES, help="only these")
    parser.add_argument("--seed", action="append", type=int, help="only these")
    parser.add_argument("--set", dest="changes", action="append", default=[], help="as `mien train --set`")
    parser.add_argument("--tuning", action="store_true", help="on a split of the learning half")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        work = (options.work or Path(scratch)).resolve()
        half = make_half(options.prepared.resolve(), work, tuning=options.tuning)
        for seed in options.seed or SEEDS:
            for loss in options.loss or LOSSES:
                if options.csv and (loss, str(seed)) in done(options.csv):
                    continue
                changes = (f"loss={loss}", *LOSSES[loss], *options.changes)
                own = (f"name={loss}-{seed}", *changes)
                recipe = settings(RECIPE, half, options.prepared.resolve(), work / "runs", seed, *own)
                row = figures(recipe, changes)
                print("  ".join(f"{key}={row[key]}" for key in COLUMNS[:12]), flush=True)
                if options.csv:
                    add(options.csv, row)
    if options.csv:
        print(table(options.csv))


def figures(recipe: Recipe, changes: tuple[str, ...]) -> dict[str, str]:
    """One run, from its start to its end."""
    before, facts = untrained(recipe), machine()
    outcome = finished(recipe, "bench_losses")
    after, position = outcome.validation, read_position(outcome.folder)
    assert after is not None
    read = read_faces(recipe.data)
    shutil.rmtree(outcome.folder)
    return {
        "loss": recipe.loss.name,
        "seed": str(recipe.run.seed),
        "start_accuracy": f"{before.accuracy.value:.4f}",
        "accuracy": f"{after.accuracy.value:.4f}",
        "start_eer": f"{before.measurement.eer.value:.4f}",
        "eer": f"{after.measurement.eer.value:.4f}",
        **counted(after),
        "steps": str(position.step),
        "pictures": str(len(read)),
        "people": str(len(read.people)),
        "seconds": f"{position.seconds:.0f}",
        "options": " ".join(changes[1:]),
        "date": facts["date"],
        "commit": facts["commit"],
        "cpu": facts["cpu"],
        "torch": torch.__version__,
    }


def counted(validation: Validation) -> dict[str, str]:
    mated = validation.measurement.scores.mated
    return {"mated": str(int(mated.sum())), "nonmated": str(int((~mated).sum()))}


def rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def done(path: Path) -> set[tuple[str, str]]:
    return {(row["loss"], row["seed"]) for row in rows(path)}


def add(path: Path, row: dict[str, str]) -> None:
    with path.open("a", newline="", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another process may fill the same table
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if file.tell() == 0:
            writer.writeheader()
        writer.writerow(row)


def table(path: Path) -> str:
    """Markdown: mean over seeds and 95 % interval of it by Student's t."""
    lines = [
        "| loss | accuracy | 95 % interval | least gain over its start | EER | seeds |",
        "|---|---|---|---|---|---|",
    ]
    found = rows(path)
    for loss in LOSSES:
        mine = [row for row in found if row["loss"] == loss]
        if not mine:
            continue
        values = np.array([float(row["accuracy"]) for row in mine])
        gain = min(float(row["accuracy"]) - float(row["start_accuracy"]) for row in mine)
        equal = np.mean([float(row["eer"]) for row in mine])
        spread = STUDENT * values.std(ddof=1) / np.sqrt(3) if len(mine) == 3 else np.nan
        low, high = values.mean() - spread, values.mean() + spread
        interval = f"{low:.1%} to {high:.1%}"
        lines.append(
            f"| {loss} | {values.mean():.1%} | {interval} | {100 * gain:.1f} points | {equal:.1%} | {len(mine)} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
