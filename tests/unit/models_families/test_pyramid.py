from collections.abc import Sequence

import numpy as np
import pytest

from mien.models.pyramid import BANDS, TOGETHER, Bands, Found, look, strip_side
from mien.types.arrays import Pixels
from mien.types.image import Image


def picture(width: int, height: int, full: tuple[int, int] = (0, 0)) -> Image:
    return Image(np.zeros((height, width, 3), np.uint8), full, "drawn")


class Planted:
    """A perfect detector of faces at known places of the full picture, of given heights; notes what it was shown."""

    def __init__(
        self, full: tuple[int, int], boxes: list[tuple[float, float, float, float]], score: float = 0.9
    ) -> None:
        self.full, self.boxes, self.score = full, np.array(boxes, np.float32).reshape(-1, 4), score
        self.seen: list[tuple[int, int]] = []

    def __call__(self, pictures: Sequence[Pixels]) -> list[Found]:
        return [self.find(pixels) for pixels in pictures]

    def find(self, pixels: Pixels) -> Found:
        size = pixels.shape[1], pixels.shape[0]
        self.seen.append(size)
        factor = np.array([size[0] / self.full[0], size[1] / self.full[1]], np.float32)
        boxes = self.boxes * np.tile(factor, 2)
        points = np.repeat(boxes[:, None, :2], 5, axis=1)
        return Found(boxes, np.full(len(boxes), self.score, np.float32), points)


@pytest.mark.parametrize(
    ("side", "passes"),
    [
        (40, [160]),
        (160, [160]),
        (250, [250]),
        (400, [400]),
        (401, [401, 320]),
        (1600, [1600, 320]),
        (4000, [4000, 800, 320]),
    ],
)
def test_passes_go_down_until_one_sees_faces_of_every_size(side: int, passes: list[int]) -> None:
    assert list(BANDS.sides(side)) == passes


@pytest.mark.parametrize("height", [8, 60, 149, 151, 299, 301, 900, 1190])
def test_a_face_of_any_height_is_reported_once(height: float) -> None:
    find = Planted((1600, 1200), [(5, 5, 5 + 0.8 * height, 5 + height)])
    faces = look([picture(1600, 1200)], find, side=1600, most=10)[0]
    assert find.seen == [(1600, 1200), (320, 240)]
    np.testing.assert_allclose(faces.boxes, find.boxes, rtol=1e-5)


def test_a_face_beyond_the_band_is_left_to_the_coarser_pass() -> None:
    bands = Bands(largest=300, smallest=150)
    seen: list[int] = []

    def find(pictures: Sequence[Pixels]) -> list[Found]:
        seen.append(pictures[0].shape[1])
        wide = pictures[0].shape[1] == 1000
        box = [[0, 0, 400, 400]] if wide else [[0, 0, 300, 240]]  # the finer pass is sure of half a face
        score = np.array([0.99 if wide else 0.8], np.float32)
        return [Found(np.array(box, np.float32), score, np.ones((1, 5, 2), np.float32))]

    faces = look([picture(1000, 800)], find, side=1000, most=10, bands=bands)[0]
    assert seen == [1000, 320]
    assert faces.scores.tolist() == [pytest.approx(0.8)]
    np.testing.assert_allclose(faces.boxes, [[0, 0, 300 * 1000 / 320, 750]], rtol=1e-5)


def test_coordinates_are_those_of_the_full_picture_after_a_reduced_decode() -> None:
    find = Planted((2000, 1500), [(100, 200, 180, 300)])
    faces = look([picture(1000, 750, full=(2000, 1500))], find, side=500, most=10)[0]
    assert faces.size == (2000, 1500)
    np.testing.assert_allclose(faces.boxes, find.boxes, rtol=1e-5)
    np.testing.assert_allclose(faces.points[0, 0], [100, 200], rtol=1e-5)


def test_a_tiny_picture_is_enlarged_and_a_small_one_is_not() -> None:
    tiny, small = Planted((80, 60), []), Planted((250, 250), [])
    look([picture(80, 60)], tiny, side=1600, most=10)
    look([picture(250, 250)], small, side=1600, most=10)
    assert (tiny.seen, small.seen) == ([(160, 120)], [(250, 250)])


def test_a_sliver_keeps_at_least_one_pixel() -> None:
    find = Planted((3000, 2), [])
    look([picture(3000, 2)], find, side=640, most=10)
    assert find.seen == [(3000, 2), (600, 1), (320, 1)]


def marks(pictures: Sequence[Pixels]) -> list[Found]:
    """A detector that finds one face in every picture: its height is the value of the picture's first pixel."""
    heights = [float(pixels[0, 0, 0]) for pixels in pictures]
    return [
        Found(np.array([[0, 0, 1, h]], np.float32), np.ones(1, np.float32), np.full((1, 5, 2), h, np.float32))
        for h in heights
    ]


def marked(width: int, height: int, value: int, full: tuple[int, int] = (0, 0)) -> Image:
    return Image(np.full((height, width, 3), value, np.uint8), full, f"picture {value}")


def test_each_picture_gets_its_own_faces_whatever_goes_together() -> None:
    sizes = [(250, 250), (300, 200), (250, 250), (900, 600), (250, 250), (300, 200), (200, 300)]
    images = [marked(*size, value=i + 40) for i, size in enumerate(sizes)]
    images.append(marked(250, 250, value=100, full=(500, 750)))
    many = look(images, marks, side=1600, most=10)
    assert [faces.source for faces in many] == [image.source for image in images]
    assert [faces.size for faces in many] == [*sizes, (500, 750)]
    assert [faces.boxes[0, 3] for i, faces in enumerate(many) if i != 3] == [40, 41, 42, 44, 45, 46, 300]
    assert look([], marks, side=1600, most=10) == []


def test_pictures_of_one_size_go_together_up_to_a_bound_and_large_ones_alone() -> None:
    calls: list[tuple[int, int, int]] = []

    def find(pictures: Sequence[Pixels]) -> list[Found]:
        height, width, _ = pictures[0].shape
        assert {pixels.shape for pixels in pictures} == {(height, width, 3)}
        calls.append((len(pictures), width, height))
        return marks(pictures)

    look([picture(20, 20)] * 50, find, side=1000, most=10)
    enlarged = TOGETHER // 160**2
    assert calls == [(enlarged, 160, 160)] * (50 // enlarged) + [(50 % enlarged, 160, 160)] * (50 % enlarged > 0)
    calls.clear()
    look([picture(256, 256)] * 9 + [picture(128, 256)] + [picture(1000, 1000)] * 2, find, side=1000, most=10)
    few = TOGETHER // 256**2
    expected = [(few, 256, 256)] * (9 // few) + [(9 % few, 256, 256), (1, 128, 256)]
    assert calls == expected + [(1, 1000, 1000), (1, 320, 320)] * 2


def test_more_faces_than_the_most_are_cut_off_and_it_says_so() -> None:
    find = Planted((250, 250), [(30 * i, 0, 30 * i + 20, 20) for i in range(8)])
    faces = look([picture(250, 250)], find, side=250, most=5)[0]
    assert (len(faces), faces.truncated) == (5, True)
    assert not look([picture(250, 250)], find, side=250, most=8)[0].truncated


@pytest.mark.parametrize("size", [(250, 250), (4000, 3000), (1080, 1920), (2000, 1000)])
def test_a_picture_up_to_two_to_one_keeps_its_side(size: tuple[int, int]) -> None:
    assert strip_side(size, 1600) == 1600


@pytest.mark.parametrize("size", [(1000, 8000), (9000, 500), (2100, 1000)])
def test_a_strip_gets_as_many_pixels_as_two_to_one(size: tuple[int, int]) -> None:
    short, long = sorted(size)
    side = strip_side(size, 1600)
    assert side * (side * short / long) == pytest.approx(1600 * 800, rel=2e-3)


def test_a_small_face_in_a_strip_is_looked_at_with_more_pixels_and_never_enlarged() -> None:
    find = Planted((1000, 8000), [(400, 4000, 460, 4080)])
    faces = look([picture(1000, 8000)], find, side=1600, most=10)[0]
    assert find.seen[0] == (400, 3200)
    np.testing.assert_allclose(faces.boxes, find.boxes, rtol=1e-5)
    small = Planted((100, 800), [])
    look([picture(100, 800)], small, side=1600, most=10)
    assert small.seen[0] == (100, 800)
