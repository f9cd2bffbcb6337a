from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.errors import ModelInvalidError  # noqa: E402
from mien.geometry import poincare  # noqa: E402
from mien.presentation.one_class import OneClass  # noqa: E402
from mien.train.one_class import (  # noqa: E402
    Settings,
    added,
    clipped,
    cross_entropy,
    distance,
    exponential,
    logits,
    pairwise_confusion,
    train,
)

SHORT = Settings(steps=200, widths=(16, 8))


def test_the_ball_is_the_same_in_torch_and_in_numpy() -> None:
    draw = np.random.default_rng(0)
    v, w, normals = draw.normal(size=(5, 4)), draw.normal(size=(5, 4)), draw.normal(size=(2, 4))
    x, y = poincare.exponential(v, 0.1), poincare.exponential(w, 0.1)
    tv, tx, ty = map(torch.from_numpy, (v, x, y))
    assert exponential(tv, 0.1).numpy() == pytest.approx(x)
    assert added(tx, ty, 0.1).numpy() == pytest.approx(poincare.added(x, y, 0.1))
    assert distance(tx, ty, 0.1).numpy() == pytest.approx(poincare.distance(x, y, 0.1))
    assert clipped(tv, 1.0).numpy() == pytest.approx(poincare.clipped(v, 1.0))
    given = logits(tx, ty[:2], torch.from_numpy(normals), 0.1).numpy()
    assert given == pytest.approx(poincare.logits(x, y[:2], normals, 0.1))


def test_pairwise_confusion_by_hand() -> None:
    # Two pairs in the unit ball: from the origin to 1/2, which is ln 3, and one point twice; four pictures.
    points = torch.tensor([[0.0, 0.0], [0.3, 0.1], [0.5, 0.0], [0.3, 0.1]], dtype=torch.float64)
    assert float(pairwise_confusion(points, 1.0)) == pytest.approx(np.log(3) / 4, abs=1e-6)


def test_cross_entropy_by_hand() -> None:
    given = torch.tensor([[0.0, 0.0], [np.log(3), 0.0]], dtype=torch.float64)
    # 1/2 for the first, 1/4 for the second, whose class is the other one.
    assert float(cross_entropy(given, torch.tensor([0, 1]))) == pytest.approx((np.log(2) + np.log(4)) / 2)


def test_losses_and_slopes_stay_finite_at_the_rim_and_at_one_point() -> None:
    v = torch.tensor([[1e8, 0.0], [-1e8, 0.0], [0.0, 0.0], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    loss = pairwise_confusion(exponential(clipped(v, 2.0), 0.1)[[0, 2, 1, 3]], 0.1)
    loss.backward()
    assert torch.isfinite(loss)
    assert v.grad is not None
    assert torch.isfinite(v.grad).all()


def test_a_detector_that_saw_live_pictures_only_refuses_what_is_far_from_them() -> None:
    draw = np.random.default_rng(1)
    model, _ = train(draw.normal(2, 1, (80, 6)), "0" * 64, SHORT)
    live, far = model.scores(draw.normal(2, 1, (50, 6))), model.scores(draw.normal(2, 1, (50, 6)) + 8)
    assert np.median(live) > 0.5 > far.max()


def test_training_repeats_itself_and_survives_its_file(tmp_path: Path) -> None:
    values = np.random.default_rng(2).normal(size=(20, 3))
    short = replace(SHORT, steps=5)
    one, again = (train(values, "0" * 64, short)[0] for _ in range(2))
    one.write(tmp_path / "one.json", {"pictures": 20})
    read = OneClass.read(tmp_path / "one.json")
    assert read.scores(values).tolist() == one.scores(values).tolist() == again.scores(values).tolist()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(ModelInvalidError, match="not a one-class detector"):
        OneClass.read(tmp_path / "x.json")
