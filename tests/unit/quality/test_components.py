from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import cos, isnan, radians

import cv2
import numpy as np
import pytest

from mien.quality.components import components
from mien.quality.components.cheeks import lab
from mien.quality.portrait import Portrait, luminance
from mien.types.image import Image
from quality_toys import landmarks, plain, portrait, textured


def native(name: str, face: Portrait) -> float:
    return components[name].measure(face)


def quality(name: str, face: Portrait) -> float:
    return components[name].convert(native(name, face))


def test_luminance_is_linear_light() -> None:
    """sRGB 188 is half of the light of white, 0.5029; a pure green 255 has 0.7152 of it."""
    pixels = np.array([[[0, 0, 0], [255, 255, 255], [188, 188, 188], [0, 255, 0]]], np.uint8)
    assert luminance(pixels)[0].tolist() == [0, 255, 128, 182]


def test_a_face_of_two_greys_has_the_exposure_range_mean_and_variance_of_two_values() -> None:
    """The left half black, the right half white: half too dark, half blown out, one bit, mean and spread of a half."""
    pixels = plain(0)
    pixels[:, 300:] = 255
    face = portrait(pixels)
    assert native("under_exposure_prevention", face) == pytest.approx(0.5, abs=0.01)
    assert native("over_exposure_prevention", face) == pytest.approx(0.5, abs=0.01)
    assert native("dynamic_range", face) == pytest.approx(1.0, abs=0.1)  # the border is interpolated
    assert native("luminance_mean", face) == pytest.approx(0.5, abs=0.01)
    assert native("luminance_variance", face) == pytest.approx(0.25, abs=0.01)


def test_only_what_lies_inside_the_landmarks_counts() -> None:
    pixels = plain(255)
    pixels[180:520, 150:450] = 100
    assert native("over_exposure_prevention", portrait(pixels)) == 0


def test_light_from_one_side_lowers_the_uniformity_and_even_light_keeps_it_whole() -> None:
    random = np.random.default_rng(0)
    noise = random.integers(60, 180, (600, 600, 1)).repeat(3, axis=2)
    even = noise.astype(np.uint8)
    ramp = (noise * np.linspace(1, 0.3, 600)[None, :, None]).astype(np.uint8)
    hard = noise.astype(np.uint8).copy()
    hard[:, 300:] = 0
    values = [native("illumination_uniformity", portrait(pixels)) for pixels in (even, ramp, hard)]
    assert values[0] > 0.8 > values[1] > values[2] == 0
    assert quality("illumination_uniformity", portrait(plain(128))) == 100


def test_skin_is_natural_orange_is_off_and_green_and_blue_are_as_far_as_can_be() -> None:
    colours = [(200, 150, 125), (255, 140, 20), (60, 160, 60), (60, 80, 200)]
    skin, orange, green, blue = (native("natural_colour", portrait(plain(colour))) for colour in colours)
    assert skin == 0 < orange < green == blue == 100


def test_a_and_b_are_those_of_cielab_under_d50() -> None:
    """Red of sRGB: L 54.29, a 80.80, b 69.89 (Lindbloom, sRGB adapted to D50)."""
    assert lab(np.array([255.0, 0, 0])) == pytest.approx((80.80, 69.89), abs=0.05)


def test_distances_margins_and_head_size_are_those_of_the_landmarks() -> None:
    """Eyes 100 px apart about (300, 200) of 600x800, chin 180 px below."""
    face = portrait(np.zeros((800, 600, 3)), landmarks(100, (300, 200)))
    assert native("inter_eye_distance", face) == pytest.approx(100)
    assert native("head_size", face) == pytest.approx(180 / 800)
    assert native("leftward_crop", face) == pytest.approx(350 / 100)
    assert native("rightward_crop", face) == pytest.approx(350 / 100)
    assert native("margin_above", face) == pytest.approx(200 / 180)
    assert native("margin_below", face) == pytest.approx(600 / 180)


def test_a_turned_head_gets_back_the_eye_distance_that_turning_took() -> None:
    face = portrait(plain(0), landmarks(100), angles=(60.0, 0.0, 0.0))
    assert native("inter_eye_distance", face) == pytest.approx(100 / cos(radians(60)))


def test_distances_are_those_of_the_full_picture_after_a_reduced_decode() -> None:
    face = Portrait(Image(plain(90, 300), (600, 600)), landmarks(100))
    assert native("inter_eye_distance", face) == pytest.approx(100)
    assert native("luminance_mean", face) == pytest.approx(native("luminance_mean", portrait(plain(90))))


def test_openings_are_measured_in_lengths_of_the_head() -> None:
    points = landmarks(100)
    assert native("eyes_open", portrait(plain(0), points)) == pytest.approx(10 / 180)
    assert native("mouth_closed", portrait(plain(0), points)) == 0
    closed = points.copy()
    closed[42:48, 1] = points[42, 1]
    assert native("eyes_open", portrait(plain(0), closed)) == 0, "one closed eye is enough"
    points[66, 1] += 36
    assert native("mouth_closed", portrait(plain(0), points)) == pytest.approx(0.2)


def test_what_no_column_tells_is_not_measured() -> None:
    face = portrait(plain(100))
    unknown = {name for name in components if isnan(native(name, face))}
    assert unknown == {
        *("head_pose_yaw", "head_pose_pitch", "head_pose_roll", "eyes_visible", "face_occlusion_prevention")
    }
    assert all(isnan(components[name].convert(float("nan"))) for name in components)


def test_a_rival_of_half_the_area_costs_half() -> None:
    assert quality("single_face_present", portrait(plain(0), rival=0.5)) == 50
    assert quality("single_face_present", portrait(plain(0), rival=3.0)) == 0
    assert quality("single_face_present", portrait(plain(0))) == 100


def test_covered_share_and_probability_of_open_eyes_come_from_their_columns() -> None:
    face = portrait(plain(0), occluded=0.25, open_eyes=(0.9, 0.4))
    assert quality("face_occlusion_prevention", face) == 75
    assert quality("eyes_visible", face) == 40


def falls(name: str, worse: Callable[[float], Portrait], steps: list[float]) -> bool:
    values = [quality(name, worse(step)) for step in steps]
    return all(a >= b for a, b in pairwise(values)) and values[0] > values[-1]


def test_more_blur_never_raises_sharpness() -> None:
    picture = textured()
    assert falls("sharpness", lambda s: portrait(cv2.GaussianBlur(picture, (0, 0), s)), [0.5, 1, 2, 3, 5, 8, 12])


def test_a_smaller_face_is_never_sharper() -> None:
    picture = textured()

    def reduced(factor: float) -> Portrait:
        small = cv2.resize(picture, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        return portrait(small, landmarks() / factor)

    assert falls("sharpness", reduced, [1, 2, 4, 8, 12])


def test_a_blur_that_is_scaled_with_the_picture_costs_the_same() -> None:
    sharp = cv2.resize(textured(300), (1200, 1200), interpolation=cv2.INTER_CUBIC)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 12)
    half = cv2.resize(blurred, (600, 600), interpolation=cv2.INTER_AREA)
    large = portrait(blurred, landmarks(200, (600, 600)))
    assert native("sharpness", large) == pytest.approx(native("sharpness", portrait(half)), abs=0.02)


def test_more_compression_never_raises_its_quality_wherever_the_grid_lies() -> None:
    picture = cv2.GaussianBlur(textured(), (0, 0), 2)

    def compressed(loss: float) -> Portrait:
        data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(100 - loss)])[1]
        decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
        return portrait(np.roll(decoded, (3, 5), axis=(0, 1)))

    assert falls("compression_artifacts", compressed, [2, 40, 70, 90, 95])


def test_darker_is_never_better_exposed_nor_is_brighter() -> None:
    base = textured().astype(np.float32)
    assert falls("under_exposure_prevention", lambda s: portrait(base / s), [1, 2, 3, 4, 8])
    assert falls("over_exposure_prevention", lambda s: portrait(np.clip(base * s, 0, 255)), [1, 1.5, 2, 3, 5])


@pytest.mark.parametrize("name", ["head_pose_yaw", "head_pose_pitch", "head_pose_roll"])
def test_turning_costs_by_the_squared_cosine_to_either_side(name: str) -> None:
    convert = components[name].convert
    assert [convert(angle) for angle in (0, 45, -45, 60, 90, 120)] == [100, 50, 50, 25, 0, 0]


def test_faces_at_the_edge_and_outside_of_the_picture_are_measured_or_unknown_but_never_fail() -> None:
    for middle in ((0, 0), (600, 300), (-900, -900), (300, 590)):
        for eye in (2.0, 30.0, 400.0):
            face = portrait(textured(), landmarks(eye, middle))
            for name in components:
                value = quality(name, face)
                assert isnan(value) or 0 <= value <= 100, (name, middle, eye)


def test_a_component_has_advice_or_is_left_without_on_purpose() -> None:
    assert all(components[name].advice for name in components)


def test_nothing_is_inferred_of_who_somebody_is() -> None:
    words = {word for name in components for word in name.split("_")}
    assert not words & {"age", "sex", "gender", "race", "ethnicity", "tone", "skin"}
