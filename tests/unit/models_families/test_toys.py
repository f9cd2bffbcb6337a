import numpy as np
import pytest
from toy_sessions import ToySession

from mien.geometry.align import align_faces
from mien.models import LoadSettings, find_card, load_detector, load_embedder
from mien.models.embedders.arcface import arcface
from mien.testing import ToyDetector, ToyEmbedder, check_detector, check_embedder, draw_face, draw_picture
from mien.types.image import Image


def test_the_toys_keep_to_the_contracts() -> None:
    check_detector(ToyDetector())
    check_embedder(ToyEmbedder())


def test_drawn_faces_are_found_where_they_were_drawn() -> None:
    faces = ToyDetector().detect(Image(draw_picture([1, 2], side=60, gap=10)))
    assert faces.boxes.tolist() == [[10, 10, 70, 70], [80, 10, 140, 70]]


def test_a_person_drawn_twice_has_one_vector_and_another_person_another() -> None:
    picture = draw_picture([7, 8, 7], side=140)
    faces = ToyDetector().detect(Image(picture))
    vectors = ToyEmbedder().embed(align_faces(picture, faces.points))
    assert vectors[0] @ vectors[2] > 0.999
    assert vectors[0] @ vectors[1] < 0.8
    assert (draw_face(7) == draw_face(7)).all()


@pytest.mark.weights
@pytest.mark.usefixtures("weights")
def test_the_default_models_keep_to_the_contracts() -> None:
    settings = LoadSettings(engine="onnxruntime", precision="f32")
    check_detector(load_detector("yunet", settings))
    check_embedder(load_embedder("sface", settings))


def test_an_embedder_whose_vectors_do_not_depend_on_the_face_is_found_out() -> None:
    session = ToySession(lambda pixels: (np.ones((len(pixels), 128), np.float32),))
    with pytest.raises(AssertionError, match="different vectors"):
        check_embedder(arcface(find_card("sface"), session))
