"""Made faces, their spectra, and what removes the trace."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.manipulation.after import AFTER, print_scan
from mien.manipulation.autoencoder import Autoencoder
from mien.manipulation.made import BILINEAR, makers, up_convolve, up_convolved, zero_insert
from mien.manipulation.remove import removers, with_spectrum
from mien.manipulation.spectra import azimuthal, luminance


def smooth(seed: int, size: int = 128, sigma: float = 1.5) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(128, 300, (size, size, 3)).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), sigma), 0, 255).astype(np.uint8)


def test_zero_insertion_repeats_the_spectrum_four_times() -> None:
    small = np.random.default_rng(0).normal(size=(8, 8, 1)).astype(np.float32)
    wide = np.fft.fft2(zero_insert(small)[..., 0])
    np.testing.assert_allclose(wide, np.tile(np.fft.fft2(small[..., 0]), (2, 2)), atol=1e-4)


def test_an_even_transposed_convolution_is_linear_interpolation() -> None:
    small = np.random.default_rng(0).uniform(0, 255, (16, 16, 3)).astype(np.float32)
    found = up_convolve(small, np.asarray(BILINEAR, np.float32))
    expected = cv2.resize(small, (32, 32), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(found[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-3)


def test_an_uneven_transposed_convolution_puts_a_peak_at_the_finest_detail() -> None:
    small = smooth(1, 64).astype(np.float32)
    kernel = np.asarray(BILINEAR, np.float32).copy()
    kernel[0] *= 1.5
    even, uneven = (azimuthal(luminance(up_convolve(small, k / k.sum() * 4)))[-4:] for k in (BILINEAR, kernel))
    assert (uneven - even).max() > 2  # natural logarithm of power: more than seven times


def test_a_wave_lies_in_the_ring_of_its_frequency() -> None:
    x = np.arange(128)
    wave = np.tile(np.sin(2 * np.pi * x / 4), (128, 1)).astype(np.float32)  # a period of 4: half of the finest
    assert int(azimuthal(wave, 80).argmax()) in (39, 40)


def test_contrast_and_brightness_do_not_change_the_profile() -> None:
    grey = luminance(smooth(2))
    np.testing.assert_allclose(azimuthal(grey), azimuthal(0.5 * grey + 40), atol=0.01)


def test_made_faces_keep_size_and_look_and_follow_the_seed() -> None:
    photo = smooth(3, 128, 6)
    one, same, other = (up_convolved(photo, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert one.shape == photo.shape
    assert np.abs(one.astype(float) - photo).mean() < 6
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_an_autoencoder_with_all_its_maps_gives_the_picture_back() -> None:
    photos = [smooth(seed, 64) for seed in range(4)]
    whole = Autoencoder.fit(photos, width=192, stride=4)
    assert np.abs(whole.give_back(photos[0]).astype(int) - photos[0]).max() <= 1


@pytest.mark.parametrize("size", [(64, 64), (50, 67)])
def test_an_autoencoder_takes_any_size(size: tuple[int, int]) -> None:
    photo = smooth(0)[: size[0], : size[1]]
    assert Autoencoder.fit([smooth(1)], width=8, stride=4).give_back(photo).shape == photo.shape


def test_fewer_maps_lose_more() -> None:
    photos = [smooth(seed, 64) for seed in range(4)]
    lost = [
        np.square(Autoencoder.fit(photos, width=w, stride=4).give_back(photos[0]).astype(float) - photos[0]).mean()
        for w in (6, 24, 96)
    ]
    assert lost[0] > lost[1] > lost[2]


def test_removal_takes_the_peak_away() -> None:
    photos = [smooth(seed, 128, 4) for seed in range(4)]
    made = up_convolved(photos[0], np.random.default_rng(0))
    remove = removers(_remover(photos), azimuthal(luminance(photos[1])))
    cleaned = {name: each(made) for name, each in remove.items()}
    finest = {name: float(azimuthal(luminance(pixels))[40:].max()) for name, pixels in cleaned.items()}
    np.testing.assert_array_equal(cleaned["none"], made)
    assert finest["autoencoder"] < finest["none"]
    assert finest["low-pass"] < finest["none"]


def test_a_picture_takes_on_the_spectrum_that_is_wanted() -> None:
    photo, other = smooth(0, 128, 2), smooth(1, 128, 1)
    wanted = azimuthal(luminance(other))
    both = photo, with_spectrum(photo, wanted)
    before, after = (np.abs(azimuthal(luminance(p)) - wanted)[:40].mean() for p in both)
    assert after < before / 3


def _remover(photos: list[np.ndarray]) -> Autoencoder:
    return Autoencoder.fit(photos, width=64, stride=2, bias=12.0)


def test_both_kinds_of_made_faces_are_known() -> None:
    assert set(makers(_remover([smooth(0)]))) == {"upconv", "autoencoder"}


def test_print_and_scan_change_the_picture_by_the_seed_alone() -> None:
    photo = smooth(4, 96, 5)
    one, same, other = (print_scan(photo, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert one.shape == photo.shape


def test_lower_quality_makes_smaller_files() -> None:
    photo, chance = smooth(4, 96, 5), np.random.default_rng(0)
    assert len(AFTER["q75"](photo, chance)) < len(AFTER["q95"](photo, chance))
