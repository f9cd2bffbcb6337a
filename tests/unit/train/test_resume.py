"""A run that was killed ends with the weights of one that was not."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import ConflictError, NotFoundError, StoreCorruptError, UsageError  # noqa: E402
from mien.train import run, state  # noqa: E402
from mien.train.logs import read_metrics  # noqa: E402
from training_networks import carry_out  # noqa: E402
from training_toys import draw_people, write_toy_recipe  # noqa: E402

STEPS = 12


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_toy_recipe(tmp_path, steps=STEPS)


def begun(recipe: Path, *changes: str) -> tuple[subprocess.Popen[str], Path]:
    """A run in a process of its own, once it has done a random number of steps."""
    sets = [word for change in changes for word in ("--set", change)]
    command = [sys.executable, "-m", "mien", "train", str(recipe), *sets]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wanted = random.SystemRandom().randrange(1, STEPS - 2)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        folders = list((recipe.parent / "runs").glob("*"))
        if folders and len(read_metrics(folders[0])) >= wanted:
            return process, folders[0]
        time.sleep(0.01)
    raise AssertionError(process.communicate())


def resumed(folder: Path, *changes: str) -> run.Outcome:
    outcome = run.resume(folder, changes, progress=lambda *_: None, say=lambda _: None)
    assert outcome is not None
    return outcome


def test_killed_at_a_random_step_and_resumed_the_weights_are_the_same_bits(recipe: Path) -> None:
    process, folder = begun(recipe, "run.save_steps=2", "model=mobilefacenet_x025", "loss=elasticface")
    process.kill()
    process.communicate()
    before = state.read_position(folder).step
    assert resumed(folder).ending == run.FINISHED
    whole = carry_out(recipe, "model=mobilefacenet_x025", "loss=elasticface")
    assert whole is not None
    assert before < STEPS
    assert (folder / run.WEIGHTS).read_bytes() == (whole.folder / run.WEIGHTS).read_bytes()
    steps = [int(row["step"]) for row in read_metrics(folder) if row["loss"]]
    assert steps == list(range(1, STEPS + 1))


def test_sigterm_ends_the_step_keeps_it_and_says_how_to_go_on(recipe: Path) -> None:
    process, folder = begun(recipe, "model=mobilefacenet_x025", "validate.pairs=", "validate.root=")
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130
    assert f"mien train --resume {folder}" in out
    done = state.read_position(folder).step
    assert 0 < done < STEPS
    assert not (folder / run.WEIGHTS).exists()
    assert resumed(folder).step == STEPS


def test_what_a_run_has_learnt_from_must_be_there_again(recipe: Path) -> None:
    outcome = carry_out(recipe, "model=plain", "run.steps=1")
    assert outcome is not None
    draw_people(recipe.parent / "faces", range(6, 7), 2)
    with pytest.raises(ConflictError, match="is not what this run has learnt from"):
        resumed(outcome.folder)


def test_a_checkpoint_of_others_is_refused(recipe: Path) -> None:
    outcome = carry_out(recipe, "model=plain", "run.steps=1")
    assert outcome is not None
    position = json.loads((outcome.folder / "state.json").read_text())
    (outcome.folder / "state.json").write_text(json.dumps(position | {"size": 2}))
    with pytest.raises(UsageError, match="this run has 2 processes, now there are 1; torchrun --nproc-per-node 2"):
        resumed(outcome.folder)
    (outcome.folder / "state.json").write_text(json.dumps(position))
    (checkpoint,) = outcome.folder.glob("checkpoint-*")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-10])
    with pytest.raises(StoreCorruptError, match="damaged"):
        resumed(outcome.folder)


def test_a_folder_without_a_run_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no run there"):
        resumed(tmp_path)
