"""Which faces become templates is a policy, and its refusals are explicit."""

import numpy as np
import pytest

from mien.errors import FaceError
from mien.pipeline import Policy, choose
from mien.pipeline.acquire import require_size
from mien.types.faces import Faces


def faces(*boxes: tuple[float, float, float, float]) -> Faces:
    n = len(boxes)
    return Faces(
        np.array(boxes, np.float32).reshape(n, 4),
        np.linspace(0.9, 0.5, n, dtype=np.float32),
        np.zeros((n, 5, 2), np.float32),
        (200, 100),
        "crowd.jpg",
    )


LEFT_LARGE, CENTRAL_SMALL = (0, 0, 60, 80), (95, 40, 115, 60)


def test_largest_takes_the_largest_box():
    assert choose(faces(CENTRAL_SMALL, LEFT_LARGE), Policy.LARGEST).boxes.tolist() == [list(LEFT_LARGE)]


def test_central_takes_the_face_nearest_to_the_middle_of_the_picture():
    assert choose(faces(LEFT_LARGE, CENTRAL_SMALL), Policy.CENTRAL).boxes.tolist() == [list(CENTRAL_SMALL)]


def test_all_takes_every_face():
    assert len(choose(faces(LEFT_LARGE, CENTRAL_SMALL), Policy.ALL)) == 2


def test_one_refuses_several_and_names_their_boxes():
    with pytest.raises(FaceError, match=r"crowd\.jpg: 2 faces .* 0 0 60 80; 95 40 115 60; .*--faces largest") as caught:
        choose(faces(LEFT_LARGE, CENTRAL_SMALL), Policy.ONE)
    assert caught.value.code == "several-faces"


@pytest.mark.parametrize("policy", list(Policy))
def test_no_face_is_refused_under_every_policy(policy):
    with pytest.raises(FaceError, match=r"crowd\.jpg: no face found") as caught:
        choose(Faces.none((200, 100), "crowd.jpg"), policy)
    assert caught.value.code == "no-face"


def test_a_face_too_small_to_enrol_is_refused_with_its_size():
    with pytest.raises(FaceError, match="20 px high, at least 40") as caught:
        require_size(faces(CENTRAL_SMALL), 40)
    assert caught.value.code == "face-too-small"
    assert require_size(faces(LEFT_LARGE), 40)
