"""Two processes take the step that one takes: the same loss and the same gradient, whatever the loss looks at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from safetensors.torch import load_file  # noqa: E402

from mien.train import run  # noqa: E402
from mien.train.logs import read_metrics  # noqa: E402
from mien.train.recipe import read_recipe, write_recipe  # noqa: E402
from training_networks import __file__ as script  # noqa: E402
from training_networks import carry_out  # noqa: E402
from training_toys import write_toy_recipe  # noqa: E402

# Without momentum, decay and clipping one step of rate 1 moves every weight by its gradient.
BARE = (
    *("model=plain", "schedule=constant", "schedule.warmup=0", "validate.pairs=", "validate.root=", "optimizer.lr=1"),
    *("optimizer.momentum=0", "optimizer.weight_decay=0", "optimizer.clip=0"),
)
LOSSES = {
    "drawn": ["loss=elasticface"],
    "sharded": ["loss=cosface", "loss.sharded=true"],
    "mined": ["loss=triplet", "data.sampler=balanced", "data.people=4"],
    "terms": ["loss=cosface", "terms.symface={}", "terms.ptsa={}", "terms.cr-fiqa={}", "terms.recognisability={}"],
    "statistics": ["loss=adaface", "run.accumulate=2"],
}
"""By what could differ from process to process."""


def recipes(folder: Path) -> dict[str, Path]:
    """A recipe a loss."""
    source, made = write_toy_recipe(folder, steps=1), {}
    for name, changes in LOSSES.items():
        made[name] = folder / f"{name}.toml"
        write_recipe(read_recipe(source, [f"name={name}", *BARE, *changes]), made[name])
    return made


def test_two_processes_give_the_loss_and_gradient_of_one(tmp_path: Path) -> None:
    made = recipes(tmp_path)
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0", "--standalone"]
    done = subprocess.run(
        [sys.executable, *launcher, script, *map(str, made.values())], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    _require_halves(next((tmp_path / "runs").glob("*-sharded")))
    for name in set(made) - {"sharded"}:  # whose centres start otherwise, so that no two processes' are alike
        (double,) = (tmp_path / "runs").glob(f"*-{name}")
        single = carry_out(made[name])
        assert single is not None
        for one, two in zip(*(read_metrics(folder) for folder in (single.folder, double)), strict=True):
            assert float(one["loss"]) == pytest.approx(float(two["loss"]), rel=1e-5), name
            assert float(one["gradient"]) == pytest.approx(float(two["gradient"]), rel=1e-4), name
        a, b = (load_file(folder / run.WEIGHTS) for folder in (single.folder, double))
        for key in a:
            scale = max(1.0, float(a[key].abs().max()))
            assert float((a[key] - b[key]).abs().max()) < 1e-5 * scale, f"{name}: {key}"


def _require_halves(folder: Path) -> None:
    """Each process keeps its own class centres, with their momentum, in a checkpoint of its own."""
    first, second = (load_file(path) for path in sorted(folder.glob("checkpoint-*")))
    assert first["head.classifier.centres"].shape == second["head.classifier.centres"].shape == (3, 8)
    assert not torch.equal(first["head.classifier.centres"], second["head.classifier.centres"])
    assert not any(name.startswith("backbone") for name in second)
