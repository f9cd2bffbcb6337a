"""`mien analyze` from the command line, and what guards the attribute heads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mien.cli.main import run
from mien.models import cards

pytestmark = pytest.mark.weights

GENERAL, RESEARCH = "landmarks68", "age"


@pytest.fixture(scope="module")
def portrait(portraits: Path, need: Callable[[str], None]) -> Path:
    need(GENERAL)
    need(RESEARCH)
    return portraits / "obama.jpg"


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run(["analyze", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_no_head_is_on_by_itself_and_the_refusal_names_all(portrait: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(portrait)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert all(card.name in captured.err for card in cards("head"))
    assert captured.err.count("\n") == 1


def test_an_unknown_head_is_refused(portrait: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["analyze", str(portrait), "--heads", "ethnicity"]) == 4
    assert "ethnicity" in capsys.readouterr().err


def test_a_row_has_value_unit_head_and_error(portrait: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = answered(capsys, str(portrait), "--heads", f"{GENERAL},{RESEARCH}")
    assert code == 0
    assert [head["name"] for head in said["heads"]] == [GENERAL, RESEARCH]
    (picture,) = said["images"]
    (face,) = picture["faces"]
    points, age = face["heads"][GENERAL], face["heads"][RESEARCH]
    assert (len(points["value"]), points["unit"]) == (68, "px")
    x0, y0, x1, y1 = face["box"]
    width, height = x1 - x0, y1 - y0
    assert all(
        x0 - width / 4 < x < x1 + width / 4 and y0 - height / 4 < y < y1 + height / 4 for x, y in points["value"]
    )
    assert 0 < age["value"] < 81
    assert age["unit"] == "years"
    for name, row in face["heads"].items():
        described = next(head for head in said["heads"] if head["name"] == name)
        assert row["head"] == f"{name}@{described['sha256'][:12]}"
        assert row["error"]["measure"] == described["errors"][0]["measure"]


def test_an_attribute_carries_its_error_by_group(portrait: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, said = answered(capsys, str(portrait), "--heads", RESEARCH)
    (described,) = said["heads"]
    assert described["use"] == "research"
    groups = {group["group"] for group in described["errors"][0]["groups"]}
    assert {"age: 0-3", "age: 65+", "gender: female", "gender: male"} <= groups
    run(["analyze", str(portrait), "--heads", RESEARCH])
    shown = capsys.readouterr().out
    assert "age (research)" in shown
    assert "by group" in shown


def test_several_pictures_stay_in_their_order_and_one_that_cannot_be_read_is_told(
    portrait: Path, portraits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken, empty = tmp_path / "broken.jpg", tmp_path / "empty.png"
    broken.write_bytes(b"no picture")
    Image.fromarray(np.zeros((120, 160, 3), np.uint8)).save(empty)
    names = [str(portraits / "biden.jpg"), str(broken), str(empty), str(portrait), str(tmp_path / "none.jpg")]
    code, said = answered(capsys, *names, "--heads", GENERAL)
    assert code == 9
    assert [picture["file"] for picture in said["images"]] == [names[0], names[2], names[3]]
    assert [len(picture["faces"]) for picture in said["images"]] == [1, 0, 1]
    assert [failure["file"] for failure in said["failures"]] == [names[1], names[4]]
    alone = answered(capsys, names[0], "--heads", GENERAL)[1]["images"][0]["faces"][0]
    many = said["images"][0]["faces"][0]
    assert np.allclose(alone["heads"][GENERAL]["value"], many["heads"][GENERAL]["value"], atol=1)


def test_when_nothing_can_be_read_the_exit_code_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    code, said = answered(capsys, str(broken), "--heads", GENERAL)
    assert code == 3
    assert said["images"] == []


def test_a_copy_with_the_faces_drawn_is_written(
    portrait: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["analyze", str(portrait), "--heads", GENERAL, "--draw", str(out)]) == 0
    (copy,) = out.iterdir()
    assert copy.name == "obama.faces.jpg"
    assert str(copy) in capsys.readouterr().err
    with Image.open(copy) as drawn, Image.open(portrait) as original:
        assert drawn.size == original.size
        assert np.abs(np.asarray(drawn.convert("RGB"), int) - np.asarray(original.convert("RGB"), int)).max() > 60


def test_models_show_tells_of_a_head_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "show", RESEARCH]) == 0
    shown = capsys.readouterr().out
    assert "use: research" in shown
    assert "weights: CC0-1.0" in shown
    assert "mean absolute error, years: " in shown
    assert "by group: age: 0-3" in shown
    run(["models", "show", GENERAL, "--json"])
    head = json.loads(capsys.readouterr().out)["head"]
    assert (head["use"], head["unit"]) == ("general", "px")
    assert head["errors"][0]["low"] <= head["errors"][0]["value"] <= head["errors"][0]["high"]
