"""Losses with a teacher: their values worked by hand, and runs that have nothing else to learn from."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from safetensors.torch import load_file  # noqa: E402
from torch import Tensor  # noqa: E402
from torch.nn import functional  # noqa: E402

from distil_toys import ToyTeacher  # noqa: E402
from mien.errors import ConflictError, MienError, UsageError  # noqa: E402
from mien.train import assembly, run  # noqa: E402
from mien.train.distil import Distillation  # noqa: E402
from mien.train.logs import read_metrics  # noqa: E402
from mien.train.losses import make_loss  # noqa: E402
from mien.train.recipe import read_recipe, write_recipe  # noqa: E402
from training_networks import carry_out  # noqa: E402
from training_toys import write_toy_recipe  # noqa: E402

PLAIN = ("model=plain", "validate.pairs=", "validate.root=")
TAUGHT = ("loss=", "teacher=toy")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(assembly, "load_teacher", lambda _: ToyTeacher())
    path = write_toy_recipe(tmp_path)
    path.write_text(path.read_text() + f'\n[teacher]\nfolder = "{tmp_path / "teachers"}"\n')
    return path


def taught(recipe: Path, *changes: str) -> run.Outcome:
    outcome = carry_out(recipe, *PLAIN, *TAUGHT, *changes)
    assert outcome is not None
    return outcome


def circle(*degrees: float) -> Tensor:
    """Points on the unit circle."""
    angles = torch.tensor(degrees, dtype=torch.float64).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], 1)


def test_embedding_is_the_cosine_that_is_missing() -> None:
    loss = make_loss("distil-embedding")
    assert float(loss(5 * circle(0, 90), circle(45, 90))) == pytest.approx((1 - math.cos(math.pi / 4)) / 2)


def test_relation_by_hand() -> None:
    ours, theirs = 3 * circle(0, 90, 180), circle(0, 60, 120)
    root2, root3 = math.sqrt(2), math.sqrt(3)
    a, b = (2 * root2 + 2) / 3, (2 + root3) / 3  # mean distances
    distances = (2 * (root2 / a - 1 / b) ** 2 + (2 / a - root3 / b) ** 2) / 2 / 3
    # the angles are 45, 90, 45 degrees and 30, 120, 30
    angles = (2 * (0 + 0.5) ** 2 + 4 * (root2 / 2 - root3 / 2) ** 2) / 2 / 6
    assert float(make_loss("distil-relation", angle=0.0)(ours, theirs)) == pytest.approx(distances)
    assert float(make_loss("distil-relation", distance=0.0, angle=1.0)(ours, theirs)) == pytest.approx(angles)
    assert float(make_loss("distil-relation")(ours, theirs)) == pytest.approx(distances + 2 * angles)


def test_relation_is_the_mean_over_all_triplets_of_different_faces() -> None:
    ours, theirs = (functional.normalize(torch.randn(6, d, dtype=torch.float64)) for d in (3, 5))

    def cosine(x: Tensor, i: int, j: int, k: int) -> Tensor:
        return functional.cosine_similarity(x[i] - x[j], x[k] - x[j], dim=0)

    places = [(i, j, k) for i in range(6) for j in range(6) for k in range(6) if len({i, j, k}) == 3]
    gaps = torch.stack([cosine(ours, *place) - cosine(theirs, *place) for place in places])
    wanted = functional.huber_loss(gaps, torch.zeros_like(gaps))
    assert float(make_loss("distil-relation", distance=0.0, angle=1.0)(ours, theirs)) == pytest.approx(float(wanted))


def test_relation_does_not_see_rotations_and_scales() -> None:
    points = torch.randn(7, 4, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64)).Q
    assert float(make_loss("distil-relation")(9 * points @ turn, points)) == pytest.approx(0, abs=1e-12)


def test_similarity_by_hand() -> None:
    """Two faces, the teacher's at a right angle, the network's 60 degrees off one of them."""
    loss = make_loss("distil-similarity", temperature=0.5, teacher_temperature=1.0)
    wanted = math.e / (math.e + 1)  # of the face itself: cosines are 1 and 0
    first = 2 * 0.5 - math.log(math.exp(2 * 0.5) + math.exp(2 * math.sqrt(0.75)))
    second = 2 * math.sqrt(0.75) - math.log(math.exp(2 * 0.5) + math.exp(2 * math.sqrt(0.75)))
    value = loss(7 * circle(60, 90), circle(0, 90))
    last = 2 * 1 - math.log(math.exp(2 * 1) + 1), 0 - math.log(math.exp(2 * 1) + 1)
    rows = [-(wanted * first + (1 - wanted) * second), -(wanted * last[0] + (1 - wanted) * last[1])]
    assert float(value) == pytest.approx(sum(rows) / 2)


def test_similarity_is_least_where_the_network_is_the_teacher() -> None:
    theirs, bank = (functional.normalize(torch.randn(n, 6, dtype=torch.float64)) for n in (5, 40))
    loss = make_loss("distil-similarity", bank=20)
    Distillation([(loss, 1.0)], 6, 6, bank=bank)
    assert loss.faces.shape == (20, 6)
    ours = theirs.clone().requires_grad_()
    loss(ours, theirs).backward()
    assert ours.grad.abs().max() < 1e-9


@pytest.mark.parametrize("count", [1, 2])
def test_relation_of_too_few_faces_is_finite(count: int) -> None:
    loss = make_loss("distil-relation")
    same = torch.ones(count, 4, requires_grad=True)
    loss(same, torch.randn(count, 4)).backward()
    assert torch.isfinite(same.grad).all()


def test_margins_grow_with_what_the_teacher_is_sure_of() -> None:
    loss = make_loss("distil-margin", least_rad=0.2, most_rad=0.5)
    assert loss.margins(torch.tensor([0.8, 0.4, 0.0, -0.3])).tolist() == pytest.approx([0.5, 0.35, 0.2, 0.2])


def test_margin_distillation_by_hand() -> None:
    cosines = torch.tensor([[0.5, 0.1], [0.3, 0.6]], dtype=torch.float64)
    assured = torch.tensor([0.9, 0.45], dtype=torch.float64)
    value = make_loss("distil-margin", scale=4.0)(cosines, torch.tensor([0, 1]), assured)
    own = math.cos(math.acos(0.5) + 0.5), math.cos(math.acos(0.6) + 0.35)
    rows = [math.log1p(math.exp(4 * (0.1 - own[0]))), math.log1p(math.exp(4 * (0.3 - own[1])))]
    assert float(value) == pytest.approx(sum(rows) / 2)


def test_margin_distillation_with_one_margin_is_arcface() -> None:
    cosines, labels = 2 * torch.rand(9, 5, dtype=torch.float64) - 1, torch.arange(9) % 5
    ours = make_loss("distil-margin", least_rad=0.4, most_rad=0.4)(cosines, labels, torch.rand(9))
    assert float(ours) == pytest.approx(float(make_loss("arcface", margin_rad=0.4)(cosines, labels, torch.ones(9))))


def test_margins_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(UsageError, match="least_rad"):
        make_loss("distil-margin", least_rad=0.5, most_rad=0.2)


def test_the_sum_is_weighted_and_the_map_meets_the_teacher() -> None:
    parts = [(make_loss("distil-embedding"), 2.0), (make_loss("distil-relation"), 0.5)]
    both = Distillation(parts, 4, 6)
    embeddings, theirs = torch.randn(5, 4), functional.normalize(torch.randn(5, 6))
    with torch.no_grad():
        wanted = 2 * parts[0][0](both.map(embeddings), theirs) + 0.5 * parts[1][0](embeddings, theirs)
        assert float(both(embeddings, torch.full((5,), -1), theirs)) == pytest.approx(float(wanted))
    assert Distillation(parts[1:], 4, 6).map is None  # relations need none
    assert Distillation(parts, 6, 6).map is None


def test_a_network_learns_what_its_teacher_says_without_labels(recipe: Path) -> None:
    changes = (
        "run.steps=40",
        "optimizer=adamw",
        "optimizer.lr=0.01",
        "model.dimension=12",
        "teacher.losses=['distil-embedding']",
    )
    faces = str(recipe.parent / "faces")
    outcome = taught(recipe, *changes, f"data.root=unlabelled:{faces}")
    losses = [float(row["loss"]) for row in read_metrics(outcome.folder) if row["loss"]]
    assert np.mean(losses[-5:]) < 0.3 * np.mean(losses[:5])


@pytest.mark.parametrize("more", ["loss=cosface", "loss=triplet"])
def test_a_teacher_stands_beside_a_loss(recipe: Path, more: str) -> None:
    balanced = ("data.sampler=balanced", "data.people=4")
    assert taught(recipe, more, *balanced, "model.dimension=8").ending == run.FINISHED


@pytest.mark.parametrize("losses", ["distil-relation", "distil-margin", "distil-embedding", "distil-similarity"])
def test_every_loss_learns_in_another_dimension(recipe: Path, losses: str) -> None:
    outcome = taught(recipe, f'teacher.losses=["{losses}"]', "model.dimension=8", "run.steps=25", "optimizer=adamw")
    found = [float(row["loss"]) for row in read_metrics(outcome.folder) if row["loss"]]
    assert found[-1] < found[0]
    assert not any("map" in name for name in load_file(outcome.folder / run.WEIGHTS))


def test_a_run_that_goes_on_ends_with_the_same_bits(recipe: Path) -> None:
    sets = ("model.dimension=8", 'teacher.losses=["distil-embedding", "distil-relation"]', "teacher.weights=[1, 0.5]")
    whole = taught(recipe, *sets)
    begun = taught(recipe, *sets, "run.minutes=1e-9")
    assert begun.ending == run.OUT_OF_TIME
    run.resume(begun.folder, ["run.minutes=0.0"], progress=lambda *_: None, say=lambda _: None)
    one, other = (load_file(folder / run.WEIGHTS) for folder in (whole.folder, begun.folder))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_teacher_that_has_changed_is_refused(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = taught(recipe, "run.minutes=1e-9")
    assert json.loads((begun.folder / "manifest.json").read_text())["teacher"]["model"] == "toy"
    monkeypatch.setattr(assembly, "load_teacher", lambda _: ToyTeacher(weights="b" * 64))
    with pytest.raises(ConflictError, match="the teacher 'toy' is not what it was"):
        run.resume(begun.folder, progress=lambda *_: None, say=lambda _: None)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("teacher.model=", "'loss.name' is missing; write it, or --set loss.name=…"),
        ('teacher.losses=["arcface"]', "'arcface' learns nothing from a teacher"),
        ('teacher.losses=["distil-embeding"]', "did you mean 'distil-embedding'"),
        ("teacher.least_rat=0.1", "'teacher.least_rat' is no setting of a recipe"),
        ("teacher.weights=[1.0,2.0]", "as many numbers above zero"),
        ("teacher.bridge=mat", "'teacher.bridge' must be one of map, axes"),
        ('teacher.losses=["distil-margin"] data.classes=1 data.batch=4', "needs people with labels"),
        ('teacher.losses=["harmonic-triplet"] model.dimension=8', "compare only by principal axes"),
    ],
)
def test_a_teacher_is_held_against_what_there_is(recipe: Path, change: str, said: str) -> None:
    with pytest.raises(MienError) as refused:
        taught(recipe, *change.split())
    assert said in refused.value.message


def test_sets_are_learnt_from_together(recipe: Path) -> None:
    outcome = taught(recipe, f'data.join=["folder:{recipe.parent / "others"}"]')
    facts = json.loads((outcome.folder / "manifest.json").read_text())["data"]
    assert facts["pictures"] == 6 * 4 + 8 * 3
    assert facts["people"] == 6 + 8


def test_a_recipe_with_a_teacher_is_written_and_read_back(recipe: Path) -> None:
    changes = (*TAUGHT, "teacher.least_rad=0.1", 'teacher.losses=["distil-margin"]', 'data.join=["x", "y"]')
    read = read_recipe(recipe, changes)
    write_recipe(read, recipe.parent / "again.toml")
    assert read_recipe(recipe.parent / "again.toml", ["run.seed=0"]).teacher == read.teacher
