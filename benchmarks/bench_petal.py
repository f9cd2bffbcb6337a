"""What a network gains on faces of few pixels and forgets of sharp ones: LoRA and PETALface beside all weights.

    python benchmarks/bench_petal.py shallow --lfw faces/lfw --more faces/utkface --pairs lfw/pairsDevTest.txt
    python benchmarks/bench_petal.py base …      (then full, lora, petal, petal-shared)
    python benchmarks/bench_petal.py table …

Each step is a run of `mien train` or `mien finetune` in --runs; it is left out when that run is there, and gone on with
when it was stopped.

shallow, base: a ViT-S learns from sface, without labels, on LFW without the people of the list, and --more. A quarter
of its blocks learns first; then each becomes four, whose branches count a quarter, and all learn on: the cheaper way to
a network of this depth. The others begin with it, on LFW's faces reduced to 14 to 24 pixels, all with as many steps.

With --base RUN they begin with a finished run of recipes/distil-tiny.toml instead: adapters stand beside convolutions,
which the paper has none of.

table: accuracy over ten folds on the list with sharp faces, with faces of --side pixels, and one of each in a pair;
the difference to the base with its interval, from resampled people.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch.nn.attention import SDPBackend, sdpa_kernel

from machine import machine, machine_class
from mien.backbones.base import Backbone
from mien.evaluate.comparison import compare_systems
from mien.evaluate.embed import Embedded
from mien.evaluate.metrics.accuracy import fold_accuracy
from mien.evaluate.protocols.pairs import compare
from mien.evaluate.rates import clopper_pearson
from mien.evaluate.scores import Scores
from mien.train import run
from mien.train.adapt import adapted, share
from mien.train.assembly import make_backbone
from mien.train.data.resolution import reduce_crops
from mien.train.export import load_backbone
from mien.train.logs import read_metrics
from mien.train.recipe import Validate, read_recipe
from mien.train.state import STATE
from mien.train.validate import FOLDS, Pairs, embed, read_validation

RECIPES = Path(__file__).parents[1] / "recipes"
PARTS = 4
"""Blocks that each block of the shallow network becomes."""
VARIANTS = {
    "full": ("lora-lowres", ("adapt=full", "optimizer.lr=2e-4")),
    "lora": ("lora-lowres", ()),
    "petal": ("petal-lowres", ()),
    "petal-shared": ("petal-lowres", ('adapt.shared=["feature.0", "feature.2"]',)),
}
"""By name, the recipe and what is changed in it; all weights at once learn at a tenth of the rate of adapters."""
SMALL = {
    "full": ("petal-tiny", ("adapt=full", "optimizer.lr=1e-3")),
    "lora": ("petal-tiny", ("adapt.kind=lora",)),
    "petal": ("petal-tiny", ()),
}
"""The same from a finished run of `tiny`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["shallow", "base", *VARIANTS, "table"])
    parser.add_argument("--lfw", required=True, help="its prepared faces")
    parser.add_argument("--more", required=True, help="other prepared faces, for the base")
    parser.add_argument("--pairs", required=True, help="an LFW list; its people are not learnt from")
    parser.add_argument("--runs", default="runs/petal")
    parser.add_argument("--base", type=Path, help="a finished run of `tiny` to begin with")
    parser.add_argument("--shallow-steps", type=int, default=3600)
    parser.add_argument("--base-steps", type=int, default=500)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=16)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    if options.step == "shallow":
        make_shallow(options)
    elif options.step == "base":
        make_base(options)
    elif options.step == "table":
        make_table(options)
    else:
        recipe, changes = (SMALL if options.base else VARIANTS)[options.step]
        base = finished(options, "base")
        carry_out(options, options.step, recipe, options.steps, (*changes, f"start.weights={base}"))


def finished(options: argparse.Namespace, name: str) -> Path:
    """The folder of a run that has ended."""
    if name == "base" and options.base:
        return Path(options.base)
    found = sorted(path.parent for path in Path(options.runs).glob(f"*-{name}/{run.WEIGHTS}"))
    if not found:
        raise SystemExit(f"no finished run '{name}' in {options.runs}; carry out that step first")
    return found[-1]


def carry_out(options: argparse.Namespace, name: str, recipe: str, steps: int, changes: Sequence[str]) -> Path:
    """The folder of a run, made now or before."""
    begun = list(Path(options.runs).glob(f"*-{name}/{STATE}"))
    if begun and not begun[0].with_name(run.WEIGHTS).exists():
        with quick_attention():
            run.resume(begun[0].parent, progress=ignore, say=print)
    elif not begun:
        places = (
            f"data.root={options.lfw}",
            f"data.batch={options.batch}",
            f'data.exclude=["{options.pairs}"]',
            f"run.folder={options.runs}",
        )
        length = (f"run.steps={steps}", f"run.threads={options.threads}", "run.log_steps=40")
        settings = (f"name={name}", *places, f"teacher.folder={options.runs}/teachers", *length, *changes)
        with quick_attention():
            run.start(RECIPES / f"{recipe}.toml", settings, command="bench_petal", progress=ignore, say=print)
    return finished(options, name)


def make_shallow(options: argparse.Namespace) -> None:
    """A quarter of the blocks."""
    few = (f'data.join=["{options.more}"]', f"model.depth={12 // PARTS}", "optimizer.lr=1e-3")
    carry_out(options, "shallow", "vit-small-distil", options.shallow_steps, few)


def make_base(options: argparse.Namespace) -> None:
    """All blocks, from that quarter."""
    grown = Path(options.runs) / "grown.safetensors"
    save_file(grow(load_file(finished(options, "shallow") / run.WEIGHTS)), grown)
    changes = (f'data.join=["{options.more}"]', f"start.weights={grown}", "optimizer.lr=5e-4")
    carry_out(options, "base", "vit-small-distil", options.base_steps, changes)


def grow(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Each block becomes `PARTS`, whose branches count a part: in sum nearly what it was."""
    out = {}
    for name, tensor in weights.items():
        if not name.startswith("blocks."):
            out[name] = tensor
            continue
        _, number, rest = name.split(".", 2)
        last = rest.startswith(("attn.proj.", "mlp.fc2."))
        for part in range(PARTS):
            out[f"blocks.{int(number) * PARTS + part}.{rest}"] = tensor / PARTS if last else tensor.clone()
    return out


def make_table(options: argparse.Namespace) -> None:
    """Measure all runs that are there; write and print."""
    pairs = read_validation(Validate(options.pairs, options.lfw))
    assert pairs is not None
    base: dict[str, Scores] = {}
    rows = []
    for name in ["base", *VARIANTS]:
        if name != "base" and not list(Path(options.runs).glob(f"*-{name}/{run.WEIGHTS}")):
            continue
        folder = finished(options, name)
        recipe = read_recipe(folder / run.RECIPE)
        scores = score(load_backbone(folder, recipe), pairs, options.side)
        base = base or scores
        moving = share(adapted(make_backbone(recipe), recipe.adapt))
        logged = [row for row in read_metrics(folder) if row["loss"]]
        row = {
            "variant": name,
            "trainable": moving.trainable,
            "all": moving.all,
            "share": f"{moving.trainable / moving.all:.4%}",
            "steps": logged[-1]["step"],
            "seconds": logged[-1]["seconds"],
        }
        for kind, found in scores.items():
            row |= figures(kind, found, base[kind] if name != "base" else None)
        rows.append(row)
        print(json.dumps(row))
    facts = machine() | {"side": str(options.side)}
    path = options.out / f"petal-{facts['date']}-{machine_class(facts)}-{facts['commit']}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], *facts])
        writer.writeheader()
        writer.writerows(row | facts for row in rows)
    print(path)


def score(network: Backbone, pairs: Pairs, side: int) -> dict[str, Scores]:
    """Scores of the list: both faces sharp, both poor, one of each."""
    cpu = torch.device("cpu")
    vectors = np.concatenate([embed(network, crops, cpu) for crops in (pairs.crops, reduce_crops(pairs.crops, side))])
    count = len(pairs.crops)
    lost = np.tile(pairs.failed, 2)
    embedded = Embedded(np.where(lost[:, None], 0, vectors), lost, ("",) * len(lost), np.ones(len(lost), np.float32))
    task = replace(
        pairs.task,
        samples=(*pairs.task.samples, *(f"{name}@{side}" for name in pairs.task.samples)),
        sources=[*pairs.task.sources, *pairs.task.sources],
        subjects=np.tile(pairs.task.subjects, 2),
    )
    tasks = {
        "sharp": task,
        "poor": replace(task, a=task.a + count, b=task.b + count),
        "mixed": replace(task, b=task.b + count),
    }
    fold = np.arange(len(task.a)) % FOLDS
    return {kind: replace(compare(each, embedded, name=kind), fold=fold) for kind, each in tasks.items()}


def figures(kind: str, scores: Scores, base: Scores | None) -> dict[str, str]:
    """Right answers, accuracy with its interval, and the difference to the base with its own."""
    assert scores.fold is not None
    folds = fold_accuracy(scores.score, scores.mated, scores.failed, scores.fold)
    total, right = len(scores.score), int(folds.right.sum())
    low, high = clopper_pearson(right, total)
    row = {"right": f"{right}/{total}", "accuracy": f"{right / total:.4f}", "low": f"{low:.4f}", "high": f"{high:.4f}"}
    if base is None:
        row |= dict.fromkeys(("change", "change_low", "change_high"), "")
    else:
        compared = compare_systems(replace(base, name="base"), replace(scores, name="now"), fmr=1e-1)
        change = next(d for d in compared.differences if d.figure == "accuracy")
        values = (change.second - change.first, change.low, change.high)
        row |= dict(zip(("change", "change_low", "change_high"), (f"{v:+.4f}" for v in values), strict=True))
    return {f"{kind}_{key}": value for key, value in row.items()}


def quick_attention() -> AbstractContextManager[None]:
    """Plain matrix products: PyTorch's fused attention goes back slowly on CPUs where tokens are few."""
    return sdpa_kernel(SDPBackend.MATH)


def ignore(_done: int, _total: int) -> None:
    """Progress is not shown."""


if __name__ == "__main__":
    main()
