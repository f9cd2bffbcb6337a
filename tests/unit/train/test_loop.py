"""The loop: schedules, precision, memory, budgets, and how it stops when numbers go wrong."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from safetensors.torch import load_file  # noqa: E402
from torch import nn  # noqa: E402

from mien.errors import MienError, NotFoundError, StoreFullError, UsageError  # noqa: E402
from mien.train import run, state  # noqa: E402
from mien.train.logs import read_metrics  # noqa: E402
from mien.train.optim import make_optimizer, rate_at  # noqa: E402
from mien.train.recipe import Optimizer, Schedule  # noqa: E402
from mien.train.recompute import recompute_blocks  # noqa: E402
from training_networks import Plain, carry_out  # noqa: E402
from training_toys import write_toy_recipe  # noqa: E402

PLAIN = ("model=plain", "model.dimension=8", "validate.pairs=", "validate.root=")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_toy_recipe(tmp_path)


def finished(recipe: Path, *changes: str) -> run.Outcome:
    outcome = carry_out(recipe, *PLAIN, *changes)
    assert outcome is not None
    return outcome


def weights(outcome: run.Outcome) -> dict[str, torch.Tensor]:
    return load_file(outcome.folder / run.WEIGHTS)


def furthest(one: run.Outcome, other: run.Outcome) -> float:
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys()
    return max(float((a[name] - b[name]).abs().max()) for name in a)


def test_rates_follow_their_schedules() -> None:
    def rates(schedule: Schedule) -> list[float]:
        return [round(rate_at(step, 10, schedule, 1.0), 4) for step in range(10)]

    assert rates(Schedule("constant", warmup=0.2))[:3] == [0.5, 1.0, 1.0]
    assert rates(Schedule("step", warmup=0, milestones=(0.5, 0.8)))[4:9] == [1.0, 0.1, 0.1, 0.1, 0.01]
    assert rates(Schedule("poly", warmup=0, power=2))[5] == 0.25
    assert rates(Schedule("cosine", warmup=0))[5] == 0.5


def test_gains_and_biases_do_not_decay() -> None:
    optimizer = make_optimizer([nn.Linear(2, 3)], Optimizer(weight_decay=0.1))
    decay = {tuple(p.shape): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert decay == {(3, 2): 0.1, (3,): 0.0}


@pytest.mark.parametrize("optimizer", ["optimizer=sgd", "optimizer=adamw"])
def test_a_network_learns_to_tell_drawn_people_apart(recipe: Path, optimizer: str) -> None:
    outcome = finished(recipe, optimizer, "optimizer.lr=0.02", "run.steps=30", "loss.scale=8.0")
    losses = [float(row["loss"]) for row in read_metrics(outcome.folder) if row["loss"]]
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_a_run_leaves_what_others_need(recipe: Path) -> None:
    outcome = carry_out(recipe)
    assert outcome is not None
    assert outcome.validation is not None
    names = {path.name for path in outcome.folder.iterdir()}
    drawn = {"loss.svg", "accuracy.svg", "roc.svg", "report", "tensorboard"}
    assert names >= drawn | {"recipe.toml", "manifest.json", "metrics.csv", "state.json", "model.safetensors"}
    rows = [row for row in read_metrics(outcome.folder) if row["accuracy"]]
    assert float(rows[-1]["accuracy"]) == pytest.approx(outcome.validation.accuracy.value, rel=1e-5)
    assert float(rows[-1]["low"]) <= float(rows[-1]["accuracy"]) <= float(rows[-1]["high"])


def test_parts_of_a_batch_add_up_to_the_whole(recipe: Path) -> None:
    settings = ("optimizer.momentum=0.0", "optimizer.clip=0.0", "run.steps=1", "optimizer.lr=0.01", "schedule=constant")
    whole, parts = finished(recipe, *settings), finished(recipe, *settings, "run.accumulate=4")
    assert furthest(whole, parts) < 1e-5


def test_bf16_is_near_f32_and_keeps_weights_in_f32(recipe: Path) -> None:
    settings = ("run.steps=1", "optimizer.lr=0.001")
    exact, short = finished(recipe, *settings), finished(recipe, *settings, "run.precision=bf16")
    assert {tensor.dtype for tensor in weights(short).values()} == {torch.float32}
    assert 0 < furthest(exact, short) < 1e-3


def test_recomputed_blocks_give_the_same_gradients_and_statistics() -> None:
    torch.manual_seed(0)
    kept = Plain(size=16, dimension=4, norm=True)
    again = Plain(size=16, dimension=4, norm=True)
    again.load_state_dict(kept.state_dict())
    assert recompute_blocks(again) == 2
    pictures = torch.randn(4, 3, 16, 16)
    for network in (kept, again):
        network(pictures).square().sum().backward()
    for (name, p), q in zip(kept.named_parameters(), again.parameters(), strict=True):
        assert torch.allclose(p.grad, q.grad, atol=1e-6), name
    for (name, p), q in zip(kept.named_buffers(), again.buffers(), strict=True):
        assert torch.equal(p, q), name


def test_time_that_is_up_ends_the_run_in_order(recipe: Path) -> None:
    outcome = finished(recipe, "run.minutes=1e-6", "run.steps=1000")
    assert (outcome.ending, outcome.step) == (run.OUT_OF_TIME, 1)
    assert (outcome.folder / run.WEIGHTS).exists()
    more = run.resume(outcome.folder, ["run.minutes=1e-6"], progress=lambda *_: None, say=lambda _: None)
    assert more is not None
    assert more.step == 2


def test_a_network_that_is_not_finite_is_named_with_its_pictures(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = Plain.forward
    monkeypatch.setattr(Plain, "forward", lambda self, x: forward(self, x) / (x[:, 0, 0, 0] * 0)[:, None])
    with pytest.raises(MienError, match=r"step 1: the embeddings of 8 of its 8 pictures are not finite") as stopped:
        finished(recipe)
    assert stopped.value.code == "not-finite"
    with (Path(stopped.value.source or "") / "stopped-batch.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert all(row["name"].startswith("person") for row in rows)


def test_a_loss_that_is_not_finite_is_told_from_the_network(recipe: Path) -> None:
    with pytest.raises(MienError, match=r"the loss is (nan|inf) though all embeddings are finite"):
        finished(recipe, "loss.scale=3e38")


def test_a_gradient_that_is_not_finite_is_named(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(torch.autograd.Function):
        @staticmethod
        def forward(ctx: object, x: torch.Tensor) -> torch.Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: object, *gradients: torch.Tensor) -> torch.Tensor:
            return gradients[0] * float("nan")

    forward = nn.Tanh.forward
    monkeypatch.setattr(nn.Tanh, "forward", lambda self, x: Broken.apply(forward(self, x)))
    with pytest.raises(MienError, match=r"the gradient of stem\.weight and \d more is not"):
        finished(recipe)


def test_a_full_disk_leaves_the_last_checkpoint_good(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sync, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 8:  # a checkpoint of one process forces four things to disk
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreFullError, match=r"No space left on device; the last checkpoint is good: free some space"):
        finished(recipe, "run.save_steps=1")
    monkeypatch.undo()
    (folder,) = (recipe.parent / "runs").iterdir()
    assert state.read_position(folder).step == 1
    assert not list(folder.glob("*.draft"))
    outcome = run.resume(folder, progress=lambda *_: None, say=lambda _: None)
    assert outcome is not None
    assert outcome.ending == run.FINISHED


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("model=plian", "no backbone named 'plian'; did you mean 'plain'"),
        ("loss=cosfase", "no loss named 'cosfase'; did you mean 'cosface'"),
        ("loss.margin_red=1.0", "'loss.margin_red' is no setting"),
        ("model.nrom=true", "'model.nrom' is no setting of a recipe; did you mean 'norm'"),
        ("augment.flop=0.5", "'augment.flop' is no setting of a recipe; did you mean 'flip'"),
        ("augment=adafase", "no augmentation named 'adafase'; did you mean 'adaface'"),
        ("loss=ptsa", "name it in [terms]"),
        ("data.classes=1 data.batch=4", "tells people apart, and there are 1 with labels"),
        ("data.batch=64", "24 pictures do not fill a batch of 64"),
    ],
)
def test_names_and_options_are_held_against_what_there_is(recipe: Path, change: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        finished(recipe, *change.split())
    assert said in refused.value.message


def test_missing_lists_are_not_found(recipe: Path) -> None:
    with pytest.raises(NotFoundError, match="no such list of pairs"):
        finished(recipe, 'data.exclude=["none.txt"]')
