"""The official evaluation of WIDER FACE against its rules in plain loops: per threshold, per picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.evaluate.metrics.detection import Annotated, Detections
from mien.evaluate.metrics.widerface import official_curve, stretch

FACE = [0, 0, 9, 9]
OTHER = [100, 0, 109, 9]


def found(*rows: tuple[list[float], float]) -> Detections:
    return Detections.of(np.array([box for box, _ in rows], float).reshape(-1, 4), np.array([s for _, s in rows]))


def picture(*boxes: list[float], counts: list[bool] | None = None) -> Annotated:
    truth = np.array(boxes, float).reshape(-1, 4)
    return Annotated("p.jpg", truth, {"easy": np.array([True] * len(boxes) if counts is None else counts, bool)})


def ap(every: list[Detections], truth: list[Annotated]) -> float | None:
    return official_curve(every, truth, "easy").average_precision


def scenes(seed: int) -> tuple[list[Detections], list[Annotated]]:
    random = np.random.default_rng(seed)
    every, truth = [], []
    for number in range(5):
        m, n = random.integers(0, 5), random.integers(0, 9)
        corner = random.integers(0, 30, (m, 2)).astype(float)
        boxes = np.concatenate([corner, corner + random.integers(4, 20, (m, 2))], axis=1)
        near = boxes[random.integers(0, m, n)] if m else np.tile([1.0, 1, 9, 9], (n, 1))
        every.append(Detections.of(near + random.normal(0, 2, (n, 4)), random.random(n)))
        truth.append(Annotated(f"{number}.jpg", boxes, {"easy": random.random(m) < 0.6}))
    return every, truth


def slow_iou(a: np.ndarray, b: np.ndarray) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]) + 1, min(a[3], b[3]) - max(a[1], b[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(c[2] - c[0] + 1) * (c[3] - c[1] + 1) for c in (a, b)]
    return width * height / (areas[0] + areas[1] - width * height)


def slow_ap(every: list[Detections], truth: list[Annotated]) -> float:
    scores = [s for f in every for s in f.scores]
    low, high = min([1.0, *scores]), max([0.0, *scores])
    wanted = sum(int(p.counts["easy"].sum()) for p in truth)
    points = []
    for step in range(1, 1001):
        least, proposed, hits = 1 - step / 1000, 0, 0
        for finds, marked in zip(every, truth, strict=True):
            if not len(marked.boxes):
                continue
            reached = set()
            for box, score in zip(finds.boxes, finds.scores, strict=True):
                if (score - low) / (high - low) < least:
                    continue
                overs = [slow_iou(box, face) for face in marked.boxes]
                nearest = overs.index(max(overs))
                if overs[nearest] < 0.5:
                    proposed += 1
                elif marked.counts["easy"][nearest]:
                    proposed += 1
                    reached.add(nearest)
            hits += len(reached)
        points.append((hits / wanted, hits / proposed if proposed else 0.0))
    area, last = 0.0, 0.0
    for i, (recall, _) in enumerate(points):
        area += (recall - last) * max(p for _, p in points[i:])
        last = recall
    return area


@pytest.mark.parametrize("seed", range(6))
def test_it_equals_the_rules_in_plain_loops(seed: int) -> None:
    every, truth = scenes(seed)
    assert ap(every, truth) == pytest.approx(slow_ap(every, truth), abs=1e-12)


def test_a_perfect_detector_reaches_one() -> None:
    assert ap([found((FACE, 0.9), (OTHER, 0.5))], [picture(FACE, OTHER)]) == 1


def test_a_wrong_find_between_two_faces_costs_by_hand() -> None:
    # recall 0.5 at precision 1, then recall 1 at precision 2/3: 0.5 * 1 + 0.5 * 2/3
    every = [found((FACE, 0.9), ([50, 50, 59, 59], 0.6), (OTHER, 0.3))]
    assert ap(every, [picture(FACE, OTHER)]) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_a_second_find_of_a_face_is_proposed_but_not_found() -> None:
    # surest first: FACE, FACE again, OTHER: precision 1 at recall 0.5, 2/3 at recall 1
    every = [found((FACE, 0.9), (FACE, 0.6), (OTHER, 0.3))]
    assert ap(every, [picture(FACE, OTHER)]) == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_finds_of_ignored_faces_cost_nothing_however_many() -> None:
    every = [found((FACE, 0.9), (FACE, 0.8), (FACE, 0.7), (OTHER, 0.3))]
    assert ap(every, [picture(FACE, OTHER, counts=[False, True])]) == 1


def test_wrong_finds_in_a_picture_without_faces_are_left_out() -> None:
    every = [found((FACE, 0.5)), found((FACE, 0.9), (OTHER, 0.8))]
    assert ap(every, [picture(FACE), picture()]) == 1


def test_wrong_finds_in_a_picture_of_ignored_faces_count() -> None:
    every = [found((FACE, 0.5)), found((OTHER, 0.9))]
    assert ap(every, [picture(FACE), picture(FACE, counts=[False])]) == 0.5


def test_iou_counts_the_last_pixel() -> None:
    # 10 x 10 and 10 x 5 pixels share 50 of 100: IoU 0.5 is a hit; without the last pixel it would be 36 / 81
    assert ap([found(([0, 0, 9, 4], 0.9))], [picture(FACE)]) == 1


def test_no_find_gives_zero_and_no_face_gives_none() -> None:
    assert ap([found()], [picture(FACE)]) == 0
    assert ap([found((FACE, 0.5))], [picture(FACE, counts=[False])]) is None
    assert official_curve([found()], [picture()], "easy").interval is None


def test_scores_are_stretched_over_the_whole_set() -> None:
    first, second = stretch([found((FACE, 0.6), (FACE, 0.4)), found((FACE, 0.2))])
    assert first.tolist() == pytest.approx([1, 0.5])
    assert second.tolist() == [0]
    # as the tools do: the range begins at 1 or lower and ends at 0 or higher
    assert stretch([found((FACE, 3), (FACE, 2))])[0].tolist() == pytest.approx([1, 0.5])


def test_equal_scores_all_count_at_every_threshold() -> None:
    assert ap([found((FACE, 1.0), (OTHER, 1.0))], [picture(FACE, OTHER)]) == 1


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1))
def test_a_wrong_find_inside_the_range_of_scores_never_raises_it(seed: int, place: float) -> None:
    every, truth = scenes(seed)
    scores = np.concatenate([f.scores for f in every])
    if not len(scores) or not any(p.counts["easy"].any() for p in truth):
        return
    score = scores.min() + place * np.ptp(scores)
    more = Detections.of(np.vstack([every[0].boxes, [500, 500, 510, 510]]), np.append(every[0].scores, score))
    before, after = ap(every, truth), ap([more, *every[1:]], truth)
    assert after <= before + 1e-12


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.5, 0.25, 0.125]))
def test_a_linear_change_of_scores_changes_nothing(seed: int, factor: float) -> None:
    every, truth = scenes(seed)
    # multiples of 1/1024 stay exact under these factors, so no find may cross a threshold by rounding
    coarse = [Detections.of(f.boxes, np.round(f.scores * 1024) / 1024) for f in every]
    moved = [Detections.of(f.boxes, f.scores * factor + factor) for f in coarse]
    assert ap(moved, truth) == ap(coarse, truth)


def test_the_interval_holds_the_value_and_is_the_same_every_time() -> None:
    every, truth = scenes(2)
    curve = official_curve(every, truth, "easy")
    low, high = curve.interval
    assert low <= curve.average_precision <= high
    assert curve.interval == (low, high)
