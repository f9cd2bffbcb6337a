import numpy as np
import pytest

from mien.geometry.align import ARCFACE, align_faces, similarity
from mien.types.arrays import AnyArray, Points


def umeyama(source: AnyArray, target: AnyArray) -> AnyArray:
    """The textbook solution by singular values (Umeyama, PAMI 1991, equations 38 to 43)."""
    middle, goal = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - goal
    u, d, vt = np.linalg.svd(b.T @ a / len(source))
    signs = np.array([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    scale = (d * signs).sum() / (a**2).sum() * len(source)
    return np.column_stack([scale * rotation, goal - scale * rotation @ middle])


def placed(scale: float, angle: float, shift: tuple[float, float]) -> Points:
    """The template's points, scaled and turned in a picture."""
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return ((ARCFACE @ turn.T + shift)[None]).astype(np.float32)


def test_similarity_is_umeyamas_solution() -> None:
    points = np.random.default_rng(0).uniform(0, 500, (50, 5, 2)).astype(np.float32)
    expected = [umeyama(p.astype(float), ARCFACE.astype(float)) for p in points]
    np.testing.assert_allclose(similarity(points, ARCFACE), expected, atol=1e-9)


def test_similarity_undoes_a_known_motion() -> None:
    points = placed(2.5, 0.4, (300, 120))
    matrix = similarity(points, ARCFACE)[0]
    np.testing.assert_allclose(points[0] @ matrix[:, :2].T + matrix[:, 2], ARCFACE, atol=1e-4)


@pytest.mark.parametrize("points", [np.ones((1, 5, 2)), np.full((1, 5, 2), np.nan)])
def test_points_that_say_nothing_are_refused(points: AnyArray) -> None:
    with pytest.raises(ValueError, match="finite and apart"):
        similarity(points.astype(np.float32), ARCFACE)


def test_a_face_already_in_place_comes_out_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (112, 112, 3)).astype(np.uint8)
    assert (align_faces(pixels, ARCFACE[None]) == pixels[None]).all()


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.9, 2.5, 3.0, 8.0, 11.7])
@pytest.mark.parametrize("angle", [0.0, 0.7, 3.0])
def test_a_ramp_stays_the_ramp_it_is_at_every_scale(scale: float, angle: float) -> None:
    side = int(170 * scale)
    ramp = np.linspace(0, 255, side)
    pixels = np.broadcast_to(np.rint(ramp)[None, :, None], (side, side, 3)).astype(np.uint8)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = np.full(2, side / 2) - scale * turn @ np.full(2, 56.0)
    points = placed(scale, angle, (middle[0], middle[1]))
    crop = align_faces(pixels, points)[0, :, :, 0]
    x, y = np.meshgrid(np.arange(112), np.arange(112))
    column = scale * (turn[0, 0] * x + turn[0, 1] * y) + middle[0]
    row = scale * (turn[1, 0] * x + turn[1, 1] * y) + middle[1]
    inside = np.all([column > 2 * scale, column < side - 3 * scale, row > 2 * scale, row < side - 3 * scale], axis=0)
    assert inside.mean() > 0.9
    assert np.abs(crop[inside] - column[inside] * 255 / (side - 1)).max() < 1.6


def test_a_large_face_is_averaged_not_sampled() -> None:
    """A fine checkerboard is grey from afar; sampling single pixels would give black and white."""
    pixels = np.where(np.indices((1200, 1200)).sum(axis=0) % 2, 255, 0).astype(np.uint8)
    crop = align_faces(np.repeat(pixels[:, :, None], 3, axis=2), placed(8.0, 0.2, (300, 60)))[0]
    middle = crop[20:90, 20:90].astype(float)
    assert 120 < middle.mean() < 135
    assert middle.std() < 5


@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_what_lies_outside_the_picture_is_black(scale: float) -> None:
    pixels = np.full((int(112 * scale), int(112 * scale), 3), 200, np.uint8)
    crop = align_faces(pixels, placed(scale, 0.0, (-56 * scale, 0.0)))[0]
    assert (crop[10:100, :50] == 0).all()
    assert (crop[10:100, 60:] == 200).all()


@pytest.mark.parametrize("scale", [1.0, 6.0])
def test_a_face_wholly_outside_is_black(scale: float) -> None:
    pixels = np.full((100, 100, 3), 200, np.uint8)
    assert not align_faces(pixels, placed(scale, 0.0, (5000, 5000))).any()


def test_no_points_give_no_crops() -> None:
    assert align_faces(np.zeros((9, 9, 3), np.uint8), np.empty((0, 5, 2), np.float32)).shape == (0, 112, 112, 3)
