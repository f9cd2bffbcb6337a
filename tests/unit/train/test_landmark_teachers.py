"""Losses of two landmark teachers, by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from mien.train.landmark_teachers import (
    TOLERANT,
    TOUGH,
    Assistance,
    ShapeModel,
    assistive_loss,
    main_loss,
    two_teachers_loss,
)

ONE = Assistance(2.0, 0.5)


def row(*values: float) -> Tensor:
    return torch.tensor([values], dtype=torch.float64)


@pytest.mark.parametrize(
    ("student", "value"),
    [
        (0.5, 2 * 0.3),  # beyond the teacher at 0.2
        (0.1, -0.5 * 0.1),  # between the teacher and the hard point
        (0.02, 0.0),  # within 0.15 of the teacher's distance
        (-0.5, 2 * 0.3),  # the teacher is thought of on the student's side
    ],
)
def test_assistance_by_region(student: float, value: float) -> None:
    loss = assistive_loss(row(student), row(0.0), row(0.2), ONE)
    assert loss.item() == pytest.approx(value)
    assert assistive_loss(row(-student), row(0.0), row(0.2), ONE).item() == pytest.approx(value)


def test_a_student_is_drawn_to_the_hard_point_from_both_sides_of_the_teacher() -> None:
    points = row(0.5, 0.1, -0.1, 0.02).requires_grad_()
    assistive_loss(points, row(0, 0, 0, 0), row(0.2, 0.2, 0.2, 0.2), ONE).backward()  # type: ignore[no-untyped-call]
    assert points.grad is not None
    assert points.grad[0].tolist() == pytest.approx([2 / 4, 0.5 / 4, -0.5 / 4, 0])


def test_main_loss_is_linear_to_the_tolerant_teacher_and_square_beyond_without_a_jump() -> None:
    hard, tolerant = row(0.0), row(0.1)
    assert main_loss(row(0.05), hard, tolerant).item() == pytest.approx(0.15)
    assert main_loss(row(0.5), hard, tolerant).item() == pytest.approx(0.25 + 0.3 - 0.01)
    below, above = (main_loss(row(0.1 + step), hard, tolerant).item() for step in (-1e-9, 1e-9))
    assert below == pytest.approx(above, abs=1e-7)


def test_the_whole_is_twice_the_main_loss_and_both_teachers() -> None:
    points, hard, tough, tolerant = row(0.5), row(0.0), row(0.1), row(0.2)
    main = 0.25 + 3 * 0.2 - 0.04
    assert two_teachers_loss(points, hard, tough, tolerant).item() == pytest.approx(
        2 * main + TOUGH.pull * 0.4 + TOLERANT.pull * 0.3
    )


def test_a_student_that_is_right_has_no_loss() -> None:
    hard = row(0.1, 0.2)
    assert two_teachers_loss(hard, hard, hard + 0.1, hard + 0.2).item() == 0


def test_the_shape_model_keeps_the_fewest_axes_that_hold_the_share() -> None:
    # variances 8, 1 and 1 along the axes: 80 % in the first alone
    points = np.zeros((6, 3))
    points[0, 0], points[1, 0] = 2, -2
    points[2, 1], points[3, 1] = 0.5**0.5, -(0.5**0.5)
    points[4, 2], points[5, 2] = 0.5**0.5, -(0.5**0.5)
    one, more = ShapeModel.of(points + 5, 0.8), ShapeModel.of(points + 5, 0.81)
    assert one.axes.shape == (3, 1)
    assert more.axes.shape == (3, 2)
    assert one.soft(np.array([[7.0, 9, 9]])) == pytest.approx(np.array([[7.0, 5, 5]]))
