"""insightface's `Face` and its choice of faces, without any network."""

import copy
import pickle

import numpy as np
import pytest

from mien.compat.insightface.app import Face, FaceAnalysis, largest, models_of
from mien.compat.warned import CompatWarning
from mien.errors import NotFoundError, UsageError
from mien.types.faces import Faces


def test_keys_are_attributes_and_what_is_missing_is_none():
    face = Face(det_score=0.9)
    face.name = "ada"
    assert face["name"] == face.name == "ada"
    assert face.det_score == 0.9
    assert face.age is face.embedding is face.normed_embedding is face.embedding_norm is face.sex is None


def test_what_follows_from_the_embedding_and_the_gender():
    face = Face(embedding=np.array([3, 4], np.float32), gender=1)
    assert face.embedding_norm == 5
    assert face.normed_embedding.tolist() == pytest.approx([0.6, 0.8])
    assert face.sex == "M"
    assert Face(gender=0).sex == "F"


def test_a_face_can_be_copied_and_pickled():
    face = Face(det_score=0.9)
    assert copy.deepcopy(face) == pickle.loads(pickle.dumps(face)) == face


def three_faces() -> Faces:
    boxes = np.array([[0, 0, 40, 40], [80, 80, 120, 120], [150, 150, 200, 200]], np.float32)
    return Faces(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros((3, 5, 2), np.float32), (200, 200))


def test_the_largest_or_the_most_central_face_is_kept():
    faces = three_faces()
    # areas 1600, 1600, 2500; middles 80 sqrt(2), 0 and 75 sqrt(2) from that of the picture
    assert largest(faces, 1, "max").scores.tolist() == faces.scores[[2]].tolist()
    assert largest(faces, 1, "default").scores.tolist() == faces.scores[[1]].tolist()
    assert len(largest(faces, 0, "max")) == len(largest(faces, 9, "max")) == 3
    with pytest.raises(UsageError, match="det_metric"):
        largest(faces, 1, "min")


def test_a_pack_is_answered_aloud_and_a_card_silently():
    with pytest.warns(CompatWarning, match="'buffalo_l' is answered by mien's 'yunet' and 'sface'"):
        models_of("buffalo_l")
    assert models_of("mobileface").embedder == "mobileface"


def test_what_would_be_dangerous_to_leave_out_is_refused():
    with pytest.raises(UsageError, match="liveness"):
        FaceAnalysis("sface", addons=["liveness"])
    with pytest.raises(UsageError, match="detection"):
        FaceAnalysis("sface", allowed_modules=["recognition"])


def test_foreign_models_are_not_found():
    from mien.compat.insightface.model_zoo import get_model

    with pytest.raises(NotFoundError):
        get_model("buffalo_l")
    with pytest.raises(UsageError, match="samples"):
        get_model("samples")
