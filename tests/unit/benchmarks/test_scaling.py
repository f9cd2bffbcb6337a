from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

import bench_scaling
from bench_scaling import Cost, report, shown
from figures import count_text, on_its_own, scaling, time_text
from fits import power_law
from machine import machine_class
from scaling_child import drawn


def test_a_power_law_is_found_again() -> None:
    fit = power_law([1, 10, 100, 1000], [3 * w**1.5 for w in (1, 10, 100, 1000)])
    assert fit is not None
    assert (fit.exponent, fit.factor) == (pytest.approx(1.5), pytest.approx(3.0))
    assert (fit.low, fit.high) == (pytest.approx(1.5, abs=1e-6), pytest.approx(1.5, abs=1e-6))


def test_the_interval_is_student_t_worked_by_hand() -> None:
    # log10 work 0, 1, 2; log10 cost 0, 1, 3. Mean x 1, mean y 4/3; slope 3/2; residuals 1/6, -1/3, 1/6: their squares
    # sum to 1/6. Variance of the slope: (1/6 / 1) / 2 = 1/12. t for 1 degree of freedom at 97.5 %: 12.7062.
    fit = power_law([1, 10, 100], [1, 10, 1000])
    assert fit is not None
    assert fit.exponent == pytest.approx(1.5)
    assert fit.high == pytest.approx(1.5 + 12.7062 * (1 / 12) ** 0.5, abs=1e-3)
    assert fit.low == pytest.approx(1.5 - 12.7062 * (1 / 12) ** 0.5, abs=1e-3)


def test_work_below_the_start_does_not_count() -> None:
    fit = power_law([1, 10, 100, 1000], [5, 5, 1, 10], start=100)
    assert fit is not None
    assert (fit.exponent, fit.points) == (pytest.approx(1.0), 2)
    assert str(fit) == "1.00"  # two points have no interval


def test_one_size_gives_no_exponent() -> None:
    assert power_law([100], [1.0]) is None
    assert power_law([1, 100], [1.0, 2.0], start=50) is None


def test_drawn_people_are_as_alike_as_sface_finds_strangers() -> None:
    vectors = drawn(0, 2000)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = (vectors @ vectors.T)[np.triu_indices(2000, 1)]
    assert cosines.mean() == pytest.approx(0.085, abs=0.01)
    assert cosines.std() == pytest.approx(0.087, abs=0.01)


def test_drawn_people_do_not_depend_on_how_they_are_asked_for() -> None:
    assert np.array_equal(drawn(10_000, 3), drawn(10_000, 3))
    assert not np.array_equal(drawn(0, 3), drawn(10_000, 3))


def test_the_report_has_sizes_measures_and_exponents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bench_scaling.FLOOR, "templates", 100)
    costs = [Cost("templates", n, "one search", n * 1e-6) for n in (100, 1000)]
    costs += [Cost("templates", n, "peak MB", 90.0) for n in (100, 1000)] + [Cost("photos", 1, "index", 1.0)]
    assert report(costs, "templates").splitlines() == [
        "| templates | one search | peak MB |",
        "|---|---|---|",
        "| 100 | 100 µs | 90 |",
        "| 1,000 | 1 ms | 90 |",
        "| exponent from 100 | 1.00 | 0.00 |",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(0.0000123, "12.3 µs"), (0.00456, "4.56 ms"), (1234.0, "1,230 s")])
def test_times_are_shown_in_a_unit_that_fits(seconds: float, text: str) -> None:
    assert shown("one search", seconds) == text


def test_ticks_are_written_as_people_say_them() -> None:
    assert [count_text(v) for v in (1, 100, 10_000, 1e6)] == ["1", "100", "10k", "1M"]
    assert [time_text(v) for v in (1e-5, 1e-3, 0.1, 1.0, 100.0)] == ["10 µs", "1 ms", "100 ms", "1 s", "100 s"]


def test_a_figure_on_its_own_knows_light_and_dark_paper() -> None:
    svg = on_its_own(scaling({"a": ([1, 10], [0.1, 1.0])}, title="T", note="N", label="photographs"))
    ElementTree.fromstring(svg)
    assert "prefers-color-scheme: dark" in svg
    assert "10 s" not in svg
    assert ">photographs<" in svg


def test_the_class_of_a_machine_is_its_cores_and_its_best_instructions() -> None:
    assert machine_class({"cores": "2", "instructions": "avx2 avx512f avx512_vnni"}) == "2core-avx512_vnni"
    assert machine_class({"cores": "8", "instructions": ""}) == "8core-plain"
