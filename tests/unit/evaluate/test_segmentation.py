from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.metrics.segmentation import Agreement, confusion
from mien.parsing.mask_folder import IGNORED


def test_confusion_counts_cells_and_leaves_out_what_nobody_labelled() -> None:
    truth = np.array([[0, 0, 1], [1, 2, IGNORED]], np.uint8)
    said = np.array([[0, 1, 1], [1, 0, 2]], np.uint8)
    assert confusion(truth, said, 3).tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 0]]


def test_iou_and_f1_by_hand() -> None:
    """Class 1: 2 both, 3 said, 2 true: IoU 2/3, F1 4/5. Class 0: 1 both of 3: IoU 1/3. Class 2: never right."""
    of = Agreement(np.array([[[1, 1, 0], [0, 2, 0], [1, 0, 0]]]))
    assert of.iou(1).value == pytest.approx(2 / 3)
    assert of.f1(1).value == pytest.approx(4 / 5)
    assert of.iou(0).value == pytest.approx(1 / 3)
    assert of.iou(2).value == 0
    assert of.mean_iou().value == pytest.approx((1 / 3 + 2 / 3 + 0) / 3)
    assert of.mean_f1().value == pytest.approx((4 / 5 + 0) / 2)


def test_a_class_that_nobody_has_is_undefined_and_not_in_the_mean() -> None:
    of = Agreement(np.array([[[3, 0, 0], [0, 2, 0], [0, 0, 0]]]))
    assert of.iou(2).value is None
    assert "nowhere" in str(of.iou(2))
    assert of.mean_iou().value == 1


def test_the_interval_comes_from_people_and_holds_the_value() -> None:
    right, wrong = [[5, 0], [0, 5]], [[0, 5], [5, 0]]
    same = Agreement(np.array([right] * 6)).mean_iou()
    mixed = Agreement(np.array([right, wrong] * 3)).mean_iou()
    assert (same.low, same.high) == (1, 1)
    assert mixed.value == pytest.approx(1 / 3)  # 5 both, 15 either
    assert mixed.low is not None
    assert mixed.high is not None
    assert mixed.low < 1 / 3 < mixed.high


def test_people_with_more_cells_weigh_more() -> None:
    one, other = [[100, 0], [0, 100]], [[0, 1], [1, 0]]
    assert Agreement(np.array([one, other])).iou(1).value == pytest.approx(100 / 102)
