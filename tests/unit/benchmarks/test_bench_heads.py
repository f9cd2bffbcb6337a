"""What the command writes into cards and docs: only what it measured, and so that a card can still be read."""

from __future__ import annotations

import tomllib

import pytest

from bench_heads import replaced, toml, without_errors
from head_measures import MEASURES, Error, Group
from head_passes import passes_table

CARD = """name = "age"

[head]
use = "research"

[[head.errors]]
measure = "old"
groups = [
    ["a", 1, 0.5, 0.4, 0.6],
]

[head.parameters]
temperature = 1.5

[[head.errors]]
measure = "older"
"""


def test_only_the_errors_of_a_card_are_taken_out() -> None:
    kept = without_errors(CARD)
    assert tomllib.loads(kept) == {
        "name": "age",
        "head": {"use": "research", "parameters": {"temperature": 1.5}},
    }


def test_an_error_is_read_back_as_it_was_measured() -> None:
    groups = (Group("labelled sad", 7, 0.25, 0.0, 0.75),)
    error = Error("expression", "share not named", 0.36666, 0.3, 0.44444, 610, groups=groups)
    text = f"{without_errors(CARD)}\n{toml(MEASURES[-1], error, '2026-11-22')}"
    (row,) = tomllib.loads(text)["head"]["errors"]
    assert (row["value"], row["low"], row["high"], row["faces"]) == (0.367, 0.3, 0.444, 610)
    assert row["command"] == "mien evaluate expression --root fer2013"
    assert row["groups"] == [["labelled sad", 7, 0.25, 0.0, 0.75]]


def test_a_table_stands_between_its_markers_and_none_is_lost() -> None:
    page = "a\n<!-- bench_heads.py: one -->\nold\n<!-- end -->\nb\n<!-- bench_heads.py: two -->\n<!-- end -->\n"
    once = replaced(page, {"one": "| 1 |", "two": "| 2 |"})
    assert "old" not in once
    assert once == replaced(once, {"one": "| 1 |", "two": "| 2 |"})
    assert once.index("a\n") < once.index("| 1 |") < once.index("b\n") < once.index("| 2 |")
    with pytest.raises(SystemExit, match="three"):
        replaced(page, {"three": ""})


def test_each_measure_reads_the_answer_of_its_command() -> None:
    three = {"value": 0.5, "low": 0.25, "high": 0.75}
    rate = {**three, "errors": 2, "trials": 4}
    mean = {**three, "faces": 4}
    frontal = {angle: {"error": mean, "median": -1.0} for angle in ("yaw", "pitch", "roll")}
    pose = {"head": "pose", "ms": 1.0, "frontal": frontal, "turned": {"20": {"error": mean}}, "mirrored": {"yaw": mean}}
    nme = {"interocular": {"mean": three, "median": 0.4, "failure": [{"limit": 0.1, **rate}]}}
    group = {"group": "all", "mae": mean, "bias": 1.0, "errors": rate}
    side = {"ms": 1.0, "rows": [group, {**group, "group": "age: 0-3"}]}
    found = {**three, "hits": 3, "trials": 4}
    landmarks = {"name": "landmarks68 in a box of yunet", "faces": 4, "found": found, "ms": 1.0, "nme": nme}
    answers = {
        "landmarks": {"results": [landmarks]},
        "pose": {"heads": [pose]},
        "eyes": {"head": "eyes", "ms": 1.0, "eyes": rate, "closed_eyes": rate},
        "liveness-london": {"head": "liveness", "ms": 1.0, "bpcer": [{"threshold": 0.5, **rate}]},
        "age": {"age": side, "sex": side},
        "expression": {"head": "expression", "ms": 1.0, "accuracy": rate, "labels": ["sad"], "recall": [rate]},
    }
    answers["liveness-lfw"] = answers["liveness-london"]
    heads = {measure.key: {error.head for error in measure.read(answers[measure.key])} for measure in MEASURES}
    assert heads["landmarks"] == {"landmarks68"}
    assert heads["age"] == {"age", "sex"}
    (wrong,) = MEASURES[-1].read(answers["expression"])
    assert (wrong.value, wrong.low, wrong.high) == (0.5, 0.25, 0.75)
    assert [error.groups[0].name for error in MEASURES[-2].read(answers["age"])] == ["age: 0-3", "age: 0-3"]


def test_passes_stand_beside_as_many_runs_of_one_head_each() -> None:
    rows = [{"heads": [], "ms": 10.0 + count, "apart_ms": 10.0 * count} for count in range(1, 8)]
    sets = {"toy": {"pictures": 2, "faces": 3, "none_ms": 9.0, "rows": rows}}
    lines = passes_table({"sets": sets, "engine": "toy f32"}).splitlines()
    assert lines[4] == "| 0 | – | 9.0 |"
    assert lines[6] == "| 2 | `pose` | 12.0 (20.0) |"
