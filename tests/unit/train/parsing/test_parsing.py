from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from mien.errors import ConflictError, UsageError
from mien.geometry.face_parts import OCCLUSION
from mien.parsing.mask_folder import IGNORED, Masked, read_mask_folder, write_mask_folder
from mien.train.parsing.export import check_target, export_parsing
from mien.train.parsing.learn import learn
from mien.train.parsing.loss import parsing_loss
from mien.train.parsing.network import Covered, ParsingNet
from mien.train.parsing.recipe import Masks, Network, ParsingRecipe, Steps
from mien.train.parsing.squares import changed, held_out
from mien.train.recipe import read_settings

CLASSES = ("background", "disc")


def discs(root: Path, people: int = 6) -> Path:
    """Bright discs on dark grounds, which any network can tell."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(people):
        y, x = np.mgrid[0:64, 0:64]
        labels = (np.hypot(x - 32, y - 32) < 14 + number).astype(np.uint8)
        pixels = np.where(labels[..., None] > 0, 210, 40) + random.integers(-20, 20, (64, 64, 3))
        box = np.array([14, 14, 50, 50], np.float32)
        rows.append(Masked(f"{number}", f"p{number // 2}", pixels.astype(np.uint8), labels, box))
    write_mask_folder(root, CLASSES, rows)
    return root


def recipe(root: Path, **steps: int) -> ParsingRecipe:
    return ParsingRecipe(
        "toy",
        Masks(str(root), "CC0-1.0", holdout=0.34, views=1),
        Network(4, 32),
        run=Steps(**{"steps": 60, "batch": 4, **steps}),
    )


def test_a_turned_square_gives_turned_logits_without_places() -> None:
    net = ParsingNet(3, width=4, side=32, places=False).eval()
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype("f4"))
    with torch.inference_mode():
        straight, turned = net(x), net(torch.roll(x, 16, dims=2))
    assert torch.allclose(torch.roll(straight, 16, dims=2), turned, atol=1e-5)


def test_with_places_the_network_knows_which_way_is_up() -> None:
    net = ParsingNet(3, width=4, side=32, places=True).eval()
    x = torch.zeros(1, 3, 32, 32)
    with torch.inference_mode():
        logits = net(x)
    assert logits.shape == (1, 3, 32, 32)
    assert not torch.allclose(torch.roll(logits, 16, dims=2), logits, atol=1e-4)


def test_being_covered_is_one_question_for_all_parts() -> None:
    """The odds of covered to seen are those of the last logit, for every part; the background has no such question."""
    given = torch.tensor([0.5, 1.0, -2.0, 3.0, 0.0, np.log(4.0)]).reshape(1, 6, 1, 1)
    logits = Covered(torch.nn.Identity())(given)
    assert logits.shape[1] == len(OCCLUSION)
    shares = logits.softmax(1)[0, :, 0, 0]
    assert (shares[5:] / shares[1:5]).tolist() == pytest.approx([4, 4, 4, 4], rel=1e-5)


def test_the_loss_by_hand() -> None:
    """One cell of each of two classes, both even: entropy log 2; Dice (2 * 0.5 + 1) / (1 + 1 + 1) each."""
    loss = parsing_loss(torch.zeros(1, 2, 1, 2), torch.tensor([[[0, 1]]]))
    assert float(loss.detach()) == pytest.approx(np.log(2) + 1 - 2 / 3, abs=1e-6)


def test_cells_that_nobody_labelled_teach_nothing() -> None:
    logits = torch.zeros(1, 2, 1, 3, requires_grad=True)
    loss = parsing_loss(logits, torch.tensor([[[0, 1, IGNORED]]]))
    assert float(loss.detach()) == pytest.approx(np.log(2) + 1 - 2 / 3, abs=1e-6)
    loss.backward()
    assert logits.grad is not None
    assert float(logits.grad[..., 2].abs().max()) == 0


def test_a_batch_without_a_label_is_no_loss_and_no_error() -> None:
    logits = torch.ones(1, 2, 2, 2, requires_grad=True)
    loss = parsing_loss(logits, torch.full((1, 2, 2), IGNORED))
    loss.backward()
    assert float(loss.detach()) == 0
    assert logits.grad is not None
    assert float(logits.grad.abs().max()) == 0


def test_pixels_and_labels_are_moved_together() -> None:
    labels = np.zeros((40, 16, 16), np.uint8)
    labels[:, 3:6, 2:9] = 1
    pixels = np.repeat((labels * 200 + 20)[..., None], 3, axis=3).astype(np.uint8)
    values, moved = changed(pixels, labels, np.random.default_rng(0))
    bright = values.mean(dim=1)
    for one, truth in zip(bright, moved, strict=True):
        assert one[truth == 1].min() > one[truth == 0].max()
    assert any((one[3:6, 2:9] == 0).any() for one in moved)  # some were moved


def test_all_pictures_of_a_person_are_kept_back_or_none(tmp_path: Path) -> None:
    folder = read_mask_folder(discs(tmp_path))
    kept = held_out(folder, Masks("x", "y", holdout=0.34), seed=1)
    assert kept.sum() == 2
    assert len(set(folder.subjects[kept])) == 1
    with pytest.raises(UsageError, match="3 people"):
        held_out(folder, Masks("x", "y", holdout=0.01), seed=1)


def test_discs_are_learnt_exported_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(place, str(tmp_path / place))
    settings = recipe(discs(tmp_path / "masks"))
    learnt = learn(settings, progress=lambda _done, _all: None, say=lambda _: None)
    assert learnt.steps == 60
    made = export_parsing(
        learnt, settings, tmp_path / "discs.onnx", command="mien train-parsing toy", say=lambda _: None
    )
    iou = made.measured.agreement.iou(1).value
    assert iou is not None
    assert iou > 0.7
    assert made.stray < 1e-3
    card = made.card
    assert (card.kind, card.family, card.licences.weights) == ("head", "parsing", "CC0-1.0")
    assert card.head is not None
    assert card.head.labels == CLASSES
    assert card.head.errors[0].faces == 2
    assert card.golden is not None
    with pytest.raises(ConflictError, match="already"):
        check_target(tmp_path / "discs.onnx", settings, CLASSES, over=False)


def test_what_a_recipe_cannot_mean_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text('[data]\nroot = "masks"\nlicence = "CC0-1.0"\n', "utf-8")
    assert read_settings(ParsingRecipe, path).name == "toy"
    for change, words in (
        ("model.side=100", "multiple of 16"),
        ("model.family=pose", "family"),
        ("data.holdout=1.0", "holdout"),
        ('data.licence=""', "licence"),
        ("run.steps=0", "steps"),
        ("data.rot=x", "did you mean 'root'"),
    ):
        with pytest.raises(UsageError, match=words):
            read_settings(ParsingRecipe, path, [change])


def test_occlusion_has_classes_of_its_own(tmp_path: Path) -> None:
    settings = ParsingRecipe("toy", Masks("x", "CC0-1.0"), Network(family="occlusion"))
    with pytest.raises(UsageError, match="mien masks"):
        check_target(tmp_path / "a.onnx", settings, CLASSES, over=False)
    with pytest.raises(UsageError, match=r"NAME\.onnx"):
        check_target(tmp_path / "a.bin", settings, CLASSES, over=False)
