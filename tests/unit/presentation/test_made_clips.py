from __future__ import annotations

from itertools import repeat

import cv2
import numpy as np
import pytest

from mien.presentation.clip_look import motion, reduced
from mien.presentation.made_clips import SIDE, Motion, Portrait, attack, filmed, live, room, screened
from mien.types.image import Image


def portrait() -> Portrait:
    """A drawn head before a plain wall, with landmarks about where a face has them."""
    photo = np.full((810, 810, 3), 200, np.uint8)
    cv2.ellipse(photo, (405, 380), (150, 210), 0, 0, 360, (150, 110, 90), -1)
    grain = np.random.default_rng(0).uniform(-60, 60, (60, 60)).astype(np.float32)
    grain = cv2.resize(grain, (810, 810), interpolation=cv2.INTER_CUBIC)[..., None]
    photo = np.clip(photo + grain * (photo[..., :1] == 150), 0, 255).astype(np.uint8)
    turn = np.linspace(0, 2 * np.pi, 68)
    points = np.stack([405 + 110 * np.cos(turn), 400 + 150 * np.sin(turn)], axis=1)
    for first, x in ((36, 350), (42, 460)):
        eye = np.linspace(0, 2 * np.pi, 6, endpoint=False)
        points[first : first + 6] = np.stack([x + 30 * np.cos(eye), 350 + 10 * np.sin(eye)], axis=1)
    points[30], points[33] = (405, 400), (405, 430)
    return Portrait.of(photo, points.astype(np.float32))


def still(**changes: np.ndarray) -> Motion:
    zero = {"camera": np.zeros((3, 4)), "head": np.zeros((3, 4)), "lids": np.zeros(3), "tilt": np.zeros((3, 2))}
    given = {name: np.asarray(value, np.float32) for name, value in (zero | changes).items()}
    return Motion(np.arange(3, dtype=np.float32) / 10, **given)


def test_a_seed_makes_the_same_clip_again_and_another_one_another() -> None:
    first, again, other = (list(live(portrait(), Motion.drawn(s, seconds=1, rate=3), s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first[0].shape == (SIDE, SIDE, 3)


def test_nothing_moves_where_no_motion_is_drawn() -> None:
    frames = list(live(portrait(), still(), 1))
    np.testing.assert_array_equal(frames[0], frames[2])


def test_a_turn_of_the_head_moves_the_nose_and_leaves_the_room() -> None:
    turned = still(head=[[0, 0, 0, 0], [0.12, 0, 0, 0], [0.12, 0, 0, 0]])
    before, after = (reduced(Image(frame)) for frame in list(live(portrait(), turned, 1))[:2])
    box = np.array([0.35, 0.3, 0.65, 0.7]) * len(before)
    given = motion(before, after, box)
    assert given[0, 0] > 0.03
    np.testing.assert_allclose(given[2], 0, atol=0.005)


def test_lids_cover_the_eyes_and_nothing_else() -> None:
    frames = [frame.astype(int) for frame in live(portrait(), still(lids=[0, 1, 1]), 1)]
    rows, columns = np.nonzero(np.abs(frames[1] - frames[0]).max(axis=2))
    scale = SIDE / 810
    assert rows.min() > 300 * scale
    assert rows.max() < 400 * scale
    assert columns.min() > 300 * scale
    assert columns.max() < 510 * scale


def test_a_held_copy_moves_as_one_plane() -> None:
    picture = room(5)[:300, :300]
    moved = still(head=[[0, 0, 0, 0], [0, 0, 8, 0], [0, 0, 8, 0]])
    frames = list(attack(repeat(picture, 3), moved, 1))
    shift = 12  # one and a half times what is drawn for a head
    inner = slice(SIDE // 4, 3 * SIDE // 4)
    apart = frames[1][inner, inner].astype(int) - frames[0][inner, SIDE // 4 - shift : 3 * SIDE // 4 - shift]
    assert np.abs(apart).mean() < 2


def test_a_screen_lays_its_light_over_every_frame() -> None:
    screen = np.full((100, 100, 3), 100, np.uint8)
    screen[:50] = 50
    frames = list(screened([np.full((SIDE, SIDE, 3), 80, np.uint8)] * 2, screen))
    assert len(frames) == 2
    assert frames[0][10, 10, 0] / frames[0][-10, 10, 0] == pytest.approx(0.5, abs=0.02)


def test_the_camera_is_the_same_for_a_seed() -> None:
    frames = [room(1)[:SIDE, :SIDE]] * 2
    np.testing.assert_array_equal(list(filmed(frames, 3)), list(filmed(frames, 3)))


def test_a_portrait_that_is_not_square_is_refused() -> None:
    with pytest.raises(ValueError, match="square"):
        Portrait.of(np.zeros((100, 90, 3), np.uint8), np.zeros((68, 2), np.float32))
