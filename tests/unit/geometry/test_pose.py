"""Poses of a face whose pose is known: drawn with a camera that the solver does not have."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.geometry.mean_face import FIVE, MIRRORED, SHAPE
from mien.geometry.pose import F8, angles_of, rotations_of, solve_poses

EYES = 100.0
"""Pixels between the eyes of a frontal face."""


def drawn(angles: F8, shape: F8, *, distance: float = 30, noise: float = 0.0, seed: int = 0) -> F8:
    """(n, k, 2) of a pinhole camera, `distance` eye distances away: 30 are 1.9 m."""
    turned = np.einsum("nij,kj->nki", rotations_of(angles), shape)
    seen = turned[..., :2] * (distance / (distance + turned[..., 2:]))
    return 400 + EYES * (seen + np.random.default_rng(seed).normal(0, noise, seen.shape))


def many(count: int, yaw: float, pitch: float, roll: float) -> F8:
    return np.random.default_rng(1).uniform(-1, 1, (count, 3)) * [yaw, pitch, roll]


@pytest.mark.parametrize(
    ("angles", "axis", "sign"),
    [((10, 0, 0), 0, -1), ((0, 10, 0), 1, -1)],
    ids=["yaw: the nose goes to the left of the picture", "pitch: the nose goes up"],
)
def test_signs_of_yaw_and_pitch(angles: tuple[float, ...], axis: int, sign: int) -> None:
    nose = rotations_of(np.array([angles], float))[0] @ [0, 0, -1]
    assert np.sign(nose[axis]) == sign


def test_roll_is_clockwise_for_who_looks_at_the_picture() -> None:
    right_eye = rotations_of(np.array([[0, 0, 10]], float))[0] @ [1, 0, 0]
    assert right_eye[1] > 0  # down


def test_rotations_agree_with_opencv_axis_by_axis() -> None:
    # Rodrigues vectors in the same right-handed axes; a positive pitch turns about -x
    for row, vector in ((0, [0, 0.3, 0]), (1, [-0.3, 0, 0]), (2, [0, 0, 0.3])):
        angles = np.zeros((1, 3))
        angles[0, row] = np.degrees(0.3)
        assert rotations_of(angles)[0] == pytest.approx(cv2.Rodrigues(np.array(vector, float))[0])


def test_angles_are_read_back_from_rotations() -> None:
    angles = many(200, 179, 89, 179)
    assert angles_of(rotations_of(angles)) == pytest.approx(angles, abs=1e-3)


def test_a_picture_turned_in_its_plane_changes_roll_alone() -> None:
    angles = many(50, 80, 60, 30)
    turn = rotations_of(np.array([[0, 0, 20]], float))
    assert angles_of(turn @ rotations_of(angles)) == pytest.approx(angles + np.array([0, 0, 20]), abs=1e-3)


def test_a_distant_face_is_recovered_exactly() -> None:
    angles = many(300, 75, 50, 90)
    found = solve_poses(drawn(angles, SHAPE, distance=1e6), SHAPE)
    assert found.angles == pytest.approx(angles, abs=0.05)
    assert found.scales == pytest.approx(np.full(300, EYES), rel=1e-4)
    assert found.shifts == pytest.approx(np.full((300, 2), 400.0), abs=0.01)
    assert found.residuals.max() < 1e-4


def test_known_rotations_in_perspective_and_noise_are_recovered_within_two_degrees() -> None:
    angles = many(200, 45, 30, 40)
    found = solve_poses(drawn(angles, SHAPE, noise=0.01), SHAPE)
    errors = np.abs(found.angles - angles)
    assert errors.mean() < 1
    assert np.percentile(errors, 99, axis=0).max() < 2


def test_five_points_recover_known_rotations_within_two_degrees_without_noise() -> None:
    angles = many(200, 45, 30, 40)
    found = solve_poses(drawn(angles, FIVE), FIVE, robust=False)
    assert np.abs(found.angles - angles).max() < 2


def test_a_hand_over_the_mouth_does_not_turn_the_head() -> None:
    angles = many(50, 30, 20, 20)
    points = drawn(angles, SHAPE, distance=1e6, noise=0.01)
    points[:, 48:60] += [0.4 * EYES, 0]  # the outer lips found on the hand
    robust = np.abs(solve_poses(points, SHAPE).angles - angles).max(axis=1)
    plain = np.abs(solve_poses(points, SHAPE, robust=False).angles - angles).max(axis=1)
    assert np.median(robust) < 2
    assert np.median(plain) > 2 * np.median(robust)


def test_mirrored_points_give_the_mirrored_pose() -> None:
    angles = many(50, 40, 30, 30)
    points = drawn(angles, SHAPE, noise=0.02)
    flipped = points[:, MIRRORED] * [-1, 1]
    one, other = solve_poses(points, SHAPE).angles, solve_poses(flipped, SHAPE).angles
    assert other == pytest.approx(one * [-1, 1, -1], abs=0.05)


def test_size_and_place_of_a_face_do_not_matter_and_faces_do_not_disturb_each_other() -> None:
    points = drawn(many(5, 40, 30, 30), SHAPE, noise=0.02)
    together = solve_poses(points, SHAPE).angles
    apart = np.concatenate([solve_poses(face[None] * 0.2 + 7, SHAPE).angles for face in points])
    assert apart == pytest.approx(together, abs=0.01)


def test_placed_points_lie_where_they_were_drawn_and_depth_is_that_of_the_turned_face() -> None:
    angles = np.array([[30.0, 10.0, 5.0]])
    found = solve_poses(drawn(angles, SHAPE, distance=1e6), SHAPE)
    truth = 100 * np.einsum("nij,kj->nki", rotations_of(angles), SHAPE)
    placed = found.place(SHAPE)
    assert placed[..., :2] == pytest.approx(truth[..., :2] + 400, abs=0.1)
    assert placed[..., 2] == pytest.approx(truth[..., 2], abs=0.3)


def test_points_in_one_place_are_refused() -> None:
    with pytest.raises(ValueError, match="apart"):
        solve_poses(np.zeros((1, 68, 2)), SHAPE)


def test_no_face_has_no_pose() -> None:
    assert solve_poses(np.zeros((0, 68, 2)), SHAPE).angles.shape == (0, 3)


def test_the_mean_face_is_symmetric_and_its_unit_the_distance_of_the_eyes() -> None:
    assert SHAPE[MIRRORED] * [-1, 1, 1] == pytest.approx(SHAPE, abs=1e-9)
    assert FIVE[1] - FIVE[0] == pytest.approx([1, 0, 0], abs=2e-3)
    assert FIVE[:2].mean(axis=0) == pytest.approx([0, 0, 0], abs=2e-3)
    assert SHAPE[30, 2] == SHAPE[:, 2].min()  # the tip of the nose is nearest to the viewer
    assert sorted(MIRRORED) == list(range(68))
