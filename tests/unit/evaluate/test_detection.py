"""COCO's matching and average precision, and the state at one score."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.evaluate.metrics.detection import (
    IGNORED,
    OVERLAPS,
    RIGHT,
    WRONG,
    Annotated,
    Detections,
    at_score,
    average_precision,
    interval,
    iou,
    judge,
    match,
    resampled,
)

FACE = [0, 0, 10, 10]
OTHER = [100, 0, 110, 10]


def found(*rows: tuple[list[float], float]) -> Detections:
    return Detections.of(np.array([box for box, _ in rows], float).reshape(-1, 4), np.array([s for _, s in rows]))


def picture(*boxes: list[float], counts: list[bool] | None = None) -> Annotated:
    truth = np.array(boxes, float).reshape(-1, 4)
    return Annotated("p.jpg", truth, {"all": np.array([True] * len(boxes) if counts is None else counts, bool)})


def scenes(seed: int, pictures: int = 6) -> tuple[list[Detections], list[Annotated]]:
    """Crowded random pictures: many overlaps, ignored faces, pictures without faces and without finds."""
    random = np.random.default_rng(seed)
    every, truth = [], []
    for number in range(pictures):
        m, n = random.integers(0, 6), random.integers(0, 12)
        corner = random.uniform(0, 30, (m, 2))
        boxes = np.concatenate([corner, corner + random.uniform(5, 20, (m, 2))], axis=1)
        near = boxes[random.integers(0, m, n)] if m else random.uniform(0, 30, (n, 4))
        shifted = near + random.normal(0, 1.5, (n, 4))
        shifted[:, 2:] = np.maximum(shifted[:, 2:], shifted[:, :2] + 1)
        every.append(Detections.of(shifted, random.permutation(1000)[:n] / 1000 + number / 1e5))
        truth.append(Annotated(f"{number}.jpg", boxes, {"all": random.random(m) < 0.7}))
    return every, truth


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def slow_average_precision(every: list[Detections], truth: list[Annotated], least: float) -> float:
    """The rules of COCO in plain loops, one picture and one find at a time."""
    rows = []
    for finds, marked in zip(every, truth, strict=True):
        used: set[int] = set()
        for box, score in zip(finds.boxes, finds.scores, strict=True):
            best = {True: (least, -1), False: (least, -1)}
            for j, face in enumerate(marked.boxes):
                over, wanted = slow_iou(box, face), bool(marked.counts["all"][j])
                if j not in used and (over > best[wanted][0] or (over == best[wanted][0] and best[wanted][1] < 0)):
                    best[wanted] = over, j
            kind = best[True][1] >= 0
            taken = best[True][1] if kind else best[False][1]
            used.add(taken)
            rows.append((score, RIGHT if kind else IGNORED if taken >= 0 else WRONG))
            used.discard(-1)
    rows.sort(key=lambda row: -row[0])
    wanted = sum(int(marked.counts["all"].sum()) for marked in truth)
    points, right, wrong = [], 0, 0
    for _, verdict in rows:
        right, wrong = right + (verdict == RIGHT), wrong + (verdict == WRONG)
        if right + wrong:
            points.append((right / wanted, right / (right + wrong)))
    levels = [max([p for r, p in points if r >= level], default=0.0) for level in np.linspace(0, 1, 101)]
    return sum(levels) / 101


@pytest.mark.parametrize("seed", range(12))
def test_average_precision_equals_plain_loops(seed: int) -> None:
    every, truth = scenes(seed)
    expected = [slow_average_precision(every, truth, least) for least in OVERLAPS]
    np.testing.assert_allclose(average_precision(judge(every, truth, "all")), expected, atol=1e-12)


def test_a_box_of_iou_082_is_right_at_seven_of_ten_ious() -> None:
    # IoU 10 * 8.2 / 100 = 0.82 passes 0.50 … 0.80; one of two faces: recall 0.5, so 51 of 101 recalls are reached
    verdicts = judge([found(([0, 0, 10, 8.2], 0.9))], [picture(FACE, OTHER)], "all")
    each = average_precision(verdicts)
    np.testing.assert_allclose(each, [51 / 101] * 7 + [0] * 3)
    assert each.mean() == pytest.approx(0.7 * 51 / 101)


def test_a_second_find_of_a_face_is_wrong() -> None:
    verdict, taken = match(found((FACE, 0.9), ([0, 0, 10, 9], 0.8)), np.array([FACE], float), np.array([True]), [0.5])
    assert verdict.tolist() == [[RIGHT, WRONG]]
    assert taken.tolist() == [[True]]


def test_the_surer_find_takes_the_face_though_the_other_fits_better() -> None:
    verdict, _ = match(found(([0, 0, 10, 7], 0.9), (FACE, 0.8)), np.array([FACE], float), np.array([True]), [0.5])
    assert verdict.tolist() == [[RIGHT, WRONG]]


def test_a_find_of_an_ignored_face_is_neither_right_nor_wrong() -> None:
    every, truth = [found((FACE, 0.9), (OTHER, 0.8))], [picture(FACE, OTHER, counts=[False, True])]
    assert judge(every, truth, "all").verdict[0].tolist() == [IGNORED, RIGHT]
    assert average_precision(judge(every, truth, "all"))[0] == 1


def test_a_face_that_counts_is_taken_before_an_ignored_one_that_fits_better() -> None:
    truth = np.array([FACE, [0, 0, 10, 8]], float)
    verdict, taken = match(found((FACE, 0.9)), truth, np.array([False, True]), [0.5])
    assert verdict.tolist() == [[RIGHT]]
    assert taken.tolist() == [[False, True]]


def test_without_faces_to_find_there_is_no_average_precision() -> None:
    assert average_precision(judge([found((FACE, 0.9))], [picture()], "all")) is None


def test_without_finds_it_is_zero() -> None:
    assert average_precision(judge([found()], [picture(FACE)], "all")).tolist() == [0] * 10


def test_a_weight_of_two_is_the_picture_twice() -> None:
    every, truth = scenes(3)
    weights = np.array([2, 1, 1, 0, 1, 1])
    repeated = [0, 0, 1, 2, 4, 5]
    twice = judge([every[i] for i in repeated], [truth[i] for i in repeated], "all")
    np.testing.assert_allclose(average_precision(judge(every, truth, "all"), weights), average_precision(twice))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1.1))
def test_a_wrong_find_never_raises_average_precision(seed: int, score: float) -> None:
    every, truth = scenes(seed)
    if not sum(p.counts["all"].sum() for p in truth):
        return
    first = every[0]
    more = Detections.of(np.vstack([first.boxes, [500, 500, 510, 510]]), np.append(first.scores, score))
    before = average_precision(judge(every, truth, "all"))
    assert (average_precision(judge([more, *every[1:]], truth, "all")) <= before + 1e-12).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_monotone_transform_of_scores_changes_nothing(seed: int) -> None:
    every, truth = scenes(seed)
    bent = [Detections.of(f.boxes, np.exp(3 * f.scores) - 7) for f in every]
    np.testing.assert_array_equal(
        np.array(average_precision(judge(bent, truth, "all")), float),
        np.array(average_precision(judge(every, truth, "all")), float),
    )


def test_iou_by_hand() -> None:
    a, b = np.array([[0, 0, 9, 9]], float), np.array([[0, 0, 9, 4], [20, 20, 30, 30], [5, 5, 5, 5]], float)
    np.testing.assert_allclose(iou(a, b), [[36 / 81, 0, 0]])
    np.testing.assert_allclose(iou(a, b, pixel=1)[0, :2], [50 / 100, 0])


def test_at_a_score_counts_are_those_of_the_hand() -> None:
    # picture 1: FACE found, OTHER (30 px high) missed, one wrong find; picture 2: no face, one wrong find
    tall = [100, 0, 120, 30]
    every = [found((FACE, 0.9), ([50, 50, 60, 60], 0.8), (tall, 0.3)), found((FACE, 0.7), (FACE, 0.2))]
    at = at_score(every, [picture(FACE, tall), picture()], "all", 0.5)
    assert (at.precision.errors, at.precision.trials) == (1, 3)
    assert (at.recall.errors, at.recall.trials) == (1, 2)
    assert at.wrong.tolist() == [1, 1]
    heights = {low: (rate.errors, rate.trials) for low, rate in at.by_height if rate.trials}
    assert heights == {10: (1, 1), 20: (0, 1)}
    mean, low, high = at.wrong_per_picture
    assert (mean, low, high) == (1, 1, 1)


def test_a_score_above_all_leaves_precision_undefined() -> None:
    at = at_score([found((FACE, 0.9))], [picture(FACE)], "all", 0.95)
    assert at.precision.value is None
    assert at.recall.value == 0


def test_bootstrap_samples_draw_as_many_pictures_as_there_are() -> None:
    weights = resampled(7)
    assert (weights.sum(axis=1) == 7).all()
    low, high = interval(np.arange(1001) / 1000)
    assert (low, high) == pytest.approx((0.025, 0.975))
