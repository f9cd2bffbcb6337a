from __future__ import annotations

import hashlib

import numpy as np
import pytest

from mien.models import find_card, load_head
from mien.models.views import Cuts
from mien.quality.head import NAMES, QUALITY, largest_other, scores
from mien.types.faces import Column, Faces
from mien.types.image import Image
from quality_toys import landmarks, textured


def seen(pixels: np.ndarray, count: int = 1, **columns: np.ndarray) -> Cuts:
    """Faces side by side, each with its landmarks."""
    width = pixels.shape[1] // count
    boxes = np.array([[i * width, 0, (i + 1) * width, pixels.shape[0]] for i in range(count)], np.float32)
    points = np.stack([landmarks(60, (i * width + width / 2, 250)) for i in range(count)]).astype(np.float32)
    faces = Faces(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32), pixels.shape[1::-1], "p.png")
    given = {"landmarks68": Column(points, "px"), **{name: Column(values) for name, values in columns.items()}}
    return Cuts(Image(pixels), faces.with_columns(given))


def test_it_is_arithmetic_and_needs_other_heads_first() -> None:
    head = load_head("quality")
    assert head.session is None
    assert head.needs == ("landmarks68", "pose", "eyes")


def test_its_digest_is_that_of_its_card() -> None:
    card = find_card("quality", "head")
    assert card.digest == hashlib.sha256(card.path.read_bytes()).hexdigest()


def test_a_row_holds_the_score_and_every_component_with_native_and_quality() -> None:
    head = load_head("quality")
    cuts = seen(textured(), 2, pose=np.array([[45, 0, 0], [0, 0, 0]], np.float32), eyes=np.ones((2, 2), np.float32))
    column = head.look(cuts)
    assert column.values.shape == (2, 1 + len(NAMES), 2)
    yaw = column.values[:, 1 + NAMES.index("head_pose_yaw")]
    assert yaw.tolist() == [[45, 50], [0, 100]]
    assert scores(column)[0] < scores(column)[1]


def test_a_face_is_rated_the_same_alone_and_among_others_but_for_them() -> None:
    head = load_head("quality")
    picture = textured()
    both = seen(np.concatenate([picture, picture], axis=1), 2)
    alone = head.look(seen(picture))
    first = head.look(both).values[0]
    other = [NAMES.index(name) for name in ("single_face_present", "rightward_crop")]
    kept = np.delete(np.arange(1, 1 + len(NAMES)), other)
    np.testing.assert_allclose(first[kept], alone.values[0][kept], rtol=1e-5, equal_nan=True)


def test_a_description_leaves_out_what_was_not_measured_and_its_costs_make_up_the_score() -> None:
    head = load_head("quality")
    column = head.look(seen(textured() // 3))
    said = head.describe(column, 0)
    assert set(NAMES) - said["components"].keys() == {
        *("head_pose_yaw", "head_pose_pitch", "head_pose_roll", "eyes_visible", "face_occlusion_prevention")
    }
    assert said["unified"] == scores(column)[0]
    assert sum(row["cost"] for row in said["components"].values()) == pytest.approx(100 - said["unified"], abs=0.6)


def test_an_occluded_share_counts_where_the_column_is_there() -> None:
    head = load_head("quality")
    free = head.look(seen(textured(), occlusion=np.array([0.0], np.float32)))
    half = head.look(seen(textured(), occlusion=np.array([0.5], np.float32)))
    row = 1 + NAMES.index("face_occlusion_prevention")
    assert (free.values[0, row, QUALITY], half.values[0, row, QUALITY]) == (100, 50)
    assert scores(half)[0] < scores(free)[0]


def test_the_largest_other_face_is_told_for_each() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 20, 10], [0, 0, 5, 10]], np.float32)
    faces = Faces(boxes, np.ones(3, np.float32), np.zeros((3, 5, 2), np.float32), (30, 30))
    assert largest_other(faces).tolist() == [2, 0.5, 4]
    assert largest_other(faces[[0]]).tolist() == [0]
