from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from mien.geometry.face_parts import OCCLUSION
from mien.geometry.tanh_polar import areas
from mien.models.card import read_card
from mien.models.heads import heads
from mien.models.heads.occlusion import REGIONS, covered_shares
from mien.models.views import Cuts
from mien.types.arrays import FloatArray
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.template import Precision

SIDE = 16
CARD = """
name = "toy"
kind = "head"
family = "{family}"
summary = "A toy."
[licences]
code = "MIT"
weights = "MIT"
training_data = "none"
[[files]]
name = "toy.onnx"
sha256 = "{zeros}"
bytes = 1
sources = ["file:/toy.onnx"]
[input]
size = [16, 16]
colour = "RGB"
mean = [127.5, 127.5, 127.5]
scale = 0.00784
[head]
use = "general"
gives = "classes"
labels = [{labels}]
"""


@dataclass
class Fixed:
    """A session that gives every square the same logits."""

    logits: FloatArray
    batch: int = 2
    engine: str = "fixed"
    precision: Precision = Precision.F32
    pixels: None = None
    shape: tuple[None, ...] = (None,) * 4
    outputs: tuple[str, ...] = ("logits",)
    seen: list[FloatArray] = field(default_factory=list)

    def run(self, pixels: FloatArray) -> tuple[FloatArray, ...]:
        self.seen.append(pixels)
        return (np.repeat(self.logits[None], len(pixels), axis=0),)


def toy(tmp_path: Path, family: str, labels: tuple[str, ...], classes: np.ndarray, count: int):  # type: ignore[no-untyped-def]
    path = tmp_path / "toy.toml"
    words = ", ".join(f'"{label}"' for label in labels)
    path.write_text(CARD.format(family=family, zeros="0" * 64, labels=words), "utf-8")
    logits = np.eye(count, dtype=np.float32)[classes].transpose(2, 0, 1) * 9
    return heads[family](read_card(path), Fixed(logits))


def cuts(count: int = 3) -> Cuts:
    boxes = np.array([[10 * i, 10, 10 * i + 20, 30] for i in range(count)], np.float32)
    faces = Faces(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32), (100, 80), "p.jpg")
    return Cuts(Image(np.zeros((80, 100, 3), np.uint8)), faces)


def test_parsing_gives_the_class_of_every_cell_of_every_face(tmp_path: Path) -> None:
    classes = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 3
    head = toy(tmp_path, "parsing", ("background", "skin", "hair"), classes, 3)
    column = head.look(cuts())
    assert column.values.shape == (3, SIDE, SIDE)
    assert (column.values[2] == classes).all()
    assert [len(pixels) for pixels in head.session.seen] == [2, 1]


def test_shares_of_classes_are_shares_of_the_pictures_area(tmp_path: Path) -> None:
    """Columns 0 to 3 are skin, 4 to 7 hair: rings of the areas arctanh(4/16)^2 and what arctanh(8/16)^2 adds."""
    classes = np.zeros((SIDE, SIDE), int)
    classes[:, :4], classes[:, 4:8] = 1, 2
    head = toy(tmp_path, "parsing", ("background", "skin", "hair"), classes, 3)
    inner, whole = np.arctanh(0.25) ** 2, np.arctanh(0.5) ** 2
    assert head.describe(head.look(cuts(1)), 0) == {
        "skin": pytest.approx(inner / whole, abs=1e-4),
        "hair": pytest.approx(1 - inner / whole, abs=1e-4),
    }


def test_half_covered_eyes_are_half_and_the_face_is_by_area() -> None:
    number = {name: i for i, name in enumerate(OCCLUSION)}
    classes = np.full((1, SIDE, SIDE), number["rest"])
    classes[0, :4] = number["eyes"]
    classes[0, 4:8] = number["covered eyes"]
    classes[0, 8:10] = number["covered mouth"]
    shares = dict(zip(REGIONS, covered_shares(classes)[0], strict=True))
    assert shares["eyes"] == pytest.approx(0.5)
    assert shares["mouth"] == 1
    assert shares["face"] == pytest.approx(6 / 16)  # rows have equal areas
    assert np.isnan(shares["nose"])


def test_the_rest_of_the_picture_in_the_last_column_does_not_count() -> None:
    classes = np.ones((1, SIDE, SIDE), int)
    classes[:, :, -1] = OCCLUSION.index("covered rest")
    assert covered_shares(classes)[0, 0] == 0
    assert np.isinf(areas(SIDE)[:, -1]).all()


def test_occlusion_names_regions_and_says_when_it_does_not_know(tmp_path: Path) -> None:
    classes = np.full((SIDE, SIDE), OCCLUSION.index("covered rest"))
    head = toy(tmp_path, "occlusion", REGIONS, classes, len(OCCLUSION))
    column = head.look(cuts(2))
    assert column.values.shape == (2, 4)
    assert head.describe(column, 1) == {"face": 1.0, "eyes": None, "nose": None, "mouth": None}
