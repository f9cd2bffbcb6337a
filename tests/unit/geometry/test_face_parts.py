from __future__ import annotations

import numpy as np

from face68 import points68
from mien.geometry.face_parts import (
    ACTION_UNITS,
    AMODAL,
    OCCLUSION,
    PARTS,
    action_units_of,
    amodal_parts_of,
    face_outline,
    occlusion_of,
    paint,
    parts_of,
)


def test_paint_fills_pixels_whose_middles_lie_inside() -> None:
    square = np.array([[2.0, 3.0], [6.0, 3.0], [6.0, 5.0], [2.0, 5.0]])
    labels = paint([(4, square)], (10, 8))
    assert (labels[3:5, 2:6] == 4).all()
    outside = labels.copy()
    outside[2:6, 1:7] = 0  # OpenCV draws the outline too: a border of one pixel at most
    assert not outside.any()


def test_each_part_lies_where_its_points_do() -> None:
    labels = parts_of(points68(), (200, 200))
    at = {PARTS[labels[y, x]] for x, y in ((65, 80), (135, 80))}
    assert at == {"eyes"}
    assert PARTS[labels[60, 65]] == "brows"
    assert PARTS[labels[110, 100]] == "nose"
    assert PARTS[labels[145, 100]] == "upper lip"
    assert PARTS[labels[150, 100]] == "inner mouth"
    assert PARTS[labels[157, 100]] == "lower lip"
    assert PARTS[labels[120, 60]] == "skin"
    assert PARTS[labels[5, 5]] == "background"


def test_the_forehead_reaches_four_fifths_of_the_third_above_the_brows() -> None:
    outline = face_outline(points68().astype(np.float64))
    assert outline[:, 1].min() == 60 - 0.8 * (125 - 60)  # brows at 60, base of the nose at 125


def test_a_closed_mouth_has_no_inside() -> None:
    points = points68()
    points[60:68] = np.array(
        [[80, 150], [93, 150], [100, 150], [107, 150], [120, 150], [107, 150], [100, 150], [93, 150]]
    )
    labels = parts_of(points, (200, 200))
    assert (labels == PARTS.index("inner mouth")).sum() < 60  # the line itself


def test_parts_grow_with_the_picture() -> None:
    small = np.bincount(parts_of(points68(), (200, 200)).reshape(-1), minlength=8)
    large = np.bincount(parts_of(points68(3), (600, 600)).reshape(-1), minlength=8)
    assert np.abs(large / small / 9 - 1).max() < 0.15


def test_covered_parts_keep_their_name() -> None:
    parts = np.array([[0, 1, 2], [3, 4, 0]], np.uint8)
    covered = np.array([[True, True, False], [True, False, False]])
    labels = occlusion_of(parts, covered)
    assert [OCCLUSION[n] for n in labels.reshape(-1)] == [
        "background",
        "covered rest",
        "eyes",
        "covered nose",
        "mouth",
        "background",
    ]


def test_amodal_parts_and_action_units_know_every_class() -> None:
    assert set(np.unique(amodal_parts_of(points68(), (200, 200)))) == set(range(len(AMODAL)))
    units = action_units_of(points68(), (200, 200))
    assert set(np.unique(units)) == set(range(len(ACTION_UNITS)))
    assert ACTION_UNITS[units[120, 50]] == "cheeks"
    assert ACTION_UNITS[units[170, 100]] == "chin"
    assert ACTION_UNITS[units[50, 65]] == "brows"
