import numpy as np
import pytest
from toy_sessions import ToySession

from mien.models import find_card
from mien.models.blob import blob, input_of, padded, run
from mien.models.card import InputContract
from mien.runtime import PixelInput

PIXELS = np.arange(2 * 3 * 5 * 3).reshape(2, 3, 5, 3).astype(np.uint8)


def contract(colour: str = "RGB", mean: float = 0.0, scale: float = 1.0, multiple: int = 1) -> InputContract:
    return InputContract(None, multiple, colour, (mean, mean + 1, mean + 2), scale)


def test_planes_follow_the_colour_order_of_the_card() -> None:
    rgb, bgr = blob(PIXELS, contract("RGB")), blob(PIXELS, contract("BGR", mean=0))
    assert rgb[1, 2, 2, 4] == PIXELS[1, 2, 4, 2] - 2
    assert bgr[1, 2, 2, 4] == PIXELS[1, 2, 4, 0] - 2


def test_every_value_is_that_of_its_pixel_and_channel_or_a_zero_beyond() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 33, 70, 3)).astype(np.uint8)
    expected = np.zeros((3, 3, 64, 96), np.float32)
    for picture, y, x, channel in np.ndindex(pixels.shape):
        expected[picture, 2 - channel, y, x] = pixels[picture, y, x, channel]
    assert np.array_equal(blob(list(pixels), InputContract(None, 32, "BGR", (0, 0, 0), 1.0)), expected)


def test_the_mean_is_taken_off_before_scaling() -> None:
    assert blob(PIXELS, contract(mean=10, scale=0.5))[0, 1, 2, 3] == (PIXELS[0, 2, 3, 1] - 11) * 0.5


def test_sides_are_rounded_up_with_black() -> None:
    planes = blob(PIXELS, contract(mean=7, scale=0.5, multiple=4))
    assert planes.shape == (2, 3, 4, 8)
    assert planes.dtype == np.float32
    black = np.array([-7, -8, -9], np.float32).reshape(3, 1, 1) * 0.5
    assert (planes[:, :, 3:] == black).all()
    assert (planes[:, :, :, 5:] == black).all()


def test_pictures_of_bytes_are_rounded_up_with_black() -> None:
    whole = padded(list(PIXELS), 4)
    assert (whole.shape, whole.dtype) == ((2, 4, 8, 3), np.uint8)
    assert np.array_equal(whole[:, :3, :5], PIXELS)
    assert whole.sum() == PIXELS.sum()


def test_a_picture_that_fits_already_is_not_copied() -> None:
    assert np.shares_memory(padded([PIXELS[0]], 1), PIXELS)


def test_a_session_of_bytes_gets_bytes_and_another_one_gets_numbers() -> None:
    given: list[np.ndarray] = []

    def keep(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        given.append(pixels)
        return ()

    bytewise = PixelInput((0, 0, 0), 1.0, reverse=False)
    for pixels in (bytewise, None):
        run(ToySession(keep, pixels=pixels), list(PIXELS), contract("BGR", multiple=4))
    assert np.array_equal(given[0], padded(PIXELS, 4))
    assert np.array_equal(given[1], blob(PIXELS, contract("BGR", multiple=4)))


def test_a_card_without_a_network_has_no_input() -> None:
    with pytest.raises(ValueError, match="no network"):
        input_of(find_card("fused"))
