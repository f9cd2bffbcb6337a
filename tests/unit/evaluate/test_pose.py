"""Heads of pose beside each other, with figures worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.cli.main import run
from mien.errors import UsageError
from mien.evaluate.heads import Observed
from mien.evaluate.heads_pose import TURNS, Posed, compared, correlation, pose_report, run_pose
from mien.models import find_card, load_head
from mien.types.image import Image

NAN = [np.nan] * 3


def posed(name: str, angles: list[list[float]], *, needs: tuple[str, ...] = (), frontal: bool = True) -> Posed:
    """A head that says the same of mirrored and of turned pictures."""
    values = {name: np.array(angles, np.float32)}
    seen = Observed(~np.isnan(values[name]).any(axis=1), values, {name: 2.0, "landmarks68": 1.5}, ())
    return Posed(find_card(name), seen, seen, dict.fromkeys(TURNS, seen), needs, frontal)


def test_two_heads_are_compared_on_the_faces_that_both_saw() -> None:
    one = posed("pose", [[1, 0, 0], [3, 0, 0], [5, 0, 0], NAN])
    other = posed("pose3d", [[0, 0, 0], [4, 0, 0], [5, 0, 0], [90, 0, 0]])
    said = compared(one, other)
    assert said["heads"] == ["pose", "pose3d"]
    assert said["yaw"]["absolute"]["value"] == pytest.approx(2 / 3)
    assert said["yaw"]["difference"]["value"] == pytest.approx(0)
    assert said["yaw"]["absolute"]["faces"] == 3
    assert said["pitch"]["correlation"]["value"] is None  # neither moved


def test_correlation_is_pearsons_and_lies_in_its_interval() -> None:
    r = correlation(np.array([1.0, 2, 3, 4]), np.array([2.0, 1, 4, 3]))
    assert r.value == pytest.approx(0.6)  # covariance 3, both sums of squares 5
    assert r.low is not None
    assert r.high is not None
    assert r.low <= 0.6 <= r.high <= 1


def test_a_head_that_takes_columns_is_timed_with_what_makes_them() -> None:
    row = posed("pose3d", [[0, 0, 0]], needs=("landmarks68",)).to_dict()
    assert (row["ms"], row["ms_with_needs"]) == (2.0, 3.5)


def test_faces_that_look_anywhere_have_no_frontal_error() -> None:
    report = pose_report([posed("pose", [[40, 0, 0]], frontal=False)], "toy", "")
    assert "frontal" not in report.data["heads"][0]
    assert "straight" not in report.sections[-1].text
    assert "frontal" in pose_report([posed("pose", [[0, 0, 0]])], "toy", "").data["heads"][0]


def test_several_heads_are_observed_once_and_the_report_pairs_them() -> None:
    calls = []

    def watch(turned: Callable[[Image], Image] | None) -> Observed:
        calls.append(turned)
        angles = np.zeros((2, 3), np.float32)
        return Observed(np.ones(2, bool), {"pose3d": angles, "pose5": angles + 1}, {}, ())

    results = run_pose([load_head("pose3d"), load_head("pose5")], watch)
    assert len(calls) == 2 + len(TURNS)
    data = pose_report(results, "toy", "").data
    assert [row["head"] for row in data["heads"]] == ["pose3d", "pose5"]
    assert data["compared"][0]["roll"]["difference"]["value"] == -1


def test_pictures_without_any_face_are_refused() -> None:
    nobody = Observed(np.zeros(1, bool), {"pose5": np.full(1, np.nan, np.float32)}, {}, ())
    with pytest.raises(UsageError, match="no face"):
        run_pose([load_head("pose5")], lambda _: nobody)


def test_a_head_that_gives_no_angles_is_refused() -> None:
    with pytest.raises(UsageError, match="'landmarks68-3d' gives no yaw, pitch, roll"):
        run_pose([load_head("landmarks68-3d")], lambda _: pytest.fail("nothing need be looked at"))


@pytest.mark.data
@pytest.mark.weights
def test_three_ways_to_a_pose_agree_on_real_faces(
    data: Path, need: Callable[[str], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for card in ("yunet", "landmarks68", "pose"):
        need(card)
    for name in ("001_03.jpg", "002_03.jpg", "003_03.jpg"):
        (tmp_path / name).write_bytes((data / "london" / "neutral_front" / name).read_bytes())
    assert run(["evaluate", "pose", "--root", str(tmp_path), "--head", "pose,pose3d,pose5"]) == 0
    shown = capsys.readouterr().out
    assert "pose and pose3d" in shown
    assert "pose3d and pose5" in shown
