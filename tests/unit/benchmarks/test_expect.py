from __future__ import annotations

import pytest

from bench_expect import Stages, amdahl, gpu_rate, report


def test_amdahl_worked_by_hand() -> None:
    assert amdahl(0.25, 2) == pytest.approx(1.6)
    assert amdahl(0.25, 8) == pytest.approx(1 / (0.25 + 0.75 / 8))  # 2.909
    assert amdahl(0.0, 64) == 64.0
    assert amdahl(1.0, 64) == 1.0


def test_the_slower_of_gpu_and_host_decides() -> None:
    assert gpu_rate(gflop=2.0, tflops=1.0, host_s=0.001, cores=8) == 500.0
    assert gpu_rate(gflop=2.0, tflops=1.0, host_s=0.1, cores=8) == 80.0


def test_the_report_says_what_is_measured_and_what_is_not() -> None:
    cost = Stages(0.001, 0.002, 0.003, 0.001, 0.001, 0.004, faces=2.0, network_pixels=640**2)
    text = report("lfw", cost, measured=160.0, serial=0.25, cores=2)
    assert "| 2 cores | 160 | measured |" in text
    # Amdahl: 2.909 on 8 cores over 1.6 on 2; 160 x 1.818 = 291.
    assert "| 8 cores | 291 | estimate: 1.8 x this machine (Amdahl) |" in text
    assert "2.98 GFLOP" in text  # 2 x 1.148 + 0.688
    assert "| A100 + 8 cores | 1,600 | estimate; upper end bound by the host's cores |" in text
