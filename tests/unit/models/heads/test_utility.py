"""The head of networks that were trained to rate faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_sessions import ToySession

from mien.errors import ModelInvalidError
from mien.geometry.align import ARCFACE
from mien.models import find_card
from mien.models.card import InputContract
from mien.models.heads.utility import utility
from mien.models.views import Cuts
from mien.types.arrays import FloatArray
from mien.types.faces import Faces
from mien.types.image import Image

F4 = np.float32
CARD = replace(find_card("pose", "head"), input=InputContract((112, 112), 1, "RGB", (0.0, 0.0, 0.0), 1 / 255))


def mean_red(pixels: FloatArray) -> tuple[FloatArray, ...]:
    return (pixels[:, 0].mean(axis=(1, 2), keepdims=False)[:, None],)


def two_faces(scale: int = 1) -> Cuts:
    """A bright face on the left, a dark one on the right, each exactly the template."""
    pixels = np.zeros((112 // scale, 224 // scale, 3), np.uint8)
    pixels[:, : 112 // scale, 0] = 204
    pixels[:, 112 // scale :, 0] = 51
    points = np.stack([ARCFACE, ARCFACE + np.array([112, 0], F4)])
    boxes = np.array([[0, 0, 112, 112], [112, 0, 224, 112]], F4)
    return Cuts(Image(pixels, (224, 112)), Faces(boxes, np.ones(2, F4), points, (224, 112)))


@pytest.mark.parametrize("scale", [1, 2])
def test_the_network_gets_the_aligned_face_whatever_the_decode(scale: int) -> None:
    session = ToySession(mean_red)
    column = utility(CARD, session).look(two_faces(scale))
    assert column.values == pytest.approx([0.8, 0.2], abs=0.02)
    assert column.values.shape == (2,)
    assert session.shapes == [(2, 3, 112, 112)]


def test_the_answer_is_told_in_four_digits() -> None:
    head = utility(CARD, ToySession(mean_red))
    assert head.describe(replace(head.look(two_faces()), values=np.array([1.23456, 0.2], F4)), 0) == 1.2346


def test_a_card_for_another_input_is_refused() -> None:
    with pytest.raises(ModelInvalidError, match=r"must be \[112, 112\], got \(224, 224\)"):
        utility(find_card("pose", "head"), ToySession(mean_red))
