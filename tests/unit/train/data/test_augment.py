"""Augmentation: against the papers' reference operations, and the same wherever and whenever a face is changed."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from mien.errors import UsageError
from mien.geometry.align import ARCFACE
from mien.train.data import changes
from mien.train.data.augment import RECIPES, Augment, find_augment
from mien.train.data.draws import GAMMA, mix, uniform


def faces(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random colours: no two alike, none symmetric."""
    small = np.random.default_rng(seed).integers(0, 256, (count, 7, 7, 3)).astype(np.uint8)
    return np.stack([cv2.resize(one, (112, 112), interpolation=cv2.INTER_CUBIC) for one in small])


EVERYTHING = Augment(flip=0.5, zoom=0.5, crop=0.5, mask=0.5, blur=0.5, low_resolution=0.5, jpeg=0.5, photometric=0.5)


def test_splitmix64_gives_its_published_numbers() -> None:
    states = (np.uint64(1234567) + np.arange(1, 6, dtype=np.uint64) * np.uint64(GAMMA)).astype(np.uint64)
    assert mix(states).tolist() == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


def test_draws_are_uniform_and_depend_on_seed_epoch_index_and_purpose() -> None:
    index = np.arange(20_000)
    u = uniform(1, 2, index, "a", 3)
    assert u.min() >= 0
    assert u.max() < 1
    assert np.abs(np.quantile(u, [0.1, 0.5, 0.9], axis=0) - [[0.1], [0.5], [0.9]]).max() < 0.015
    assert np.abs(np.corrcoef(u.T) - np.eye(3)).max() < 0.03
    for other in (uniform(2, 2, index, "a"), uniform(1, 3, index, "a"), uniform(1, 2, index, "b")):
        assert abs(np.corrcoef(u[:, 0], other[:, 0])[0, 1]) < 0.03
    assert (uniform(1, 2, np.array([7, 3]), "a", 3) == u[[7, 3]]).all()


def test_a_face_is_changed_alike_whatever_batch_it_is_in() -> None:
    crops, index = faces(24), np.arange(100, 124)
    together = EVERYTHING.apply(crops, seed=3, epoch=5, index=index)
    alone = [EVERYTHING.apply(crops[[i]], seed=3, epoch=5, index=index[[i]])[0] for i in range(24)]
    assert (together == np.stack(alone)).all()
    assert (together != EVERYTHING.apply(crops, seed=3, epoch=6, index=index)).any()
    assert (together != EVERYTHING.apply(crops, seed=4, epoch=5, index=index)).any()


def test_what_is_given_is_not_changed_in_place() -> None:
    crops = faces(8)
    before = crops.copy()
    EVERYTHING.apply(crops, seed=0, epoch=0, index=np.arange(8))
    assert (crops == before).all()


def test_nothing_asked_for_changes_nothing() -> None:
    crops = faces(8)
    assert (RECIPES["none"].apply(crops, seed=0, epoch=0, index=np.arange(8)) == crops).all()


def test_half_of_the_faces_are_mirrored() -> None:
    crops = np.repeat(faces(1), 2000, axis=0)
    out = RECIPES["flip"].apply(crops, seed=0, epoch=0, index=np.arange(2000))
    mirrored = (out == crops[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((out == crops).all(axis=(1, 2, 3)) ^ mirrored).all()
    assert abs(mirrored.mean() - 0.5) < 0.05


@pytest.mark.parametrize(
    ("ours", "pillow"),
    [
        (changes.brightness, ImageEnhance.Brightness),
        (changes.contrast, ImageEnhance.Contrast),
        (changes.saturation, ImageEnhance.Color),
    ],
)
@pytest.mark.parametrize("factor", [0.5, 0.9, 1.5])
def test_photometric_changes_are_those_of_pillow(ours: Callable, pillow: Callable, factor: float) -> None:
    for face in faces(3):
        expected = np.asarray(pillow(Image.fromarray(face)).enhance(factor)).astype(int)
        assert np.abs(ours(face, factor) - expected).max() <= 2  # each rounds in its own place


def test_adafaces_crop_leaves_a_rectangle_in_its_place_and_black_around() -> None:
    face = np.maximum(faces(1)[0], 1)
    for u in np.random.default_rng(0).random((200, changes.RECTANGLE_DRAWS)):
        out = changes.black_outside(face, u, 0.2)
        left = (out == face).all(axis=2)
        assert (out[~left] == 0).all()
        rows, columns = np.flatnonzero(left.any(axis=1)), np.flatnonzero(left.any(axis=0))
        height, width = len(rows), len(columns)
        assert left.sum() == height * width  # a rectangle
        assert 0.19 <= height * width / 112**2 <= 1
        assert 0.73 <= width / height <= 1.37 or height == width == 112


def test_a_zoom_of_the_whole_is_the_face_itself() -> None:
    face = faces(1)[0]
    assert (changes.zoom(face, np.array([1.0, 0.5, 0.5]), 0.8) == face).all()


def test_a_zoom_of_half_the_side_enlarges_that_quarter() -> None:
    face = faces(1)[0]
    out = changes.zoom(face, np.array([0.0, 0.0, 1.0]), 0.5)  # the lower left quarter
    expected = np.asarray(Image.fromarray(face[56:, :56]).resize((112, 112), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(out.astype(int) - expected)[4:-4, 4:-4].mean() < 1.5


def test_low_resolution_keeps_nothing_finer_than_its_pixels() -> None:
    stripes = np.zeros((112, 112, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.ptp(changes.low_resolution(stripes, 28).astype(int)) <= 1
    assert (changes.low_resolution(stripes, 112) == stripes).all()


def test_low_resolution_stays_within_its_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    sides: list[int] = []
    monkeypatch.setattr(changes, "low_resolution", lambda face, side, *_: (sides.append(side), face)[1])
    reduced = Augment(low_resolution=1.0, low_resolution_side=0.125, low_resolution_most=0.215)
    reduced.apply(faces(200), seed=0, epoch=0, index=np.arange(200))
    assert set(sides) == set(range(14, 25))
    with pytest.raises(UsageError, match=r"low_resolution_side must not be above augment\.low_resolution_most"):
        Augment(low_resolution_most=0.1)


def test_smooth_low_resolution_is_that_of_a_camera_and_an_aligner() -> None:
    smooth = Augment(
        low_resolution=1.0, low_resolution_side=0.25, low_resolution_most=0.25, low_resolution_smooth=1.0
    ).apply(faces(4), seed=0, epoch=0, index=np.arange(4))
    small = [cv2.resize(face, (28, 28), interpolation=cv2.INTER_AREA) for face in faces(4)]
    wanted = [cv2.resize(face, (112, 112), interpolation=cv2.INTER_CUBIC) for face in small]
    assert (smooth == np.stack(wanted)).all()


def test_jpeg_and_blur_lose_more_the_harder_they_are() -> None:
    face = faces(1)[0]
    noisy = np.random.default_rng(0).integers(0, 256, face.shape).astype(np.uint8)
    errors = [np.abs(changes.jpeg(noisy, q).astype(int) - noisy).mean() for q in (95, 60, 30)]
    assert errors == sorted(errors)
    spreads = [changes.blur(noisy, sigma).std() for sigma in (0.2, 1.0, 3.0)]
    assert spreads == sorted(spreads, reverse=True)


def test_a_mask_covers_nose_tip_and_mouth_and_no_eye() -> None:
    face = np.full((112, 112, 3), 7, np.uint8)
    for u in np.random.default_rng(1).random((100, changes.MASK_DRAWS)):
        covered = (changes.wear_mask(face, u) != face).any(axis=2)
        left, right, nose, mouth_left, mouth_right = ARCFACE.round().astype(int)
        for x, y in (nose, mouth_left, mouth_right, (56, 108)):
            assert covered[y, x]
        for x, y in (left, right):
            assert not covered[y - 6 : y + 7, x - 6 : x + 7].any()


def test_adaface_is_what_its_paper_trains_with() -> None:
    assert find_augment("adaface") == Augment(flip=0.5, crop=0.2, low_resolution=0.2, photometric=0.2)


def test_wrong_amounts_and_names_are_refused() -> None:
    with pytest.raises(UsageError, match=r"augment\.flip must be 0 to 1, got 1\.5"):
        Augment(flip=1.5)
    with pytest.raises(UsageError, match=r"augment\.jpeg_quality must be 1 to 95, got 96"):
        Augment(jpeg_quality=96)
    with pytest.raises(UsageError, match="no augmentation named 'adafase'; did you mean 'adaface'"):
        find_augment("adafase")
