"""`mien train` and `mien export` as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.cli.main import run as mien
from training_toys import SMALL, write_toy_recipe

LEARNING = [
    word
    for change in ("run.seed=3", "model=edgeface_xs", "optimizer=adamw", "optimizer.lr=0.001", "validate.steps=9")
    for word in ("--set", change)
]
"""Running statistics of BatchNorm are worth nothing after three steps; this network has none."""
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    return write_toy_recipe(tmp_path, steps=3)


def test_from_a_recipe_to_a_model_of_its_own_name(recipe: Path, subprocess_mien: Command) -> None:
    pytest.importorskip("torch", reason="training is the extra [train]")
    done = subprocess_mien("train", str(recipe), "--set", "loss=arcface", *LEARNING, "--json")
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["ending"], outcome["step"], outcome["images"]) == ("finished", 3, 24)
    assert 0 <= outcome["validation"]["accuracy"]["low"] <= outcome["validation"]["accuracy"]["high"] <= 1
    manifest = json.loads((Path(outcome["folder"]) / "manifest.json").read_text())
    assert (manifest["seed"], manifest["data"]["people"], manifest["data"]["licence"]) == (3, 6, "CC0-1.0")

    again = subprocess_mien("train", "--resume", outcome["folder"])
    assert again.returncode == 0
    assert "finished at step 3 of 3" in again.stdout

    to = recipe.parent / "small-mine.onnx"
    made = subprocess_mien("export", outcome["folder"], "--to", str(to), "--json")
    assert made.returncode == 0, made.stderr
    answer = json.loads(made.stdout)
    assert answer["parity_cosine"] >= 1 - 1e-4
    listed = json.loads(subprocess_mien("models", "list", "--json").stdout)["models"]
    assert "small-mine" in {model["name"] for model in listed}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["train"], 2, "give a recipe to start with, or --resume RUN to go on"),
        (["train", "none.toml"], 4, "no recipe could be read there"),
        (["train", "--resume", "nowhere"], 4, "no run there"),
        (
            ["train", "{recipe}", "--set", "model.backbon=x"],
            2,
            "'model.backbon' is no setting of a recipe; did you mean 'backbone'?",
        ),
        (["train", "{recipe}", "--set", f"model.backbone={SMALL}x"], 2, f"did you mean '{SMALL}'"),
        (["train", "{recipe}", "--set", "los=x"], 2, "'los' is no setting of a recipe; did you mean 'loss'?"),
        (["train", "{recipe}", "--set", "run.device=cuda"], 2, "PyTorch sees no CUDA device here"),
        (["export", "nowhere", "--to", "x.onnx"], 4, "no run there"),
        (["export", "nowhere", "--to", "x.pt"], 2, "--to takes NAME.onnx"),
        (
            ["export", "nowhere", "--to", "x.onnx", "--int8"],
            2,
            "--check LFW go together",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(
    recipe: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    torch = pytest.importorskip("torch", reason="training is the extra [train]")
    if "run.device=cuda" in arguments and torch.cuda.is_available():
        pytest.skip("there is a CUDA device")
    assert mien([word.replace("{recipe}", str(recipe)) for word in arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["train", "x.toml"], ["export", "x", "--to", "x.onnx"]])
def test_without_pytorch_one_line_says_what_to_install(arguments: list[str]) -> None:
    # As on a machine without it: no finder finds torch.
    code = (
        "import importlib.util, sys\nfind = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'torch' else find(name, *rest)\n"
        f"from mien.cli.main import run\nsys.exit(run({arguments!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode == 2
    assert "pip install 'mien[train]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_help_does_not_load_pytorch() -> None:
    code = "import sys\nfrom mien.cli.main import run\nrun(['train', '--help'])\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
