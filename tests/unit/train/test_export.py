"""An exported network computes what the trained one does, and is a model like any other from then on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="training is the extra [train]")

import onnx  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402

from mien.cli.main import run as mien  # noqa: E402
from mien.errors import ConflictError, ModelInvalidError, NotFoundError, UsageError  # noqa: E402
from mien.models import Store, find_card, load_embedder  # noqa: E402
from mien.testing import check_embedder  # noqa: E402
from mien.testing.toys import GREEN, ToyDetector, draw_picture  # noqa: E402
from mien.train import export as exporting  # noqa: E402
from mien.train import run  # noqa: E402
from mien.train.onnx_file import check_parity, drawn_crops, onnx_bytes  # noqa: E402
from mien.train.recipe import read_recipe  # noqa: E402
from mien.types.arrays import unit_rows  # noqa: E402
from training_networks import Plain, carry_out  # noqa: E402
from training_toys import draw_crop, write_toy_recipe  # noqa: E402

PEOPLE = 6


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run whose network tells drawn people apart."""
    folder = tmp_path_factory.mktemp("trained")
    recipe = write_toy_recipe(folder, steps=40, people=40)
    settings = ("model=plain", "model.dimension=32", "optimizer=adamw", "optimizer.lr=0.003", "data.batch=32")
    outcome = carry_out(recipe, *settings, "loss.scale=16.0", "loss.margin=0.2", "validate.steps=1000")
    assert outcome is not None
    return outcome.folder


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with neither cards nor a cache."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "config" / "mien" / "cards"


Export = Callable[..., exporting.Exported]


@pytest.fixture
def export(trained: Path, tmp_path: Path) -> Export:
    def call(name: str, *changes: str, replace: bool = False) -> exporting.Exported:
        to = tmp_path / "out" / f"{name}.onnx"
        return exporting.export(trained, to, changes, command="mien export", replace=replace, say=lambda _: None)

    return call


def test_the_file_holds_the_network_without_its_classifier(export: Export, trained: Path) -> None:
    made = export("plain-mine")
    model = onnx.load(str(made.network))
    (output,) = model.graph.output
    assert [axis.dim_value for axis in output.type.tensor_type.shape.dim][1:] == [32]
    assert not any(40 in tensor.dims for tensor in model.graph.initializer)
    assert not any("centres" in key for key in load_file(trained / run.WEIGHTS))


def test_the_card_says_what_stands_in_the_recipe_and_what_was_measured(export: Export) -> None:
    card = export("plain-card", "data.licence=CC-BY-4.0", "export.licence=Apache-2.0").card
    assert (card.licences.weights, card.licences.training_data) == ("Apache-2.0", "CC-BY-4.0")
    assert card.input is not None
    assert (card.input.colour, card.input.mean[0], card.input.scale) == ("RGB", 127.5, 1 / 127.5)
    assert card.operating is not None
    assert (card.operating.subjects, card.operating.mated) == (8, 8 * 3)
    assert card.operating.nonmated == 24 * 23 // 2 - 24
    assert card.golden is not None


def test_the_embedder_of_the_card_gives_what_the_trained_network_gives(export: Export, trained: Path) -> None:
    made = export("plain-embedder")
    embedder = load_embedder("plain-embedder")  # compares with the golden vector, which is PyTorch's
    check_embedder(embedder)
    crops = np.stack([draw_crop(person, 9) for person in range(5)])
    network = exporting.load_backbone(trained, read_recipe(trained / run.RECIPE))
    pixels = (torch.from_numpy(crops.transpose(0, 3, 1, 2)).float() - 127.5) / 127.5
    ours = unit_rows(network(pixels).detach().numpy())
    assert (np.sum(embedder.embed(crops) * ours, axis=1) > 0.999).all()
    assert made.cosine > 1 - 1e-4


def test_the_model_outlives_its_file(export: Export) -> None:
    made = export("plain-kept")
    made.network.unlink()
    assert Store().has(find_card("plain-kept"))
    load_embedder("plain-kept")


def test_models_list_and_group_know_it_at_once(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "drawn-people.onnx"
    assert mien(["export", str(trained), "--to", str(to)]) == 0
    assert "use it: mien group FOLDER --embedder drawn-people" in capsys.readouterr().out
    mien(["models", "list", "--json"])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["models"]}
    assert rows["drawn-people"]["kind"] == "embedder"
    assert {file["state"] for file in rows["drawn-people"]["files"]} == {"good"}

    photographs = tmp_path / "photographs"
    photographs.mkdir()
    random = np.random.default_rng(0)
    for person in range(PEOPLE):
        for picture in range(3):
            pixels = draw_picture([person + 200]).astype(np.int64)
            pixels[:, :, [0, 2]] += random.integers(-30, 31, (*pixels.shape[:2], 2))
            Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(photographs / f"{person}-{picture}.png")
    assert (pixels[:, :, 1] == GREEN).any()
    monkeypatch.setattr("mien.service.engine.load_detector", lambda *_, **__: ToyDetector())
    monkeypatch.setattr("mien.cli.options.fetch", lambda _: None)
    assert mien(["group", str(photographs), "--embedder", "drawn-people", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    groups = [{Path(face["file"]).name[0] for face in group["faces"]} for group in answer["groups"]]
    assert all(len(people) == 1 for people in groups)
    assert len(groups) == PEOPLE


def test_a_file_that_strays_from_the_network_is_refused() -> None:
    torch.manual_seed(0)
    network, other = Plain(size=112, dimension=8), Plain(size=112, dimension=8)
    with pytest.raises(ModelInvalidError, match=r"strays from the trained one: cosine .* nothing was written"):
        check_parity(network, onnx_bytes(other, 8), drawn_crops())


def test_without_the_terms_of_the_data_nothing_is_exported(export: Export, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'data.licence' is missing.*--set data.licence") as refused:
        export("plain-unlicensed", "data.licence=")
    assert refused.value.code == "licence-missing"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("a", "export.development=", "'export.development' is missing"),
        ("a", "export.development={faces}", "shares 40 people with what was learnt from"),
        ("a", "optimizer.lr=1", "'optimizer.lr' cannot change"),
        ("Sface", "export.about=x", "'name' must match"),
    ],
)
def test_what_cannot_be_exported_is_said(export: Export, trained: Path, name: str, change: str, said: str) -> None:
    faces = read_recipe(trained / run.RECIPE).data.root
    with pytest.raises((UsageError, ModelInvalidError)) as refused:
        export(name, change.replace("{faces}", faces))
    assert said in refused.value.message


def test_a_name_is_taken_only_on_purpose(export: Export) -> None:
    with pytest.raises(ConflictError, match="'sface' is a model that comes with mien"):
        export("sface")
    first = export("plain-twice").card
    with pytest.raises(ConflictError, match="there is a card named 'plain-twice' already"):
        export("plain-twice")
    assert export("plain-twice", replace=True).card == replace(first, golden=None)


def test_a_run_that_has_not_ended_has_nothing_to_export(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / run.RECIPE).write_bytes((trained / run.RECIPE).read_bytes())
    with pytest.raises(NotFoundError, match="no network there yet; `mien train --resume"):
        exporting.export(tmp_path / "run", tmp_path / "x.onnx", command="", say=lambda _: None)
    save_file({"stem.weight": torch.zeros(1)}, tmp_path / "run" / run.WEIGHTS)
    with pytest.raises(Exception, match="not the weights of plain"):
        exporting.export(tmp_path / "run", tmp_path / "x.onnx", command="", say=lambda _: None)


def test_a_network_that_sees_nothing_is_refused(trained: Path, tmp_path: Path) -> None:
    empty = tmp_path / "run"
    empty.mkdir()
    for name in (run.RECIPE, "manifest.json"):
        (empty / name).write_bytes((trained / name).read_bytes())
    weights = load_file(trained / run.WEIGHTS)
    same = {key: torch.zeros_like(value) + ("bias" in key) for key, value in weights.items()}
    save_file(same, empty / run.WEIGHTS)
    with pytest.raises(ModelInvalidError, match="all faces have nearly the same vector") as refused:
        exporting.export(empty, tmp_path / "blind.onnx", command="", say=lambda _: None)
    assert refused.value.code == "collapsed"
    assert not (tmp_path / "blind.onnx").exists()
