"""A new network whose templates compare with those an old one has left."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from safetensors.torch import load_file  # noqa: E402

from distil_toys import ToyTeacher  # noqa: E402
from mien.train import assembly, run  # noqa: E402
from mien.train.data import open_data  # noqa: E402
from mien.train.distil import Distillation, class_centres  # noqa: E402
from mien.train.losses import make_loss  # noqa: E402
from mien.train.losses.harmonic import principal_axes  # noqa: E402
from mien.train.recipe import Teacher  # noqa: E402
from mien.train.teacher import teach  # noqa: E402
from mien.train.validate import embed  # noqa: E402
from training_networks import Plain, carry_out  # noqa: E402
from training_toys import write_toy_recipe  # noqa: E402

CHANGES = (
    "model=plain",
    "model.dimension=6",
    "loss=",
    "teacher=toy",
    "teacher.bridge=axes",
    'teacher.losses=["harmonic-triplet", "distil-embedding"]',
    "teacher.weights=[1, 1]",
    "data.sampler=balanced",
    "data.people=4",
    "optimizer=adamw",
    "optimizer.lr=0.01",
    "run.steps=40",
    "validate.pairs=",
    "validate.root=",
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def test_new_templates_compare_with_old_ones_over_the_axes_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, "load_teacher", lambda _: ToyTeacher())
    recipe = write_toy_recipe(tmp_path)
    outcome = carry_out(recipe, *CHANGES, f"teacher.folder={tmp_path / 'teachers'}")
    assert outcome is not None
    axes = load_file(outcome.folder / run.AXES)["axes"].numpy()
    assert axes.shape == (ToyTeacher.DIMENSION, 6)
    assert np.allclose(axes.T @ axes, np.eye(6), atol=1e-5)

    network = Plain(size=112, dimension=6)
    network.load_state_dict(load_file(outcome.folder / run.WEIGHTS))
    faces = open_data(f"folder:{tmp_path / 'faces'}")
    crops = faces.crops(np.arange(len(faces)))
    new, old = embed(network, crops, torch.device("cpu")), ToyTeacher().embed(crops) @ axes
    nearest = (new @ (old / np.linalg.norm(old, axis=1, keepdims=True)).T).argmax(1)
    assert (faces.labels[nearest] == faces.labels).mean() > 0.9


def test_old_templates_are_brought_down_and_new_ones_left_alone() -> None:
    old = torch.nn.functional.normalize(torch.randn(30, 5))
    axes = principal_axes(old, 3)
    both = Distillation([(make_loss("harmonic-triplet"), 1.0)], 3, 5, axes=axes)
    new, labels = torch.randn(30, 3), torch.arange(30) % 6
    assert both.map is None
    assert torch.equal(both(new, labels, old), make_loss("harmonic-triplet")(new, old @ axes, labels))
    assert torch.equal(both.state_dict()["axes"], axes)


def test_centres_are_the_mean_directions_of_each_persons_pictures(tmp_path: Path) -> None:
    write_toy_recipe(tmp_path)
    faces = open_data(f"folder:{tmp_path / 'faces'}")
    targets = teach(faces, ToyTeacher(), Teacher(model="toy", folder=str(tmp_path / "teachers")))
    centres = class_centres(targets, faces).numpy()
    mean = targets[np.flatnonzero(faces.labels == 2)].mean(0)
    assert np.allclose(centres[2], mean / np.linalg.norm(mean), atol=1e-6)
