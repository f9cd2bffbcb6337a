"""The nouns refuse what they cannot be."""

import numpy as np
import pytest

from mien.errors import ModelMismatchError
from mien.types.arrays import unit_rows
from mien.types.faces import Face, Faces
from mien.types.image import Image
from mien.types.template import Precision, TemplateContract, Templates

CONTRACT = TemplateContract("sface", "ab" * 32, 4, "arcface5-112-rgb")
FACE = Face((0.0, 0.0, 1.0, 1.0), 0.9)


def test_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match=r"points must have shape \(2, 5, 2\)"):
        Faces(np.zeros((2, 4), np.float32), np.zeros(2, np.float32), np.zeros((1, 5, 2), np.float32), (10, 10))


def test_a_selection_reads_like_the_sentence():
    faces = Faces(
        np.arange(8, dtype=np.float32).reshape(2, 4),
        np.array([0.9, 0.3], np.float32),
        np.zeros((2, 5, 2), np.float32),
        (10, 10),
    )
    assert faces[faces.scores > 0.5].boxes.tolist() == [[0, 1, 2, 3]]


def test_faces_in_a_reduced_picture_scale_back():
    faces = Faces(np.ones((1, 4), np.float32), np.ones(1, np.float32), np.ones((1, 5, 2), np.float32), (5, 5))
    back = faces.scaled(2, 3, (10, 15))
    assert back.boxes.tolist() == [[2, 3, 2, 3]]
    assert back.points[0, 0].tolist() == [2, 3]
    assert back.size == (10, 15)


def test_an_image_is_rgb_bytes():
    with pytest.raises(ValueError, match="uint8 RGB"):
        Image(np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_templates_are_finite_and_of_length_one(bad):
    vector = np.full((1, 4), bad, np.float32)
    with pytest.raises(ValueError, match="finite and of length 1"):
        Templates(vector, Precision.F32, CONTRACT, (FACE,))


def test_unit_rows_refuses_a_zero_row():
    assert np.allclose(unit_rows(np.array([[3, 4]], np.float32)), [[0.6, 0.8]])
    with pytest.raises(ValueError, match="zero or not finite"):
        unit_rows(np.zeros((1, 4), np.float32))


def test_a_contract_is_its_facts_not_its_name():
    renamed = TemplateContract("other-name", CONTRACT.weights, 4, CONTRACT.preprocessing)
    assert renamed.digest == CONTRACT.digest
    CONTRACT.require(renamed, "g.mien")


def test_templates_of_another_model_are_refused_with_both_digests():
    other = TemplateContract("mobileface", "cd" * 32, 4, CONTRACT.preprocessing)
    with pytest.raises(ModelMismatchError, match=f"{CONTRACT.digest[:12]}.*{other.digest[:12]}"):
        CONTRACT.require(other, "g.mien")


def test_f32_and_bf16_mix_and_int8_keeps_to_itself():
    assert Precision.F32.mixes_with(Precision.BF16)
    assert Precision.INT8.mixes_with(Precision.INT8)
    assert not Precision.INT8.mixes_with(Precision.F32)
