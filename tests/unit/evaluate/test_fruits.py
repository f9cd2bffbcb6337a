"""Configurations, their error, and the budgets they fit; nothing here depends on how fast the machine is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mien.errors import UsageError
from mien.evaluate import fruits
from mien.evaluate.fruits import Configuration, Error, Timing, configurations, error_of
from mien.evaluate.fruits_report import by_error, fruits_report
from mien.evaluate.rates import Rate
from mien.models import find_card

HERE = Configuration("yunet", "sface", "onnxruntime", "f32")


def timing(milliseconds: list[float], error: Error, name: str = "sface") -> Timing:
    total = np.array(milliseconds)
    stages = dict.fromkeys(fruits.STAGES, total / 4) | {"total": total}
    return Timing(replace(HERE, embedder=name), 1600, stages, len(total), 1, 0, 50.0, 1.0, error)


def test_every_combination_that_the_machine_runs_stands_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fruits, "installed", lambda _: True)
    monkeypatch.setattr(fruits, "has_bf16", lambda: True)
    found = configurations(["yunet"], ["sface", "fused"], ["all"], ["all"], [None, 640])
    assert len(found) == len(set(found)) == 2 * 2 * 3  # ONNX Runtime f32, OpenVINO f32 and bf16
    monkeypatch.setattr(fruits, "has_bf16", lambda: False)
    assert {c.precision for c in configurations(["yunet"], ["sface"], ["all"], ["all"], [None])} == {"f32"}


@pytest.mark.parametrize(
    ("engines", "precisions"), [(["torch"], ["f32"]), (["all"], ["int8"]), (["onnxruntime"], ["bf16"])]
)
def test_what_cannot_run_is_refused(engines: list[str], precisions: list[str]) -> None:
    with pytest.raises(UsageError):
        configurations(["yunet"], ["sface"], engines, precisions, [None])


def test_a_budget_holds_95_of_100_runs() -> None:
    error = Error(Rate(9, 10), True, "")
    assert timing([10.0] * 96 + [900.0] * 4, error).fits(100)
    assert not timing([10.0] * 90 + [900.0] * 10, error).fits(100)


def test_the_error_is_the_cards_and_says_when_it_is_not_of_this_configuration() -> None:
    card = find_card("sface", "embedder")
    assert card.operating is not None
    rows = [row for row in card.operating.points if row.errors <= 1e-4 * card.operating.nonmated]
    expected = Rate(card.operating.mated - rows[0].misses, card.operating.mated)
    assert error_of(HERE, card) == Error(expected, True, "")
    other = error_of(replace(HERE, detector="centerface", precision="bf16", side=640), card)
    assert not other.measured
    assert "yunet" in other.reason
    assert "f32" in other.reason
    assert error_of(HERE, replace(card, operating=None)).tar is None


def test_the_best_of_a_budget_is_a_measured_one() -> None:
    good, better = Error(Rate(95, 100), True, ""), Error(Rate(99, 100), False, "the card was measured with f32")
    runs = [timing([50], better, "fused"), timing([60], good, "sface"), timing([700], good, "mobileface")]
    assert [t.configuration.embedder for t in by_error(runs)] == ["sface", "mobileface", "fused"]
    data = fruits_report(runs, [100, 1000], "mien evaluate fruits", pinned=True).data
    assert [len(budget["fits"]) for budget in data["budgets"]] == [2, 3]
    assert "sface" in data["budgets"][0]["best_measured"]
    assert data["warnings"] == []
