from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from mien.models.card import Card
from mien.models.catalogue import cards, find_card
from mien.models.heads import arithmetic, heads
from mien.models.heads.age import expected
from mien.models.heads.classes import PORTRAIT
from mien.models.heads.eyes import eye_regions
from mien.models.heads.landmarks import five_points
from mien.models.heads.pose import degrees
from mien.models.network import softmax
from mien.models.views import Cuts
from mien.types.arrays import FloatArray
from mien.types.faces import Column, Faces
from mien.types.image import Image
from mien.types.template import Precision


@dataclass
class Scripted:
    """A session that answers every row with the mean of its input through `answer`."""

    answer: dict[str, FloatArray]
    batch: int = 2
    engine: str = "scripted"
    precision: Precision = Precision.F32
    pixels: None = None
    calls: list[int] = field(default_factory=list)

    @property
    def shape(self) -> tuple[None, ...]:
        return (None,) * 4

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.answer)

    def run(self, pixels: FloatArray) -> tuple[FloatArray, ...]:
        self.calls.append(len(pixels))
        return tuple(np.repeat(row[None], len(pixels), axis=0) for row in self.answer.values())


def cuts(count: int = 3) -> Cuts:
    boxes = np.array([[10 * i, 10, 10 * i + 20, 30] for i in range(count)], np.float32)
    points = boxes[:, None, :2] + np.array([[6, 8], [14, 8], [10, 12], [7, 15], [13, 15]], np.float32)
    faces = Faces(boxes, np.ones(count, np.float32), points, (100, 80), "p.jpg")
    return Cuts(Image(np.zeros((80, 100, 3), np.uint8)), faces)


def card(name: str) -> Card:
    return find_card(name, "head")


def test_every_card_of_a_head_has_a_family_that_is_registered() -> None:
    assert {c.family for c in cards("head")} <= {*heads, *arithmetic}


def test_attributes_guessed_from_looks_are_for_research() -> None:
    research = {c.name for c in cards("head") if c.head and c.head.research}
    assert {"age", "sex", "expression"} <= research
    assert not research & {"landmarks68", "pose", "eyes", "liveness"}


def test_landmarks_are_shares_of_the_square_about_the_box() -> None:
    answer = np.tile(np.array([0.25, 0.5], np.float32), 68)
    session = Scripted({"output": answer})
    column = heads["landmarks68"](card("landmarks68"), session).look(cuts())
    assert column.unit == "px"
    assert column.values.shape == (3, 68, 2)
    assert column.values[1, 0].tolist() == [15, 20]
    assert session.calls == [2, 1]


def test_an_angle_is_the_expectation_over_bins_of_three_degrees() -> None:
    logits = np.full((2, 66), -1000, np.float32)
    logits[0, 33] = 0
    logits[1, [10, 20]] = 0
    assert degrees(logits).tolist() == pytest.approx([0, 15 * 3 - 99], abs=1e-4)


def test_pose_has_a_column_of_three_angles() -> None:
    bins = {name: np.eye(66, dtype=np.float32)[i] * 1000 for name, i in (("y", 33), ("p", 43), ("r", 23))}
    head = heads["pose"](card("pose"), Scripted(bins))
    column = head.look(cuts(1))
    assert head.describe(column, 0) == {"yaw": 0.0, "pitch": 30.0, "roll": -30.0}


def test_the_first_class_of_age_is_an_infant_and_the_others_their_number() -> None:
    shares = np.zeros((3, 81), np.float32)
    shares[0, 0] = shares[1, 40] = 1
    shares[2, [20, 30]] = 0.5
    assert expected(shares).tolist() == [0.25, 40, 25]


def test_the_cut_of_an_eye_is_a_square_of_1_6_widths_about_its_lids() -> None:
    points = np.zeros((1, 68, 2), np.float32)
    points[0, 36:42] = [[10, 50], [13, 48], [17, 48], [20, 50], [17, 52], [13, 52]]
    assert eye_regions(points, 36).tolist() == [[7, 42, 23, 58]]


def test_eyes_follow_the_landmarks_and_the_labels_of_the_card() -> None:
    looked = cuts(2)
    points = np.random.default_rng(0).uniform(10, 60, (2, 68, 2)).astype(np.float32)
    looked.faces = looked.faces.with_columns({"landmarks68": Column(points, "px")})
    logits = np.array([-1000, 0], np.float32)  # closed, open
    head = heads["eyes"](card("eyes"), Scripted({"output": logits}))
    assert head.needs == ("landmarks68",)
    assert head.look(looked).values.tolist() == [[1, 1], [1, 1]]


def test_classes_are_named_in_the_order_of_the_card() -> None:
    logits = np.log(np.array([0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1], np.float32))
    head = heads["expression"](card("expression"), Scripted({"output": logits}))
    said = head.describe(head.look(cuts(1)), 0)
    assert said["label"] == "happy"
    facts = card("expression").head
    assert facts is not None
    cooler = 1 / facts.parameters["temperature"]  # logits are divided by it: p becomes p^(1 / T), normalised
    assert said["probabilities"]["happy"] == pytest.approx(0.4**cooler / (0.4**cooler + 6 * 0.1**cooler), abs=1e-4)


def test_sex_takes_the_networks_probabilities_as_they_are() -> None:
    head = heads["sex"](card("sex"), Scripted({"probabilities": np.array([0.3, 0.7], np.float32)}))
    assert head.describe(head.look(cuts(1)), 0)["probabilities"] == {"female": 0.3, "male": 0.7}


def test_age_and_sex_share_one_upright_cut() -> None:
    looked = cuts(2)
    shares = np.eye(81, dtype=np.float32)[30]
    heads["age"](card("age"), Scripted({"probabilities": shares})).look(looked)
    upright = looked.cut(PORTRAIT)
    heads["sex"](card("sex"), Scripted({"probabilities": np.array([0.3, 0.7], np.float32)})).look(looked)
    assert looked.cut(PORTRAIT) is upright
    assert upright.shape == (2, 128, 128, 3)


def test_an_upright_cut_is_dlibs_chip_whatever_the_turn_of_the_head() -> None:
    """dlib's get_face_chip_details with a padding of 0.2 puts its mean face's eyes, nose tip and mouth here."""
    mean = np.array([[0.2273, 0.2214], [0.7528, 0.2212], [0.4901, 0.5156], [0.2541, 0.7802], [0.7261, 0.7802]])
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # a quarter
    points = ((mean - 0.5) * 70 @ turn + (100, 90)).astype(np.float32)
    pixels = np.zeros((200, 200, 3), np.uint8)
    for number, (x, y) in enumerate(points.round().astype(int)):
        pixels[y - 2 : y + 3, x - 2 : x + 3] = 50 * (number + 1)
    box = np.array([[50, 50, 150, 150]], np.float32)
    faces = Faces(box, np.ones(1, np.float32), points[None], (200, 200))
    chip = Cuts(Image(pixels), faces).cut(PORTRAIT)[0]
    at = ((mean + 0.2) / 1.4 * 128).round().astype(int)
    assert [int(chip[y, x, 0]) for x, y in at] == pytest.approx([50, 100, 150, 200, 250], abs=5)


def test_softmax_sums_to_one_for_logits_of_any_size() -> None:
    shares = softmax(np.array([[1e4, 1e4], [-1e4, 0]], np.float32))
    assert shares.tolist() == [[0.5, 0.5], [0, 1]]


def test_five_points_are_eye_middles_nose_tip_and_mouth_corners() -> None:
    points = np.zeros((1, 68, 2), np.float32)
    points[0, 36:42, 0] = np.arange(6)
    points[0, 42:48, 0] = 10 + np.arange(6)
    points[0, 30], points[0, 48], points[0, 54] = (1, 2), (3, 4), (5, 6)
    assert five_points(points)[0].tolist() == [[2.5, 0], [12.5, 0], [1, 2], [3, 4], [5, 6]]
