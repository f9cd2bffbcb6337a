"""face_recognition's tolerance and boxes, without any network."""

import math

import numpy as np
import pytest

from mien.compat import configure, face_recognition, operating_point
from mien.compat.face_recognition.encoding import radius
from mien.compat.face_recognition.locating import located, location_of
from mien.errors import FaceError, ModelMismatchError, UsageError
from mien.types.faces import Face, Faces


def at(cosine: float) -> np.ndarray:
    """An encoding that has this cosine with ``at(1)``."""
    return radius() * np.array([cosine, math.sqrt(1 - cosine**2)])


@pytest.mark.parametrize("fmr", [1e-2, 1e-4])
def test_the_default_tolerance_is_the_operating_point(fmr):
    configure(fmr=fmr)
    threshold = operating_point().threshold
    known = [at(threshold + 1e-6), at(threshold - 1e-6), at(1.0), at(0.0)]
    assert face_recognition.compare_faces(known, at(1.0)) == [True, False, True, False]


def test_distances_are_euclidean_also_for_who_computes_them_himself():
    known = [at(0.2), at(0.9)]
    by_hand = [math.dist(row, at(1.0)) for row in known]
    assert face_recognition.face_distance(known, at(1.0)) == pytest.approx(by_hand)


def test_nobody_known_is_an_empty_answer():
    assert face_recognition.face_distance([], at(1.0)).shape == (0,)
    assert face_recognition.compare_faces([], at(1.0)) == []


def test_the_mean_of_encodings_may_be_compared():
    mean = (at(1.0) + at(0.5)) / 2
    assert face_recognition.face_distance([mean], at(1.0))[0] < face_recognition.face_distance([at(0.5)], at(1.0))[0]


@pytest.mark.parametrize("foreign", [np.full(2, 1.0), np.full(3, 0.1), np.array([np.nan, 0.0])])
def test_encodings_of_another_library_are_refused(foreign):
    with pytest.raises(ModelMismatchError, match="again"):
        face_recognition.compare_faces([foreign], at(1.0))


def test_a_box_is_top_right_bottom_left_within_the_picture():
    assert location_of(Face((-4.0, 10.4, 120.6, 95.7), 0.9), (100, 90)) == (10, 100, 90, 0)


def two_faces() -> Faces:
    boxes = np.array([[10, 10, 50, 60], [100, 20, 150, 80]], np.float32)
    return Faces(boxes, np.array([0.9, 0.8], np.float32), np.zeros((2, 5, 2), np.float32), (200, 100), "two.jpg")


def test_boxes_mean_the_faces_they_overlap_in_their_order():
    faces = two_faces()
    boxes = [location_of(face, faces.size) for face in faces]
    assert located(faces, boxes[::-1]).scores.tolist() == faces.scores[::-1].tolist()
    assert len(located(faces, None)) == 2
    assert len(located(faces, [])) == 0


def test_a_box_without_a_face_has_no_encoding():
    with pytest.raises(FaceError, match=r"no face at \(60, 90, 90, 60\)"):
        located(two_faces(), [(60, 90, 90, 60)])
    with pytest.raises(FaceError):
        located(Faces.none((200, 100)), [(60, 90, 90, 60)])


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("face_landmarks", {"model": "huge"}),
        ("face_locations", {"model": "hug"}),
        ("face_encodings", {"model": "huge"}),
        ("face_locations", {"number_of_times_to_upsample": 9}),
        ("load_image_file", {"mode": "CMYK"}),
    ],
)
def test_an_unknown_option_is_refused(call, arguments):
    with pytest.raises(UsageError):
        getattr(face_recognition, call)(np.zeros((90, 90, 3), np.uint8), **arguments)


def test_a_picture_is_loaded_in_colour_or_grey(tmp_path):
    from PIL import Image

    path = tmp_path / "grey.png"
    Image.new("RGB", (100, 90), (200, 100, 50)).save(path)
    assert face_recognition.load_image_file(path)[0, 0].tolist() == [200, 100, 50]
    assert face_recognition.load_image_file(path, mode="L").shape == (90, 100)
    assert face_recognition.load_image_file(path, mode="L")[0, 0] == round(0.299 * 200 + 0.587 * 100 + 0.114 * 50)
