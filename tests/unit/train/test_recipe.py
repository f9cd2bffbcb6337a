"""A recipe is read strictly, and what is wrong is named with the nearest right thing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.errors import NotFoundError, UsageError
from mien.train.recipe import LATER, Loss, Recipe, differing, read_recipe, require_options, write_recipe

LEAST = """
[data]
root = "faces"
[model]
backbone = "mobilefacenet"
[loss]
name = "arcface"
"""


def recipe_file(folder: Path, text: str = LEAST) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def refusal(folder: Path, text: str, *changes: str) -> str:
    with pytest.raises(UsageError) as refused:
        read_recipe(recipe_file(folder, text), changes)
    assert "\n" not in refused.value.message
    assert refused.value.exit_code == 2
    return refused.value.message


def test_a_recipe_is_named_for_its_file_and_has_defaults(tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file(tmp_path))
    assert (recipe.name, recipe.data.batch, recipe.optimizer.name) == ("mine", 128, "sgd")


def test_every_recipe_of_the_project_can_be_read() -> None:
    paths = sorted((Path(__file__).parents[3] / "recipes").glob("*.toml"))
    assert paths
    for path in paths:
        assert isinstance(read_recipe(path, ["data.root=faces"]), Recipe)


def test_written_and_read_again_nothing_has_changed(tmp_path: Path) -> None:
    recipe = read_recipe(
        recipe_file(tmp_path), ["loss.margin_rad=0.3", 'data.licence="C:\\\\a \\"b\\""', "run.minutes=1e-3"]
    )
    write_recipe(recipe, tmp_path / "again.toml")
    again = read_recipe(tmp_path / "again.toml")
    assert again == recipe
    assert differing(recipe, again) == []


def test_a_change_has_the_type_of_its_setting(tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file(tmp_path), ["optimizer.lr=1", "data.root=/a b/c=d", "run.channels_last=false"])
    assert (recipe.optimizer.lr, type(recipe.optimizer.lr)) == (1.0, float)
    assert recipe.data.root == "/a b/c=d"
    assert recipe.run.channels_last is False


def test_another_loss_by_one_word_leaves_the_old_ones_settings_behind(tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file(tmp_path, LEAST + "margin_rad = 0.4\n"), ["loss=cosface"])
    assert (recipe.loss.name, recipe.loss.options) == ("cosface", {})


@pytest.mark.parametrize(
    ("text", "change", "said"),
    [
        (LEAST, "optimizer.lrr=1", "'optimizer.lrr' is no setting of a recipe; did you mean 'lr'?"),
        (LEAST, "optimiser.lr=1", "'optimiser' is no section of a recipe; did you mean 'optimizer'?"),
        (LEAST, "data.batch=ten", "'data.batch' must be int, got 'ten'"),
        (LEAST, "data.batch=1.5", "'data.batch' must be int, got 1.5"),
        (LEAST, "data.batch=0", "'data.batch' must be above zero, got 0"),
        (LEAST, "data.exclude=x", "'data.exclude' must be a list, got 'x'"),
        (LEAST, "run.precision=fp16", "'run.precision' must be one of f32, bf16, got 'fp16'"),
        (LEAST, "run.accumulate=3", "'data.batch' must be a multiple of run.accumulate, got 128"),
        (LEAST, "data.sampler=balanced", "'data.people' must be a divisor of data.batch, 2 or more, got 0"),
        (LEAST, "schedule.warmup=1.5", "'schedule.warmup' must be a share in [0, 1), got 1.5"),
        (LEAST, "validate.pairs=a.txt", "'validate.pairs' must be a .bin file, or a list given together"),
        (LEAST, "name.x=1", "'name' is no section, so it has no 'x'"),
        (LEAST, "name=../x", "'name' must be letters, digits"),
        (LEAST, "run.seed=-1", "'run.seed' must be zero or more, got -1"),
        (LEAST, "batch", "--set takes section.key=value, got 'batch'"),
        (LEAST.replace('name = "arcface"', ""), "run.seed=1", "'loss.name' is missing; write it, or --set loss.name=…"),
        ("[data", "run.seed=1", "not a TOML file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, change: str, said: str) -> None:
    message = refusal(tmp_path, text, change)
    assert said in message
    assert "mine.toml" in message


def test_a_missing_file_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no recipe could be read there"):
        read_recipe(tmp_path / "none.toml")


def test_a_run_that_goes_on_may_not_be_told_what_moves_weights(tmp_path: Path) -> None:
    path = recipe_file(tmp_path)
    assert read_recipe(path, ["run.minutes=5"], only=LATER).run.minutes == 5
    with pytest.raises(UsageError, match=r"'optimizer.lr' cannot change while a run goes on"):
        read_recipe(path, ["optimizer.lr=1"], only=LATER)


def test_options_are_held_against_what_takes_them() -> None:
    defaults = {"scale": 64.0, "margin_rad": 0.5, "easy": False}
    require_options(Loss("arcface", options={"scale": 30, "easy": True}), defaults, "loss")
    with pytest.raises(UsageError, match=r"'loss.margin' is no setting of a recipe; did you mean 'margin_rad'\?"):
        require_options(Loss("arcface", options={"margin": 0.5}), defaults, "loss")
    with pytest.raises(UsageError, match=r"'loss.nam' is no setting of a recipe; did you mean 'name'\?"):
        require_options(Loss("arcface", options={"nam": "x"}), defaults, "loss")
    with pytest.raises(UsageError, match=r"'loss.scale' must be float, got '64'"):
        require_options(Loss("arcface", options={"scale": "64"}), defaults, "loss")
