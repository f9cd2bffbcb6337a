"""Pre-training as a run: it stops and goes on, and another run begins with what it learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from safetensors.torch import load_file  # noqa: E402

from mien.errors import UsageError  # noqa: E402
from mien.train import run  # noqa: E402
from mien.train.export import export  # noqa: E402
from mien.train.logs import read_metrics  # noqa: E402
from training_networks import carry_out  # noqa: E402
from training_toys import draw_people  # noqa: E402

MODEL = """
[model]
backbone = "vit_s"
dimension = 8
depth = 2
width = 16
heads = 2
patch = 16
drop_path = 0.0
"""
REST = """
[optimizer]
name = "adamw"
lr = 3e-3
[run]
folder = "{folder}/runs"
steps = 6
log_steps = 1
threads = 1
deterministic = true
"""
PRETRAIN = """
[pretrain]
method = "fsfm"
width = 16
depth = 1
heads = 2
view_depth = 1
hidden = 32
projection = 8
"""


def write(folder: Path, name: str, learning: str) -> Path:
    path = folder / f"{name}.toml"
    data = f'[data]\nroot = "folder:{folder}/faces"\nbatch = 8\nworkers = 1\nlicence = "CC0-1.0"\n'
    path.write_text(data + MODEL + learning + REST.format(folder=folder))
    return path


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    draw_people(tmp_path / "faces", range(4), 4)
    return write(tmp_path, "pre", PRETRAIN)


def finished(recipe: Path, *changes: str) -> run.Outcome:
    outcome = carry_out(recipe, *changes)
    assert outcome is not None
    return outcome


def test_stopped_and_resumed_the_weights_are_the_same_bits(recipe: Path) -> None:
    whole, first = finished(recipe), finished(recipe, "run.minutes=1e-6")
    assert (first.ending, first.step) == (run.OUT_OF_TIME, 1)
    second = run.resume(first.folder, ["run.minutes=0"], progress=lambda *_: None, say=lambda _: None)
    assert second is not None
    assert second.step == 6
    assert (whole.folder / run.WEIGHTS).read_bytes() == (first.folder / run.WEIGHTS).read_bytes()
    assert [row["loss"] for row in read_metrics(whole.folder)] == [row["loss"] for row in read_metrics(first.folder)]


def test_what_is_hidden_is_given_back_better_with_time(recipe: Path) -> None:
    losses = [float(row["loss"]) for row in read_metrics(finished(recipe, "run.steps=40").folder)]
    assert sum(losses[-5:]) < 0.97 * sum(losses[:5])


def test_a_part_at_a_time_gives_as_good_a_step(recipe: Path) -> None:
    losses = [float(row["loss"]) for row in read_metrics(finished(recipe, "run.accumulate=2").folder)]
    assert len(losses) == 6


def test_another_run_begins_with_its_encoder(recipe: Path, tmp_path: Path) -> None:
    outcome = finished(recipe)
    assert outcome.pretrained
    learnt = load_file(outcome.folder / run.WEIGHTS)
    labelled = write(tmp_path, "fine", '[loss]\nname = "cosface"\n')
    begun = finished(labelled, f"start.weights={outcome.folder}", "run.steps=1", "optimizer.lr=1e-12")
    weights = load_file(begun.folder / run.WEIGHTS)
    assert weights.keys() == learnt.keys()
    assert torch.allclose(weights["blocks.0.attn.qkv.weight"], learnt["blocks.0.attn.qkv.weight"], atol=1e-6)


def test_pre_training_teaches_the_encoder_and_leaves_the_embedding_as_drawn(recipe: Path) -> None:
    start = load_file(finished(recipe, "run.steps=1", "optimizer.lr=1e-12").folder / run.WEIGHTS)
    end = load_file(finished(recipe).folder / run.WEIGHTS)
    still = {name for name in end if torch.allclose(start[name], end[name], atol=1e-7)}
    assert still == {name for name in end if name.startswith("feature.")}


def test_there_is_nothing_to_export(recipe: Path, tmp_path: Path) -> None:
    outcome = finished(recipe, "run.steps=1")
    with pytest.raises(UsageError, match="pre-training leaves no embedding to export"):
        export(outcome.folder, tmp_path / "mine.onnx", command="test", say=lambda _: None)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("loss=arcface", "'pretrain.method' must be left out beside a loss"),
        ("pretrain.method=mae", "'pretrain.method' must be one of"),
        ("pretrain.masks=0.5", "'pretrain.masks' is no setting of a recipe; did you mean 'mask'"),
        ("pretrain.mask=2.0", "'pretrain.mask' must be a share in"),
        ("model=mobilefacenet_x025", "mobilefacenet_x025 is none"),
        ("model.patch=9", "patches of 9 pixels do not fill a face of 112"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(recipe: Path, change: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        carry_out(recipe, change)
    assert words in refused.value.message
