import numpy as np
import pytest

from mien.geometry.boxes import clip, iou, nms
from mien.types.arrays import Boxes, FloatArray


def drawn(n: int, seed: int = 0) -> tuple[Boxes, FloatArray]:
    random = np.random.default_rng(seed)
    corners = random.uniform(0, 100, (n, 2))
    boxes = np.concatenate([corners, corners + random.uniform(1, 60, (n, 2))], axis=1)
    return boxes.astype(np.float32), random.uniform(0, 1, n).astype(np.float32)


def slow_iou(a: FloatArray, b: FloatArray) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area_a, area_b = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    return float(width * height / (area_a + area_b - width * height))


def slow_nms(boxes: Boxes, scores: FloatArray, overlap: float) -> list[int]:
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(slow_iou(boxes[i], boxes[j]) <= overlap for j in kept):
            kept.append(i)
    return kept


def test_iou_of_two_squares_that_share_a_quarter_is_one_seventh() -> None:
    a, b = np.array([[0, 0, 2, 2]], np.float32), np.array([[1, 1, 3, 3]], np.float32)
    assert iou(a, b)[0, 0] == pytest.approx(1 / 7)


def test_iou_agrees_with_one_pair_at_a_time() -> None:
    boxes, _ = drawn(40)
    others, _ = drawn(30, seed=1)
    expected = [[slow_iou(a, b) for b in others] for a in boxes]
    np.testing.assert_allclose(iou(boxes, others), expected, atol=1e-5)


def test_empty_boxes_overlap_nothing_not_even_themselves() -> None:
    empty = np.array([[5, 5, 5, 5], [9, 9, 1, 1]], np.float32)
    assert not iou(empty, empty).any()


@pytest.mark.parametrize("overlap", [0.1, 0.3, 0.5, 0.9])
def test_nms_keeps_what_brute_force_keeps(overlap: float) -> None:
    boxes, scores = drawn(200)
    assert nms(boxes, scores, overlap=overlap).tolist() == slow_nms(boxes, scores, overlap)


def test_nms_keeps_the_first_of_equals() -> None:
    boxes = np.tile(np.array([[0, 0, 10, 10]], np.float32), (3, 1))
    assert nms(boxes, np.full(3, 0.5, np.float32), overlap=0.5).tolist() == [0]


def test_nms_stops_at_the_most_asked_for() -> None:
    boxes, scores = drawn(200)
    all_kept = nms(boxes, scores, overlap=0.3)
    assert nms(boxes, scores, overlap=0.3, most=5).tolist() == all_kept[:5].tolist()


def test_nms_of_nothing_is_nothing() -> None:
    assert nms(np.empty((0, 4), np.float32), np.empty(0, np.float32), overlap=0.5).tolist() == []


def test_clip_keeps_the_part_inside() -> None:
    boxes = np.array([[-5, -5, 50, 20], [90, 10, 120, 70]], np.float32)
    assert clip(boxes, (100, 60)).tolist() == [[0, 0, 50, 20], [90, 10, 100, 60]]
