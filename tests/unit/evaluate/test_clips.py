from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mien.cli.main import run
from mien.errors import UsageError
from mien.evaluate.clips import LIVE, MAKERS, Example, Tried, balance, fit, kinds, person_of
from mien.evaluate.clips_report import clips_report, error_rows
from mien.evaluate.rates import Rate
from mien.models import find_card
from mien.presentation.clip_rule import read_rule
from mien.service.engine import Models


def example(value: float, kind: str = LIVE, part: str = "dev", person: str = "a") -> Example:
    return Example(person, part, kind, {"g": {"v": value}})


def spread(count: int = 40) -> list[Example]:
    """Living clips about 2, attacks about 0, in all parts."""
    draw = np.random.default_rng(0)
    rows = []
    for part in MAKERS:
        for i in range(count):
            kind = LIVE if i % 2 else kinds()[i // 2 % len(kinds())]
            rows.append(example(draw.normal(2 * (kind == LIVE), 0.5), kind, part, f"{part}{i // 4}"))
    return rows


def test_the_threshold_lies_midway_where_both_errors_are_alike() -> None:
    rows = [example(v) for v in (0.4, 0.6, 0.8, 0.9)] + [example(v, "print") for v in (0.1, 0.2, 0.5, 0.3)]
    # Between 0.4 and 0.5 one living clip and one attack of four are wrong; elsewhere more.
    assert balance(rows, lambda cues: cues["g"]["v"]) == pytest.approx(0.45)


def test_acer_takes_the_worst_kind_and_hter_all_of_them() -> None:
    tried = Tried("t", 0.5, Rate(1, 10), {"print": Rate(0, 10), "replay": Rate(4, 10)})
    assert tried.hter == pytest.approx((0.1 + 0.2) / 2)
    assert tried.acer == pytest.approx((0.1 + 0.4) / 2)


def test_errors_of_no_clips_are_undefined_and_left_out() -> None:
    tried = Tried("t", 0.5, Rate(1, 10), {"print": Rate(0, 0)})
    assert tried.hter is None
    assert tried.acer is None
    assert [row["measure"] for row in error_rows(tried)] == ["BPCER, living people called an attack"]


def test_what_is_apart_is_told_apart_on_people_not_seen_before() -> None:
    rows = spread()
    fitted = fit(rows)
    assert fitted.stacked.hter is not None
    assert fitted.stacked.hter < 0.15
    assert fitted.stacked.bpcer.trials == 20
    assert sum(rate.trials for rate in fitted.unseen.values()) == 20
    report = clips_report(fitted, rows, [], "drawn", "mien evaluate clips")
    assert report.data["counts"]["train"] == {"people": 10, "live": 20, "attacks": 20}


def test_a_part_without_attacks_is_refused() -> None:
    with pytest.raises(UsageError, match="the test part has 20 clips"):
        fit([e for e in spread() if e.part != "test" or e.real])


def test_too_few_people_are_refused() -> None:
    with pytest.raises(UsageError, match="19 people are too few"):
        fit([example(1.0, person=str(i)) for i in range(19)])


def test_the_person_is_what_stands_before_the_first_underline() -> None:
    assert person_of(Path("smiling_front/007_08.jpg")) == "007"


def test_the_command_writes_a_rule_that_can_be_read_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = {name: SimpleNamespace(card=find_card(name, "head")) for name in ("landmarks68", "eyes", "liveness")}
    monkeypatch.setattr("mien.models.load_head", lambda name, settings: heads[name])
    monkeypatch.setattr(Models, "load_detector", lambda self: SimpleNamespace(with_side=lambda side: None))
    monkeypatch.setattr("mien.evaluate.clips.make", lambda *_, **__: (spread(), []))
    out = tmp_path / "rule.json"
    assert run(["evaluate", "clips", "--root", str(tmp_path), "--out", str(out), "--json"]) == 0
    given = json.loads(capsys.readouterr().out)
    rule = read_rule(out)
    assert rule.threshold == given["stacked"]["threshold"]
    assert rule.origin["data"] == f"clips made from {tmp_path.name}, 40 of development people"
    rule.require([head.card for head in heads.values()])
