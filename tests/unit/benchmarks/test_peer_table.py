from __future__ import annotations

import csv
from pathlib import Path

from peers.pictures import spread
from peers.process import Answer
from peers.table import Round, markdown, measured, summary, write_csv

FACTS = {"set": "lfw", "pictures": 10, "digest": "abc"}


def rounds(system: str, *seconds: float, **facts: object) -> list[Round]:
    return [
        measured(Answer(s, 2 * s, s / 4, 12, 12, 0), **FACTS, system=system, round=i, startup_s=0.5, **facts)
        for i, s in enumerate(seconds, 1)
    ]


def test_medians_are_over_rounds_and_ratios_within_each() -> None:
    # Round by round b takes 3, 2 and 8 times as long, in the median 3; the ratio of the medians would be 6 / 1.5 = 4.
    mine = rounds("a", 2.0, 1.5, 1.0)
    theirs = rounds("b", 6.0, 3.0, 8.0)
    a, b = summary([*mine, *theirs], "a")["lfw"]
    assert (a.per_second, a.ratio, a.low, a.high) == (10 / 1.5, 1.0, 5.0, 10.0)
    assert (b.per_second, b.ratio) == (10 / 6.0, 3.0)
    assert b.cpu_ms == 1000 * 12.0 / 10


def test_a_round_that_only_one_of_two_made_gives_no_ratio() -> None:
    lines = summary([*rounds("a", 1.0), *rounds("b", 3.0, 300.0)], "a")["lfw"]
    assert lines[1].ratio == 3.0


def test_without_the_reference_there_are_no_ratios() -> None:
    assert summary(rounds("b", 3.0), "a")["lfw"][0].ratio is None


def test_the_peak_of_memory_is_the_highest() -> None:
    rows = [*rounds("a", 1.0, peak_mb=300.0), *rounds("a", 1.0, peak_mb=200.0)]
    assert summary(rows, "a")["lfw"][0].peak_mb == 300.0


def test_a_system_that_cannot_be_measured_has_a_line_that_says_why() -> None:
    failed = Round(**FACTS, system="b", round=0, problem="b: cannot be installed: no wheel")
    text = markdown([*rounds("a", 1.0), failed], "a")
    assert "| b | not measured: b: cannot be installed: no wheel |" in text


def test_a_system_that_stopped_later_keeps_its_rounds_and_says_so() -> None:
    rows = [*rounds("a", 2.0), Round(**FACTS, system="a", round=0, problem="a: gave no answer in 9 s")]
    assert "(stopped: a: gave no answer in 9 s)" in markdown(rows, "a")


def test_faces_without_a_template_and_failed_pictures_show() -> None:
    row = measured(Answer(1.0, 1.0, 0.0, 12, 7, 2), **FACTS, system="a", round=1)
    assert "| 12 | 7 (2 pictures failed) |" in markdown([row], "a")


def test_what_others_computed_meanwhile_is_told() -> None:
    rows = [*rounds("a", 2.0, 4.0), measured(Answer(1.0, 1.0, 1.5, 12, 12, 0), **FACTS, system="b", round=1)]
    assert "Meanwhile other processes kept 0.25 cores busy (worst round 1.50)." in markdown(rows, "a")


def test_the_csv_has_every_round_with_machine_and_commit(tmp_path: Path) -> None:
    write_csv(tmp_path / "x.csv", rounds("a", 2.0, 1.0), {"commit": "1234", "cpu": "One, Two"})
    rows = list(csv.DictReader((tmp_path / "x.csv").read_text().splitlines()))
    assert [(row["commit"], row["cpu"], row["system"], row["seconds"]) for row in rows] == [
        ("1234", "One, Two", "a", "2"),
        ("1234", "One, Two", "a", "1"),
    ]


def test_pictures_are_taken_evenly_from_the_whole_set() -> None:
    assert spread([Path(str(i)) for i in range(10)], 4) == [Path("0"), Path("2"), Path("5"), Path("7")]
    assert spread([Path("0")], 4) == [Path("0")]
