from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from mien.geometry.face_parts import OCCLUSION
from mien.models import find_card
from mien.models.heads.occlusion import Occlusion
from mien.parsing import parse
from mien.parsing.parse import parser_of
from mien.types.arrays import FloatArray
from mien.types.faces import Faces
from mien.types.image import Image


@dataclass
class Inner:
    """Says "mouth" within the face's ellipse and "background" outside."""

    batch: int = 8

    def run(self, pixels: FloatArray) -> tuple[FloatArray, ...]:
        logits = np.zeros((len(pixels), len(OCCLUSION), 64, 64), np.float32)
        logits[:, OCCLUSION.index("mouth"), :, :49] = 9  # 0.76 of 64
        logits[:, 0, :, 49:] = 9
        return (logits,)


@pytest.mark.parametrize("band", [1 << 19, 4_000])
def test_a_mask_lies_where_the_box_is_and_bands_do_not_show(monkeypatch: pytest.MonkeyPatch, band: int) -> None:
    monkeypatch.setattr(parse, "BAND", band)
    monkeypatch.setattr("mien.models.heads.parsing.input_of", lambda card: type("I", (), {"size": (64, 64)}))
    head = Occlusion(find_card("expression"), Inner())  # type: ignore[arg-type]
    classes, parser = parser_of(head)
    boxes = np.array([[100, 60, 160, 140], [300, 60, 340, 100]], np.float32)
    faces = Faces(boxes * 2, np.ones(2, np.float32), np.zeros((2, 5, 2), np.float32), (800, 400))
    image = Image(np.zeros((200, 400, 3), np.uint8), (800, 400))
    masks = parser(image, faces)
    assert masks.shape == (2, 200, 400)
    assert classes[masks[0, 100, 130]] == "mouth"
    assert masks[0, 100, 320] == 0
    assert masks[1, 80, 320] > 0
    assert (masks[0] > 0).sum() == pytest.approx(60 * 80, rel=0.05)  # the ellipse has the box's area
