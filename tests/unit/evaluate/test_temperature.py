from __future__ import annotations

import numpy as np
import pytest

from mien.errors import UsageError
from mien.evaluate.metrics.temperature import (
    brier,
    calibration_error,
    fit_temperature,
    half,
    log_loss,
    temper,
    tempered,
)


def test_a_temperature_divides_the_logits() -> None:
    shares = np.array([[0.8, 0.2]])  # odds 4; at temperature 2 odds 2
    assert tempered(shares, 2)[0].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert tempered(shares, 1)[0].tolist() == pytest.approx([0.8, 0.2])
    assert tempered(shares, 0.5)[0].tolist() == pytest.approx([16 / 17, 1 / 17])


def test_brier_and_log_loss_by_hand() -> None:
    shares, truth = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]), np.array([0, 2])
    assert brier(shares, truth) == pytest.approx(((0.25 + 0.09 + 0.04) + (0.01 + 0.01 + 0.04)) / 2)
    assert log_loss(shares, truth) == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)


def sure(n: int, said: float, right: float) -> tuple[np.ndarray, np.ndarray]:
    """n answers of two classes, each `said` sure of the first, right so often."""
    truth = (np.arange(n) >= right * n).astype(np.int64)
    return np.tile([said, 1 - said], (n, 1)), truth


def test_the_fitted_temperature_makes_the_sure_as_sure_as_they_are_right() -> None:
    shares, truth = sure(1000, 0.9, 0.75)  # odds 9 should be 3: temperature log 9 / log 3 = 2
    assert fit_temperature(shares, truth) == pytest.approx(2, abs=1e-3)


def test_a_temperature_keeps_the_label() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(7), 50)
    for temperature in (0.3, 3.0):
        assert (tempered(shares, temperature).argmax(axis=1) == shares.argmax(axis=1)).all()


def test_it_is_measured_on_the_half_it_was_not_fitted_on() -> None:
    shares, truth = sure(400, 0.9, 0.75)
    said = temper(shares, truth).to_dict()
    assert (said["fitted_on"], said["measured_on"]) == (200, 200)
    assert said["calibration_error"]["before"]["value"] == pytest.approx(0.15)
    assert said["calibration_error"]["after"]["value"] == pytest.approx(0, abs=1e-3)
    assert said["brier"]["after"]["value"] == pytest.approx(2 * 0.25 * 0.75, abs=1e-4)
    spread = said["log_loss"]["before"]
    assert spread["low"] < spread["value"] < spread["high"]


def test_halves_have_as_many_of_each_class() -> None:
    truth = np.array([0] * 10 + [1] * 5)
    first = half(truth, 1)
    assert (first[:10].sum(), first[10:].sum()) == (5, 3)


def test_too_few_faces_are_refused() -> None:
    with pytest.raises(UsageError, match="40 faces"):
        temper(*sure(30, 0.9, 0.5))


def test_calibration_error_counts_gaps_by_bin() -> None:
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    assert calibration_error(shares, np.array([0, 1, 0, 0])) == pytest.approx(0.4)
