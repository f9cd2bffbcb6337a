"""A model card says what the reports say, and is refused where they say nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mien.cli.main import run
from mien.errors import NotFoundError, UsageError
from mien.evaluate.card_evidence import read_evidence
from mien.evaluate.markdown import code, escape, table
from mien.evaluate.model_card import model_card
from mien.models import Card, contract_of, find_card

SECTIONS = [
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
]
"""Of Mitchell et al. 2019, in their order."""

Reports = Callable[..., list[Path]]


def rate(errors: int, trials: int, low: float | None, high: float | None) -> dict[str, Any]:
    value = errors / trials if trials else None
    return {"value": value, "low": low, "high": high, "errors": errors, "trials": trials}


def verification(card: Card) -> dict[str, Any]:
    figure = {"value": 0.25, "low": 0.125, "high": 0.5}
    point = {"fmr": 0.1, **figure, "threshold": 0.3, "misses": rate(75, 100, 0.625, 0.875)}
    return {
        "name": card.name,
        "pairs": {"mated": 100, "nonmated": 400, "failed": 3},
        "failures": {"mated": rate(1, 100, 0.0, 0.05), "nonmated": rate(2, 400, 0.0, 0.02)},
        "eer": figure,
        "accuracy": {"mean": None, "std": None, "folds": []},
        "tar": [
            {**point, "false_matches": rate(40, 400, 0.0625, 0.1875), "rule_of_30": True},
            {"fmr": 1e-6, "value": None, "low": None, "high": None, "threshold": None, "reason": "too few"},
        ],
        "interval": "bootstrap over 9 people",
        "meta": {
            "model": {"name": card.name, "digest": contract_of(card).digest, "precision": "f32", "engine": "x"},
            "data": "portraits | mine",
            "detector": "yunet",
        },
    }


def differential(card: Card, attribute: str = "age") -> dict[str, Any]:
    groups = [
        {"group": "0-3", "people": 20, "fmr": rate(50, 100, 0.375, 0.625), "fnmr": rate(0, 0, None, None)},
        {"group": "20-39", "people": 30, "fmr": rate(1, 1000, 0.0, 0.005), "fnmr": rate(4, 16, 0.07, 0.5)},
    ]
    return {
        "name": card.name,
        "data": "a list",
        "pictures": 50,
        "people": 50,
        "failed": 2,
        "left_out": [],
        "operating_point": {"threshold": 0.36, "measured_fmr": 0.001, "interval": [0.0008, 0.002], "data": "faces"},
        "by": {attribute: {"threshold": 0.36, "groups": groups}},
        "findings": ["By age: much is said."],
    }


@pytest.fixture
def card() -> Card:
    return find_card("sface", "embedder")


@pytest.fixture
def write(tmp_path: Path) -> Reports:
    """Writes each result as a report folder."""

    def folders(*results: dict[str, Any], **more: Any) -> list[Path]:
        paths = [tmp_path / str(i) for i in range(len(results))]
        for path, result in zip(paths, results, strict=True):
            path.mkdir()
            text = json.dumps({"results": [result], "command": f"mien make {path.name}", **more})
            (path / "report.json").write_text(text, "utf-8")
        return paths

    return folders


def cells(markdown: str, first: str) -> list[str]:
    """Of the first table row that begins so."""
    line = next(line for line in markdown.splitlines() if line.startswith(f"| {first} |"))
    return line.strip("| ").replace("\\|", "!").split(" | ")


def test_a_card_has_every_section_in_order(card: Card, write: Reports) -> None:
    text = model_card(card, read_evidence(card, write(verification(card), differential(card))))
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == SECTIONS
    assert card.file.sha256 in text
    assert card.licences.training_data.split("(")[0] in text
    assert "`mien make 0`" in text
    assert "`mien make 1`" in text


def test_rates_stand_with_counts_and_interval_as_reported(card: Card, write: Reports) -> None:
    text = model_card(card, read_evidence(card, write(verification(card), differential(card))))
    assert cells(text, "EER") == ["EER", "0.25 (95 % 0.12 to 0.5)"]
    assert cells(text, "0.1")[1:] == [
        "0.25 (95 % 0.12 to 0.5)",
        "0.75 (75 of 100; 95 % 0.62 to 0.88)",
        "0.1 (40 of 400; 95 % 0.062 to 0.19)",
    ]
    assert cells(text, "1e-06")[1:] == ["– too few", "–", "–"]
    assert cells(text, "0-3") == ["0-3", "20", "0.5 (50 of 100; 95 % 0.38 to 0.62)", "– no comparisons"]


def test_young_children_are_spoken_of_only_where_the_groups_are_ages(card: Card, write: Reports) -> None:
    by_age, other = differential(card), differential(card, "band")
    first, second, third = write(verification(card), by_age, other)
    assert "Young children are not told apart (0-3: FMR 0.5" in model_card(card, read_evidence(card, [first, second]))
    text = model_card(card, read_evidence(card, [first, third]))
    assert "Young children" not in text
    assert "match more often than that among 0-3." in text  # 0.375 is above 0.002, 0 is not


def test_times_and_detection_are_shown_where_they_are_given(card: Card, write: Reports) -> None:
    times = {
        "detector": "yunet",
        "embedder": "sface",
        "engine": "onnxruntime",
        "precision": "f32",
        "side": 640,
        "milliseconds": {"median": 20.0, "p95": 31.5},
        "pictures": 8,
        "rounds": 4,
    }
    setting = {"faces": 1234, "ap": {"value": 0.875, "low": 0.75, "high": 0.9375}}
    found = {"name": "yunet", "side": 1600, "settings": {"easy": setting}, "operating": None}
    dataset = {"name": "widerface", "pictures": 100}
    folders = write(verification(card), differential(card), times, found, dataset=dataset)
    text = model_card(card, read_evidence(card, folders))
    assert cells(text, "yunet at 640, onnxruntime f32")[1:4] == ["20.0", "31.5", "8 x 4"]
    assert cells(text, "yunet") == ["yunet", "1600", "easy", "1,234", "0.875 (95 % 0.75 to 0.94)"]


@pytest.mark.parametrize(
    ("kept", "section", "command"),
    [
        ([1], "Evaluation data", "mien evaluate verification"),
        ([0], "Factors", "mien evaluate differential"),
    ],
)
def test_a_section_without_data_is_named_with_its_command(
    kept: list[int], section: str, command: str, card: Card, write: Reports
) -> None:
    folders = write(verification(card), differential(card))
    with pytest.raises(UsageError, match=f"{section} .*{command}") as caught:
        model_card(card, read_evidence(card, [folders[i] for i in kept]))
    assert caught.value.code == "model-card-incomplete"


def test_a_card_without_terms_or_table_is_refused(card: Card, write: Reports) -> None:
    evidence = read_evidence(card, write(verification(card), differential(card)))
    with pytest.raises(UsageError, match="Training data"):
        model_card(replace(card, licences=replace(card.licences, training_data=" ")), evidence)
    with pytest.raises(UsageError, match="Metrics"):
        model_card(replace(card, operating=None), evidence)


def test_reports_of_other_models_and_other_weights_do_not_count(card: Card, write: Reports) -> None:
    other = find_card("mobileface", "embedder")
    stale = verification(card)
    stale["meta"]["model"]["digest"] = "0" * 64
    of_other, of_stale, stranger = write(verification(other), stale, verification(card) | {"meta": {}})
    assert not read_evidence(card, [of_other, stranger]).verification
    with pytest.raises(UsageError, match="other weights"):
        read_evidence(card, [of_stale])


@pytest.mark.parametrize("text", ["{", "[]", '{"results": []}', '{"results": [{"name": "x"}]}', "\ud800"])
def test_what_is_no_such_report_is_refused(text: str, card: Card, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UsageError, match=r"report\.json"):
        read_evidence(card, [path])
    with pytest.raises(NotFoundError):
        read_evidence(card, [tmp_path / "nowhere"])


def test_a_report_that_lacks_figures_is_refused(card: Card, write: Reports) -> None:
    broken = verification(card)
    del broken["tar"][0]["misses"]
    with pytest.raises(UsageError, match="misses"):
        model_card(card, read_evidence(card, write(broken, differential(card))))


@pytest.mark.parametrize("meta", [None, [], {"model": "sface"}])
def test_scores_that_do_not_say_whose_they_are_do_not_count(meta: Any, card: Card, write: Reports) -> None:
    assert not read_evidence(card, write(verification(card) | {"meta": meta})).verification


def test_a_figure_that_is_no_number_is_refused(card: Card, write: Reports) -> None:
    broken = differential(card) | {"pictures": "many"}
    with pytest.raises(UsageError, match="lacks"):
        model_card(card, read_evidence(card, write(verification(card), broken)))


def test_pipes_and_marks_do_not_break_a_table(card: Card, write: Reports) -> None:
    assert escape("a|b\n*c*") == r"a\|b \*c\*"
    assert escape("a\ud800&") == r"a?\&"
    assert code("x | `y`") == r"`x \| 'y'`"
    assert table("t", ("a", "b"), [("1", "2")]).splitlines()[2:] == ["| a | b |", "| --- | --- |", "| 1 | 2 |"]
    text = model_card(card, read_evidence(card, write(verification(card), differential(card))))
    assert cells(text, r"portraits \| mine") == [
        "portraits ! mine",
        "100 mated, 400 non-mated, 3 failed",
        "`mien make 0`",
    ]


def test_the_command_writes_a_whole_card_or_none(
    card: Card, write: Reports, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = map(str, write(verification(card), differential(card)))
    out = tmp_path / "CARD.md"
    assert run(["evaluate", "card", "--from", one, "--out", str(out)]) == 2
    assert not out.exists()
    capsys.readouterr()
    assert run(["evaluate", "card", "--from", one, "--from", other, "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["results"]["differential"] == 1
    assert out.read_text("utf-8").startswith("# sface\n")
