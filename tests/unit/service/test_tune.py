from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from mien.errors import UsageError
from mien.evaluate.scores import Scores
from mien.service import int8, tune
from mien.types.template import Precision


def scores(score: list[float], mated: list[bool]) -> Scores:
    values = np.array(score)
    return Scores("x", values, np.array(mated), ~np.isfinite(values))


@pytest.mark.parametrize(
    ("score", "mated", "expected"),
    [
        ([0.9, 0.8, 0.1, 0.2], [True, True, False, False], 1.0),
        ([0.9, 0.1, 0.2, 0.3], [True, True, False, False], 0.75),  # between 0.3 and 0.9 one mated pair is lost
        ([0.9, -np.inf, 0.2, -np.inf], [True, True, False, False], 0.5),  # failures are wrong answers
        ([0.1, 0.2, 0.8, 0.9], [True, True, False, False], 0.5),
    ],
)
def test_best_accuracy_is_that_of_the_best_threshold(score: list[float], mated: list[bool], expected: float) -> None:
    assert int8.best_accuracy(scores(score, mated)) == expected


def test_candidates_take_turns() -> None:
    turns: list[str] = []

    def call(name: str) -> tune.Call:
        def work() -> int:
            turns.append(name)
            return 4

        return work

    one, other = ("openvino", Precision.F32), ("openvino", Precision.BF16)
    found = tune.measure({one: call("one"), other: call("other")}, 0.0)
    assert set(found) == {one, other}
    assert turns.count("one") == turns.count("other")
    changes = sum(a != b for a, b in itertools.pairwise(turns))
    assert changes == 2 * (1 + tune.ROUNDS) - 1  # the warm-up and each round: one, other


def test_too_few_faces_cannot_calibrate(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 photographs with a face; calibration takes 64 or more"):
        int8.faces_of(None, tmp_path)  # type: ignore[arg-type]
