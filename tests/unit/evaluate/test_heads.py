from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mien.errors import NotFoundError, UsageError
from mien.evaluate.heads import Mean, Observed, central
from mien.evaluate.heads_attributes import Attributes, attribute_report
from mien.evaluate.heads_expression import Expressions, calibration_error, expression_report, read_expressions
from mien.evaluate.heads_eyes import Closing, eyes_report, run_eyes
from mien.evaluate.heads_live import Live, live_report
from mien.evaluate.heads_pose import TURNS, Posed, mirror, pose_report, rotated
from mien.evaluate.protocols.labelled import Labelled
from mien.models import find_card
from mien.types.faces import Faces
from mien.types.image import Image

F4 = np.float32


def observed(found: list[bool], **values: Any) -> Observed:
    return Observed(np.array(found), {k: np.array(v, F4) for k, v in values.items()}, dict.fromkeys(values, 1.0), ())


def test_the_central_face_is_meant() -> None:
    boxes = np.array([[0, 0, 10, 10], [40, 40, 60, 60]], F4)
    faces = Faces(boxes, np.ones(2, F4), np.zeros((2, 5, 2), F4), (100, 100))
    chosen = central(faces)
    assert chosen is not None
    assert chosen.boxes.tolist() == [[40, 40, 60, 60]]
    assert central(Faces.none((10, 10))) is None


def test_a_mean_lies_in_its_interval_and_none_stands_for_no_faces() -> None:
    mean = Mean.of(np.array([1.0, 2.0, 6.0]))
    assert mean.value == 3
    assert mean.low is not None
    assert mean.high is not None
    assert 1 <= mean.low <= 3 <= mean.high <= 6
    assert Mean.of(np.array([])).value is None


def test_errors_of_age_and_sex_are_told_by_group_and_the_missed_are_left_out() -> None:
    data = Labelled(
        "toy",
        tuple(Path(f"{i}.jpg") for i in range(4)),
        np.arange(4),
        {
            "age": np.array(["20-39", "20-39", "4-12", "20-39"]),
            "gender": np.array(["male", "female", "female", "male"]),
            "race": np.array(["Black", "White", "White", "White"]),
        },
    )
    seen = observed([True, True, True, False], age=[30, 20, 10, np.nan], sex=[[0, 1], [0.4, 0.6], [1, 0], [np.nan] * 2])
    cards = {name: find_card(name) for name in ("age", "sex")}
    result = Attributes(data, np.array([20.0, 25.0, 10.0, 30.0]), seen, cards)
    said = result.to_dict()
    ages = {row["group"]: row for row in said["age"]["rows"]}
    assert ages["all"]["mae"]["value"] == 5
    assert ages["all"]["bias"] == pytest.approx((10 - 5 + 0) / 3)
    assert ages["race: Black"]["mae"]["value"] == 10
    assert ages["gender and race: male White"]["mae"]["faces"] == 0
    sexes = {row["group"]: row["errors"] for row in said["sex"]["rows"]}
    assert (sexes["all"]["errors"], sexes["all"]["trials"]) == (1, 2)
    assert attribute_report(result, "mien evaluate age").data == said


def test_expression_counts_the_missed_as_wrong_in_all_pictures() -> None:
    card = find_card("expression")
    shares = np.zeros((4, 7))
    shares[0, 3] = shares[1, 3] = shares[2, 4] = 1
    shares[3] = np.nan
    result = Expressions(card, np.array([3, 4, 4, 4]), observed([True, True, True, False], expression=shares))
    said = result.to_dict()
    assert (said["accuracy"]["errors"], said["accuracy"]["trials"]) == (2, 3)
    assert (said["all_pictures"]["errors"], said["all_pictures"]["trials"]) == (2, 4)
    assert said["confusion"][4][3] == 1
    assert said["recall"][4]["value"] == 0.5
    assert expression_report(result, "toy", "mien evaluate expression").data["dataset"] == "toy"


def test_calibration_error_is_the_mean_gap_of_bins() -> None:
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], F4)
    truth = np.array([0, 1, 0, 0])  # 0.9 said, half right: 0.4; 0.6 said, all right: 0.4
    assert calibration_error(shares, truth) == pytest.approx(0.4, abs=1e-6)


def test_folders_are_labels_and_others_are_refused(tmp_path: Path) -> None:
    for name in ("happy", "sad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").touch()
    paths, truth = read_expressions(tmp_path, ("sad", "happy"))
    assert [path.parent.name for path in paths] == ["happy", "sad"]
    assert truth.tolist() == [1, 0]
    with pytest.raises(UsageError, match="sad"):
        read_expressions(tmp_path, ("happy",))
    with pytest.raises(NotFoundError):
        read_expressions(tmp_path / "none", ("happy",))


def test_bpcer_counts_living_people_below_the_threshold() -> None:
    shares = [[0.9, 0.1, 0], [0.4, 0.6, 0], [0.2, 0.8, 0], [np.nan] * 3]
    result = Live(find_card("liveness"), observed([True, True, True, False], liveness=shares))
    rates = result.to_dict([0.3, 0.5])["bpcer"]
    assert [(rate["errors"], rate["trials"]) for rate in rates] == [(1, 3), (2, 3)]
    assert live_report(result, [0.5], "toy", "").data["bpcer"][0]["threshold"] == 0.5


def test_roll_must_follow_a_known_turn_and_signs_the_mirror() -> None:
    plain = observed([True, False], pose=[[2, 5, 1], [np.nan] * 3])
    flipped = observed([True, False], pose=[[-2, 5, -2], [np.nan] * 3])
    turned = {t: observed([True, False], pose=[[2, 5, 1 + t - 1], [np.nan] * 3]) for t in TURNS}
    result = Posed(find_card("pose"), plain, flipped, turned)
    said = result.to_dict()
    assert {angle: row["value"] for angle, row in said["mirrored"].items()} == {"yaw": 0, "pitch": 0, "roll": 1}
    assert {row["error"]["value"] for row in said["turned"].values()} == {1}
    assert said["frontal"]["pitch"]["median"] == 5
    assert pose_report([result], "toy", "").data["heads"][0]["found"] == 1


def test_a_turn_is_clockwise_and_a_mirror_image_swaps_the_sides() -> None:
    pixels = np.zeros((41, 41, 3), np.uint8)
    pixels[0:4, 18:23] = 255  # top middle
    right = rotated(Image(pixels), 90).pixels
    assert right[18:23, 37:41].mean() > 200
    assert mirror(Image(right)).pixels[18:23, 0:4].mean() > 200


def test_eyes_called_wrongly_are_counted_by_eye_and_by_face_open_and_shut() -> None:
    opened = observed([True, True, True, False], eyes=[[0.9, 0.4], [0.1, 0.2], [1, 1], [np.nan] * 2])
    shut = observed([True, False, True, False], eyes=[[0.9, 0.4], [np.nan] * 2, [0, 0.3], [np.nan] * 2])
    closing = Closing(None, None)  # type: ignore[arg-type]
    result = run_eyes(find_card("eyes"), lambda turned: shut if turned is closing else opened, closing)
    said = result.to_dict()
    assert (said["eyes"]["errors"], said["eyes"]["trials"]) == (3, 6)
    assert (said["either"]["errors"], said["either"]["trials"]) == (2, 3)
    assert (said["closed_eyes"]["errors"], said["closed_eyes"]["trials"]) == (1, 4)
    assert (said["closed_both"]["errors"], said["closed_both"]["trials"]) == (1, 2)
    assert said["thresholds"][1]["closed"]["errors"] == 3  # from 0.25 on
    assert eyes_report(result, "toy", "").data["closed_material"] == "made of the open ones"


def test_a_face_without_a_find_keeps_its_eyes_as_they_are() -> None:
    picture = Image(np.zeros((20, 30, 3), np.uint8))
    detector = SimpleNamespace(detect=lambda image: Faces.none(image.size))
    assert Closing(detector, None)(picture) is picture  # type: ignore[arg-type]
