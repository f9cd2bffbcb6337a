from __future__ import annotations

import numpy as np

from mien.geometry.tracks import Tracks
from mien.types.arrays import Boxes, Points


def faces(*corners: tuple[float, float]) -> tuple[Boxes, Points]:
    """Faces of 100 pixels with their left upper corner here."""
    boxes = np.array([(x, y, x + 100, y + 100) for x, y in corners], np.float32).reshape(-1, 4)
    points = np.array([[(30, 40), (70, 40), (50, 60), (35, 80), (65, 80)]], np.float32) + boxes[:, None, :2]
    return boxes, points.astype(np.float32)


def test_faces_keep_their_numbers_in_whatever_order_they_come() -> None:
    tracks = Tracks()
    assert tracks.follow(*faces((0, 0), (300, 0))) == [0, 1]
    assert tracks.follow(*faces((310, 5), (10, 5))) == [1, 0]


def test_a_face_far_from_all_others_is_a_new_one() -> None:
    tracks = Tracks()
    tracks.follow(*faces((0, 0)))
    assert tracks.follow(*faces((160, 0), (5, 0))) == [1, 0]


def test_of_two_that_could_be_it_the_nearer_one_is() -> None:
    tracks = Tracks()
    tracks.follow(*faces((0, 0)))
    assert tracks.follow(*faces((40, 0), (10, 0))) == [1, 0]


def test_points_bridge_a_jump_that_boxes_do_not() -> None:
    tracks = Tracks()
    tracks.follow(*faces((0, 0)))
    assert tracks.follow(*faces((49, 49))) == [1]  # 69 pixels, IoU 0.15
    assert tracks.follow(*faces((49, 98))) == [1]  # 49 pixels, IoU 0.34


def test_a_face_that_was_away_for_longer_than_patience_is_new() -> None:
    tracks = Tracks(patience=2)
    tracks.follow(*faces((0, 0)))
    for _ in range(2):
        assert tracks.follow(*faces()) == []
    assert tracks.follow(*faces((0, 0))) == [0]
    for _ in range(3):
        tracks.follow(*faces())
    assert tracks.follow(*faces((0, 0))) == [1]
