from __future__ import annotations

import numpy as np
import pytest

from mien.evaluate.jitter import LAG_MS, choose, drawn, lag_ms, motion
from mien.geometry.one_euro import OneEuro


def test_a_signal_that_comes_80_ms_late_lags_80_ms() -> None:
    times, truth = motion()
    late = np.stack([np.interp(times - 0.08, times, column) for column in truth.T], axis=1)
    assert lag_ms(late, truth, times) == pytest.approx(80, abs=1)
    assert lag_ms(truth, truth, times) == 0


def test_noise_alone_has_the_jitter_that_was_asked_for() -> None:
    assert drawn(OneEuro(), 1.0).before == pytest.approx(1.0, rel=0.05)


def test_a_filter_that_hardly_filters_changes_nothing() -> None:
    given = drawn(OneEuro(min_cutoff_hz=1e6), 1.0)
    assert given.after == pytest.approx(given.before, rel=1e-3)
    assert given.lag_ms == 0


def test_a_lower_cut_off_is_steadier_and_later() -> None:
    slow, quick = drawn(OneEuro(0.5, 0.0), 1.0), drawn(OneEuro(5.0, 0.0), 1.0)
    assert slow.after < quick.after
    assert slow.lag_ms > quick.lag_ms


def test_what_is_chosen_keeps_the_bound_on_lag() -> None:
    best = choose(1.0)
    assert best.lag_ms <= LAG_MS
    assert best.after < best.before
