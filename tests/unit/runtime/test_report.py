from __future__ import annotations

import pytest

from mien.runtime import choose, report
from mien.types.template import Precision


def test_onnxruntime_is_usable_in_f32_on_the_processor() -> None:
    reports = {r.name: r for r in report.engine_reports()}
    ours = reports["onnxruntime"]
    assert list(reports) == ["onnxruntime", "openvino"]
    assert (ours.usable, ours.precision, ours.problem) == (True, Precision.F32, "")
    assert "cpu" in ours.devices
    assert ours.version


def test_one_engine_is_chosen() -> None:
    assert sum(r.chosen for r in report.engine_reports()) == 1


def test_a_missing_engine_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "installed", lambda engine: engine != "openvino")
    missing = report.engine_reports()[1]
    assert (missing.usable, missing.precision) == (False, None)
    assert "openvino is not installed" in missing.problem


def test_instruction_sets_are_those_of_the_processor() -> None:
    assert set(report.instruction_sets()) <= set(report.INSTRUCTION_SETS)
