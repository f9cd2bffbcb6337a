"""SFace's gradients are its two sigmoid curves."""

import math

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.train.losses import make_loss  # noqa: E402

S, K, A, B = 64.0, 80.0, 0.8, 1.23


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def _gradients(angles):
    """Of the loss against (1, c) angles; the first is to the own class."""
    theta = torch.tensor([angles], dtype=torch.float64, requires_grad=True)
    make_loss("sface")(theta.cos(), torch.tensor([0]), torch.ones(1)).backward()
    return theta.grad[0]


@pytest.mark.parametrize("angle", [0.05, 0.5, 0.75, 0.8, 0.85, 1.2, 2.0, 3.0])
def test_the_pull_of_the_own_class_is_the_rising_sigmoid(angle):
    expected = S * sigmoid(K * (angle - A)) * math.sin(angle)
    assert float(_gradients([angle, 1.5])[0]) == pytest.approx(expected)


@pytest.mark.parametrize("angle", [0.1, 0.8, 1.18, 1.23, 1.28, 1.5, 2.5])
def test_the_push_of_other_classes_is_the_falling_sigmoid(angle):
    expected = -S * sigmoid(-K * (angle - B)) * math.sin(angle)
    assert float(_gradients([1.0, angle, 1.4])[1]) == pytest.approx(expected)


def test_below_the_inner_and_above_the_outer_angle_nothing_moves():
    assert _gradients([0.5, 1.6]).abs().max() < 1e-6


def test_the_parts_of_two_shards_add_up_to_the_whole():
    cosines = torch.rand(4, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels, loss = torch.tensor([0, 4, 2, 5]), make_loss("sface")
    left = loss.partial(cosines[:, :3], torch.where(labels < 3, labels, -1))
    right = loss.partial(cosines[:, 3:], torch.where(labels >= 3, labels - 3, -1))
    assert float(left + right) == pytest.approx(float(loss(cosines, labels, torch.ones(4))))
