"""Terms beside the main loss: what they look at, what they add, and what is left of them when a run stops."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from safetensors.torch import load_file  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from mien.backbones import build  # noqa: E402
from mien.backbones.base import Backbone  # noqa: E402
from mien.errors import NotFoundError, UsageError  # noqa: E402
from mien.runtime import open_session  # noqa: E402
from mien.train import export, run  # noqa: E402
from mien.train.distributed import World  # noqa: E402
from mien.train.losses import losses, make_loss  # noqa: E402
from mien.train.losses.symface import halves  # noqa: E402
from mien.train.objective import Objective, make_objective  # noqa: E402
from mien.train.recipe import read_recipe  # noqa: E402
from mien.train.tensors import normalised  # noqa: E402
from mien.train.terms import LOST, Views, rating, unrecognisable  # noqa: E402
from training_networks import Plain, carry_out  # noqa: E402
from training_toys import draw_crop, write_toy_recipe  # noqa: E402

TERMS = [name for name in losses if losses[name].section == "terms"]
LABELS = torch.tensor([0, 0, 1, 1, 2, 2])


class Rated(Plain):
    """A network that rates its pictures by their contrast."""

    def outputs(self, x: Tensor) -> dict[str, Tensor]:
        return {"embedding": self(x), "quality": self.stem(x).flatten(1).std(1)}


def faces() -> Tensor:
    crops = np.stack([draw_crop(row // 2, row % 2) for row in range(6)])
    return normalised(torch.from_numpy(crops.transpose(0, 3, 1, 2).copy()))


def learning(folder: Path, *changes: str) -> tuple[Objective, Backbone]:
    """An objective over three people, and a network."""
    path = folder / "toy.toml"
    path.write_text('[data]\nroot = "x"\n[model]\nbackbone = "plain"\n[loss]\nname = "cosface"\n')
    torch.manual_seed(0)
    network = Rated(size=112, dimension=8)
    return make_objective(read_recipe(path, changes), 3, network, World()), network


def by_hand(name: str, objective: Objective, network: Backbone, plain: Tensor) -> Tensor:
    """The term's loss, called as its docstring says, after one step."""
    loss, pictures = make_loss(name), faces()
    embeddings = network(pictures)
    cosines = functional.normalize(embeddings) @ functional.normalize(objective.classifier.centres).T
    if name == "symface":
        left, right = halves(pictures)
        return loss(network(left), network(right))
    if name == "ptsa":
        return loss(plain, embeddings)
    if name == "vit-fiqa":
        return loss(network.outputs(pictures)["quality"], cosines, LABELS)
    head = objective.terms[name].head
    if name == "cr-fiqa":
        return loss(head(embeddings)[:, 0], cosines, LABELS)
    lost = network(unrecognisable(pictures)).detach()
    centre = functional.normalize(functional.normalize(lost).mean(0), dim=0)  # the first step's: there is no older one
    return loss(head(embeddings)[:, 0], cosines, LABELS, functional.normalize(embeddings) @ centre, head(lost)[:, 0])


def gradients(loss: Tensor, network: Backbone) -> list[Tensor]:
    weights = list(network.parameters())
    return list(torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True, materialize_grads=True))


@pytest.mark.parametrize("name", TERMS)
def test_a_term_adds_its_loss_and_the_gradient_of_it(tmp_path: Path, name: str) -> None:
    objective, network = learning(tmp_path, f"terms={name}")
    alone, _ = learning(tmp_path)
    plain = faces().flip(-1)
    rows = Views(network, objective.views)(faces(), plain if "plain" in objective.views else None)
    total, main = objective(rows, LABELS, 0), alone(network(faces()), LABELS, 0)
    wanted = by_hand(name, objective, network, plain)
    assert float(wanted.detach()) != 0
    assert float((total - main).detach()) == pytest.approx(float(wanted.detach()), rel=1e-4, abs=1e-5)
    parts = [gradients(loss, network) for loss in (total, main, wanted)]
    for both, one, other in zip(*parts, strict=True):
        assert torch.allclose(both, one + other, rtol=1e-3, atol=1e-5 * float(both.abs().max()) + 1e-7)
    assert any(float(gradient.abs().max()) > 0 for gradient in parts[2])


def test_terms_are_summed_and_share_what_they_look_at(tmp_path: Path) -> None:
    objective, network = learning(tmp_path, "terms.symface={}", "terms.cr-fiqa.weight=1", "terms.ptsa={}")
    assert objective.views == ("left", "right", "plain")
    rows = Views(network, objective.views)(faces(), faces())
    assert rows.shape == (6, 3 * 8 + 3 * 112 * 112)
    alone, _ = learning(tmp_path)
    extra = sum(by_hand(name, objective, network, faces()) for name in ("symface", "ptsa"))
    extra = extra + by_hand("cr-fiqa", objective, network, faces()) / losses["cr-fiqa"].defaults["weight"]
    found = objective(rows, LABELS, 0) - alone(network(faces()), LABELS, 0)
    assert float(found.detach()) == pytest.approx(float(extra.detach()), rel=1e-4, abs=1e-5)


def test_of_the_unrecognisable_only_coarse_patches_are_left() -> None:
    board = (-1.0) ** (torch.arange(112)[:, None] + torch.arange(112))
    patches = torch.ones(112, 112)
    patches[:, 56:] = -1.0
    fine, coarse = (unrecognisable(each.expand(1, 3, 112, 112)) for each in (board, patches))
    assert float(fine.abs().max()) < 0.01
    assert float((coarse[..., :40] - 1).abs().max()) < 1e-6
    assert float((coarse[..., -40:] + 1).abs().max()) < 1e-6
    assert 112 // LOST > 16


def test_unrecognisable_faces_move_no_statistics(tmp_path: Path) -> None:
    objective, _ = learning(tmp_path, "terms=recognisability")
    one, two = build("mobilefacenet_x025", dimension=8), build("mobilefacenet_x025", dimension=8)
    two.load_state_dict(one.state_dict())
    one(faces())
    Views(two, objective.views)(faces())
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
    assert two.training


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        (["terms=symfase"], NotFoundError, "did you mean 'symface'"),
        (["terms=arcface"], UsageError, r"'arcface' is no term beside a loss \(these are: cr-fiqa, .*in \[loss\]"),
        (["terms.symface.wait=1"], UsageError, "'terms.symface.wait' is no setting of a recipe; did you mean 'weight'"),
        (["terms.symface.weight=a"], UsageError, "'terms.symface.weight' must be float, got 'a'"),
        (["terms.weight=1"], UsageError, r"'terms.weight' is a section; write \[terms.weight\]"),
        (["terms=cr-fiqa", "loss=triplet"], UsageError, "compares with all class centres in one place"),
        (["terms=cr-fiqa", "loss.sample=0.5"], UsageError, "compares with all class centres in one place"),
        (["loss=symface"], UsageError, r"'symface' cannot stand alone .*in \[terms\]"),
    ],
)
def test_what_is_no_term_is_refused(tmp_path: Path, changes: list[str], error: type, said: str) -> None:
    with pytest.raises(error, match=said):
        learning(tmp_path, *changes)


def test_a_quality_token_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text('[data]\nroot = "x"\n[model]\nbackbone = "plain"\n[loss]\nname = "cosface"\n[terms.vit-fiqa]\n')
    with pytest.raises(UsageError, match=r"teaches a quality token, and the network has none"):
        make_objective(read_recipe(path), 3, Plain(size=112, dimension=8), World())


def test_a_run_with_terms_that_stopped_ends_with_the_same_bits(tmp_path: Path) -> None:
    recipe = write_toy_recipe(tmp_path, more="[terms.recognisability]\ntau = 1.0\n[terms.cr-fiqa]\n[terms.symface]\n")
    plain = ("model=plain", "validate.pairs=", "validate.root=")
    cut = carry_out(recipe, *plain, "run.minutes=1e-9")
    assert cut is not None
    assert cut.ending == run.OUT_OF_TIME
    again = run.resume(cut.folder, ["run.minutes=0"], progress=lambda *_: None, say=lambda _: None)
    whole = carry_out(recipe, *plain)
    assert again is not None
    assert whole is not None
    files = [next(outcome.folder.glob("checkpoint-*")) for outcome in (again, whole)]
    one, two = (load_file(path) for path in files)
    assert {"head.terms.recognisability.centre", "head.terms.cr-fiqa.head.weight"} <= one.keys()
    assert all(torch.equal(one[key], two[key]) for key in one if not key.startswith("rng"))


def test_what_a_run_has_learnt_of_quality_is_kept_measured_and_exported(tmp_path: Path) -> None:
    recipe = write_toy_recipe(tmp_path, steps=2, more="[terms.cr-fiqa]\n[terms.recognisability]\n")
    outcome = carry_out(recipe, "model=plain")
    assert outcome is not None
    rows = list(csv.DictReader((outcome.folder / "quality.csv").read_text().splitlines()))
    assert {row["term"] for row in rows} == {"cr-fiqa", "recognisability"}
    assert rows[0]["fnmr"] == rows[0]["fnmr_random"]
    settings = read_recipe(outcome.folder / "recipe.toml")
    network = export.load_backbone(outcome.folder, settings)
    crops = np.stack([draw_crop(person, 0) for person in range(5)])
    heads = load_file(outcome.folder / rating.HEADS)
    for name, rater in rating.read_raters(outcome.folder, settings, network).items():
        session = open_session(rating.rater_file(rater, crops), precision="f32")
        pixels = normalised(torch.from_numpy(crops.transpose(0, 3, 1, 2).copy()))
        wanted = network(pixels) @ heads[f"{name}.weight"].T + heads[f"{name}.bias"]
        assert session.run(pixels.numpy())[0] == pytest.approx(wanted.detach().numpy(), abs=1e-4)


def test_a_quality_token_is_its_own_head() -> None:
    rater = rating.Rater(Rated(size=112, dimension=8), None)
    assert torch.equal(rater(faces())[:, 0], rater.backbone.outputs(faces())["quality"])


def test_weights_of_single_faces_are_logged_once_each(tmp_path: Path) -> None:
    recipe = write_toy_recipe(tmp_path)
    settings = ("model=plain", "validate.pairs=", "validate.root=", "loss=structure-damage", "loss.base=cosface")
    cut = carry_out(recipe, *settings, "run.minutes=1e-9")
    assert cut is not None
    run.resume(cut.folder, ["run.minutes=0"], progress=lambda *_: None, say=lambda _: None)
    rows = list(csv.DictReader((cut.folder / "scores.csv").read_text().splitlines()))
    assert [int(row["step"]) for row in rows] == [step for step in (1, 2, 3, 4) for _ in range(8)]
    assert len({row["row"] for row in rows[:8]}) == 8
    assert all(0 <= float(row["score"]) <= 2 for row in rows)
