from __future__ import annotations

import math

import numpy as np
import pytest

from mien.geometry.one_euro import OneEuro, OneEuroFilter, jitter, one_euro, smoothing, typical_jitter


def test_the_weight_is_that_of_a_low_pass_of_the_cut_off() -> None:
    # tau = 1 / (2 pi f); with f = 1 / (2 pi) Hz tau is 1 s, and a second later half of the step is taken.
    assert smoothing(1 / (2 * math.pi), 1.0) == pytest.approx(0.5)
    assert smoothing(1 / (2 * math.pi), 3.0) == pytest.approx(0.75)


def test_without_beta_it_is_a_plain_low_pass() -> None:
    hz = 1 / (2 * math.pi)
    given = one_euro(np.array([0.0, 8.0, 8.0, 8.0]), np.arange(4.0), OneEuro(hz, 0.0, hz))
    assert given == pytest.approx([0, 4, 6, 7])


def test_the_cut_off_rises_with_the_filtered_speed() -> None:
    # At 1 s: speed 8, half of it after its own low-pass, cut-off (1 + 4) / (2 pi), weight 1 / (1 + 1/5), value 20/3.
    hz = 1 / (2 * math.pi)
    given = one_euro(np.array([0.0, 8.0]), np.arange(2.0), OneEuro(hz, hz, hz))
    assert given[1] == pytest.approx(8 * 5 / 6)
    # At 2 s: speed 8 - 20/3, filtered 4 + (4/3 - 4) / 2 = 8/3, cut-off 11/3 / (2 pi), weight 11/14.
    given = one_euro(np.array([0.0, 8.0, 8.0]), np.arange(3.0), OneEuro(hz, hz, hz))
    assert given[2] == pytest.approx(20 / 3 + 11 / 14 * 4 / 3)


def test_rest_stays_where_it_is_and_numbers_do_not_mix() -> None:
    values = np.stack([np.full(9, 3.0), np.arange(9.0) ** 2], axis=1)
    both = one_euro(values, np.arange(9) / 25, OneEuro())
    alone = one_euro(values[:, 1], np.arange(9) / 25, OneEuro())
    np.testing.assert_array_equal(both[:, 0], 3.0)
    np.testing.assert_array_equal(both[:, 1], alone)


def test_time_must_go_on() -> None:
    steps = OneEuroFilter(OneEuro())
    steps.step(np.zeros(2), 1.0)
    with pytest.raises(ValueError, match="time must go on"):
        steps.step(np.zeros(2), 1.0)


def test_settings_that_make_no_filter_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        OneEuro(min_cutoff_hz=0)


def test_even_motion_does_not_jitter_and_a_zigzag_does() -> None:
    assert jitter(np.arange(10.0)[:, None] * np.ones(3)) == 0
    assert jitter(np.array([0.0, 1.0, 0.0, 1.0])) == pytest.approx(2.0)


def test_typical_jitter_is_that_of_the_noise_whatever_jumps_there_are() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 20_000)
    assert jitter(noise) == pytest.approx(np.sqrt(6), rel=0.02)
    assert typical_jitter(noise) == pytest.approx(np.sqrt(6), rel=0.02)
    noise[5000:] += 1000
    assert jitter(noise) > 10
    assert typical_jitter(noise) == pytest.approx(np.sqrt(6), rel=0.02)
