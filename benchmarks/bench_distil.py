"""What runs with a teacher reached: accuracy by step and by minute, images a second, and the teacher's own accuracy.

    python benchmarks/bench_distil.py runs/2026-11-22-distil-tiny runs/2026-11-22-distil-tiny-f32 \
        --faces faces/lfw --pairs lfw/pairsDevTest.txt --figure docs/training/distillation.svg

Runs are compared at the steps that all of them validated at.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
from pathlib import Path

import numpy as np
from matplotlib.ticker import PercentFormatter

from bench_harmonic import row as compared
from figures import on_its_own
from machine import machine, machine_class
from mien.evaluate.plots.canvas import canvas, line
from mien.train.logs import read_metrics
from mien.train.recipe import Recipe, Validate, read_recipe
from mien.train.run import RECIPE
from mien.train.teacher import load_teacher
from mien.train.validate import read_validation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--faces", required=True, help="the prepared faces of the list")
    parser.add_argument("--pairs", required=True, help="an LFW list")
    parser.add_argument("--figure", type=Path, help="where the curves are drawn")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    recipes = [read_recipe(run / RECIPE) for run in options.runs]
    teacher = of_teacher(recipes[0], Validate(options.pairs, options.faces))
    rows = [row for run, recipe in zip(options.runs, recipes, strict=True) for row in of_run(run, recipe)]
    facts = machine()
    path = options.out / f"distil-{facts['date']}-{machine_class(facts)}-{facts['commit']}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *facts])
        writer.writeheader()
        writer.writerows(row | facts for row in [teacher, *rows])
    if options.figure:
        options.figure.write_text(on_its_own(drawn(rows, teacher)), "utf-8")
    print(json.dumps(teacher))
    for row in rows:
        print(json.dumps(row))


def of_teacher(recipe: Recipe, settings: Validate) -> dict[str, str]:
    """The teacher on the same pairs, without mirror images."""
    pairs = read_validation(settings)
    assert pairs is not None
    vectors = load_teacher(recipe.teacher).embed(pairs.crops)
    figures = compared("", pairs, vectors, vectors)
    blank = dict.fromkeys(("step", "minutes", "images", "images_per_s", "loss"), "")
    return {
        "run": f"teacher {recipe.teacher.model}",
        "precision": recipe.teacher.precision,
        **blank,
        **{key: figures[key] for key in ("accuracy", "low", "high")},
    }


def of_run(run: Path, recipe: Recipe) -> list[dict[str, str]]:
    """One row a validation; loss and speed are of the rows of the log since the one before."""
    found, losses, speeds = [], [], []
    for row in read_metrics(run):
        if row["loss"]:
            losses.append(float(row["loss"]))
            speeds.append(float(row["images_per_s"]))
        if row["accuracy"]:
            found.append(
                {
                    "run": f"{recipe.name}, schedule of {recipe.run.steps:,} steps",
                    "precision": recipe.run.precision,
                    "step": row["step"],
                    "minutes": f"{float(row['seconds']) / 60:.2f}",
                    "images": str(int(row["step"]) * recipe.data.batch),
                    "images_per_s": f"{statistics.median(speeds):.0f}",
                    "loss": f"{np.mean(losses):.4f}",
                    **{key: f"{float(row[key]):.4f}" for key in ("accuracy", "low", "high")},
                }
            )
            losses, speeds = [], []
    return found


def drawn(rows: list[dict[str, str]], teacher: dict[str, str]) -> str:
    """Accuracy over pictures, a curve a run, the teacher as a line."""
    names = list(dict.fromkeys(_series(row) for row in rows))
    note = f"LFW deep-funneled, view 1. The line is the teacher, {float(teacher['accuracy']):.1%}."
    with canvas("A network of 0.23 million parameters beside its teacher", note, series=names, height=260) as paper:
        for number, name in enumerate(names):
            chosen = [row for row in rows if _series(row) == name]
            images = [int(row["images"]) / 1e6 for row in chosen]
            paper.axes.plot(images, [float(row["accuracy"]) for row in chosen], **line(number))
        paper.axes.axhline(float(teacher["accuracy"]), color="#777", linewidth=1)
        paper.axes.set(xlabel="Million pictures learnt from", ylabel="Accuracy")
        paper.axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    return paper.svg


def _series(row: dict[str, str]) -> str:
    return f"{row['precision']}, {row['run'].rpartition('schedule of ')[2]}"


if __name__ == "__main__":
    main()
