"""Fine-tuning as a run: where it begins, what it leaves, that it goes on exactly."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from safetensors.torch import load_file  # noqa: E402

from mien.cli.main import run as mien  # noqa: E402
from mien.errors import ModelInvalidError, NotFoundError, UsageError  # noqa: E402
from mien.train import run  # noqa: E402
from mien.train.export import load_backbone  # noqa: E402
from mien.train.manifest import read_manifest  # noqa: E402
from mien.train.recipe import read_recipe  # noqa: E402
from training_networks import carry_out  # noqa: E402
from training_toys import write_toy_recipe  # noqa: E402

VIT = ("model=vit_s", "model.dimension=8", "model.width=24", "model.depth=2", "model.heads=2", "model.patch=28")
QUIET = ("validate.pairs=", "validate.root=", "optimizer=adamw", "optimizer.lr=0.01")
REDUCED = ("augment=none", "augment.low_resolution=0.5", "augment.low_resolution_most=0.25")


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_toy_recipe(tmp_path, steps=4)


def done(recipe: Path, *changes: str) -> run.Outcome:
    outcome = carry_out(recipe, *VIT, *QUIET, *changes)
    assert outcome is not None
    return outcome


def test_a_run_begins_with_the_weights_of_another(recipe: Path) -> None:
    first = done(recipe)
    still = done(recipe, f"start={first.folder}", "run.steps=1", "optimizer.lr=1e-30", "optimizer.weight_decay=0.0")
    before, after = (load_file(outcome.folder / run.WEIGHTS) for outcome in (first, still))
    weights = [name for name in before if "running" not in name and "num_batches" not in name]
    assert all(torch.equal(before[name], after[name]) for name in weights)
    facts = read_manifest(still.folder)["start"]
    assert facts["weights"] == str(first.folder / run.WEIGHTS)
    assert len(facts["sha256"]) == 64


@pytest.mark.parametrize("kind", ["lora", "petal", "head"])
def test_stopped_and_resumed_the_weights_are_the_same_bits(recipe: Path, kind: str) -> None:
    first = done(recipe)
    settings = (f"adapt={kind}", f"start={first.folder}", *REDUCED)
    settings += ("adapt.dropout=0.1",) if kind != "head" else ()
    whole = done(recipe, *settings)
    part = done(recipe, *settings, "run.minutes=1e-6")
    assert (part.ending, part.step) == (run.OUT_OF_TIME, 1)
    (first.folder / run.WEIGHTS).unlink()  # a run that goes on has all it needs
    resumed = run.resume(part.folder, ["run.minutes=0.0"], progress=lambda *_: None, say=lambda _: None)
    assert resumed is not None
    assert resumed.step == whole.step == 4
    assert (part.folder / run.WEIGHTS).read_bytes() == (whole.folder / run.WEIGHTS).read_bytes()


@pytest.mark.parametrize("kind", ["lora", "petal"])
def test_a_finished_run_is_a_network_that_export_reads(recipe: Path, kind: str) -> None:
    first = done(recipe)
    outcome = done(recipe, f"adapt={kind}", f"start={first.folder}", "run.steps=1")
    backbone = load_backbone(outcome.folder, read_recipe(outcome.folder / "recipe.toml"))
    assert backbone(torch.zeros(2, 3, 112, 112)).shape == (2, 8)
    plain = load_file(first.folder / run.WEIGHTS).keys()
    assert (load_file(outcome.folder / run.WEIGHTS).keys() == plain) == (kind == "lora")


def test_the_threshold_lies_between_pictures_as_they_are_and_as_they_are_fed(recipe: Path) -> None:
    first = done(recipe)
    outcome = done(recipe, "adapt=petal", f"start={first.folder}", *REDUCED, "augment.low_resolution=1.0")
    backbone = load_backbone(outcome.folder, read_recipe(outcome.folder / "recipe.toml"))
    from mien.train.adapt import Petal
    from mien.train.data import open_data
    from mien.train.data.loader import to_tensor
    from mien.train.data.resolution import reduce_crops

    assert isinstance(backbone, Petal)
    crops = open_data(f"folder:{recipe.parent / 'faces'}").crops(torch.arange(8).numpy())
    assert bool((backbone.alpha(to_tensor(crops)) > 0.5).all())
    assert bool((backbone.alpha(to_tensor(reduce_crops(crops, 20))) < 0.5).all())


def test_another_network_is_told_even_where_the_shapes_agree(recipe: Path) -> None:
    first = done(recipe)
    with pytest.raises(UsageError, match=r"that run's network is another one: model\.heads"):
        done(recipe, f"start={first.folder}", "model.heads=4")
    done(recipe, f"start={first.folder}", "model.drop_path=0.0", "run.steps=1")


def test_weights_that_do_not_fit_or_are_not_there(recipe: Path, tmp_path: Path) -> None:
    first = done(recipe)
    loose = tmp_path / "weights.safetensors"
    loose.write_bytes((first.folder / run.WEIGHTS).read_bytes())
    with pytest.raises(ModelInvalidError, match="weights of another network"):
        done(recipe, f"start={loose}", "model.depth=1")
    with pytest.raises(NotFoundError, match="no such run or file of weights"):
        done(recipe, "start=nowhere")
    with pytest.raises(NotFoundError, match="no network there"):
        done(recipe, f"start={tmp_path}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("adapt=lora", "'start.weights' must be a run or weights"),
        ("adapt=lore", "'adapt.kind' must be one of full, head, lora, petal"),
        ("adapt.rnak=4", "'adapt.rnak' is no setting of a recipe; did you mean 'rank'"),
        ("adapt.rank=0", "'adapt.rank' must be above zero"),
        ('adapt.shared=["qkv"]', "'adapt.shared' must be left out but for 'petal'"),
    ],
)
def test_settings_are_held_against_what_there_is(recipe: Path, change: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        done(recipe, change)
    assert said in refused.value.message


def test_the_command_says_which_share_moves(recipe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = done(recipe)
    sets = [word for change in (*VIT, *QUIET, "run.steps=1") for word in ("--set", change)]
    assert mien(["finetune", str(recipe), *sets]) == 2
    assert "'start.weights' is missing" in capsys.readouterr().err
    sets += ["--set", f"start={first.folder}", "--set", "adapt=lora"]
    assert mien(["finetune", str(recipe), *sets, "--json"]) == 0
    share = json.loads(capsys.readouterr().out)["share"]
    assert 0 < share["trainable"] < share["all"]
    assert mien(["finetune", str(recipe), *sets]) == 0
    said = capsys.readouterr().err
    assert f"{share['trainable']:,} of the network's {share['all']:,} weights move" in said
