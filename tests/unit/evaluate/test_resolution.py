from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.cli.main import run
from mien.evaluate.landmark_factors import by_yaw, yaws
from mien.evaluate.plots import cumulative_errors
from mien.evaluate.resolution import seen
from mien.geometry.mean_face import FIVE
from mien.geometry.pose import rotations_of
from mien.types.image import Image


def test_a_reduced_and_enlarged_picture_keeps_its_coordinates() -> None:
    image = Image(np.full((40, 80, 3), 9, np.uint8), source="a")
    looked = seen(image, reduce=20, enlarge=160)
    assert (looked.size, looked.full_size, looked.source) == ((160, 80), (80, 40), "a")
    assert looked.scale == (2, 2)
    assert (looked.pixels == 9).all()


def test_details_that_the_smaller_picture_cannot_hold_are_gone() -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert seen(Image(stripes), reduce=16, enlarge=64).pixels.std() < 2


def test_a_picture_that_is_large_enough_is_left_alone() -> None:
    image = Image(np.zeros((40, 80, 3), np.uint8))
    assert seen(image, reduce=80, enlarge=80) is image
    assert seen(image) is image


def test_faces_are_binned_by_how_far_they_are_turned_to_either_side() -> None:
    angles = np.array([[0, 0, 0], [20, 0, 0], [-35, 0, 0], [60, 0, 0]], float)
    truth = 40 + 10 * np.einsum("nij,kj->nki", rotations_of(angles), FIVE)[..., :2]
    assert yaws(truth) == pytest.approx([0, 20, 35, 60], abs=0.1)
    found = truth.copy()
    found[2] = np.nan
    rows = by_yaw(found, truth)
    assert [row["faces"] for row in rows] == [1, 1, 1, 1]
    assert [row["nme"]["box"]["failure"][0]["errors"] for row in rows] == [0, 0, 1, 0]


def test_a_face_whose_marks_are_in_one_place_is_in_no_bin() -> None:
    assert sum(row["faces"] for row in by_yaw(np.ones((1, 5, 2)), np.ones((1, 5, 2)))) == 0


def test_the_error_curve_names_its_axes() -> None:
    svg = cumulative_errors({"a": [0.01, np.inf], "b": [0.1]}, limit=0.2, title="Errors", note="2 faces")
    assert "Normalised mean error" in svg


@pytest.mark.parametrize("sides", ["8", "40.5", "forty"])
def test_sides_that_no_picture_can_have_are_refused(
    sides: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", "landmarks", "--root", str(tmp_path), "--sides", sides]) == 2
    assert "--sides takes" in capsys.readouterr().err
