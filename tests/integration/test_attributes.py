"""Attributes, filters and compact galleries from the command line."""

import json

import pytest

from mien.cli.main import run

pytestmark = pytest.mark.weights


@pytest.fixture(scope="module")
def family(portraits, tmp_path_factory):
    path = str(tmp_path_factory.mktemp("family") / "family.mien")
    people = {"obama": ["site=berlin", "age=34"], "biden": ["site=paris", "age=29.5"]}
    for name, told in people.items():
        options = [word for value in told for word in ("--set", value)]
        assert run(["enrol", "-g", path, "--compact", *options, name, str(portraits / f"{name}.jpg")]) == 0
    return path


def identified(capsys, *arguments):
    capsys.readouterr()
    code = run(["identify", *arguments, "--fpir", "0.01", "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_search_among_some_says_so_and_its_threshold_follows_their_number(family, portraits, capsys):
    probe = str(portraits / "obama2.jpg")
    _, everybody = identified(capsys, "-g", family, probe)
    _, some = identified(capsys, "-g", family, probe, "--where", "site=berlin and age>=30")
    _, nobody = identified(capsys, "-g", family, probe, "--where", "site in rome, oslo")

    assert (everybody["searched"], everybody["where"], everybody["recall"]) == (2, None, None)
    assert (some["searched"], some["gallery_size"], some["where"]) == (1, 1, "site=berlin and age>=30")
    assert [c["subject"] for c in some["probes"][0]["candidates"]] == ["obama"]
    assert some["threshold"] <= everybody["threshold"]
    assert (nobody["searched"], nobody["probes"][0]["candidates"]) == (0, [])


def test_what_was_searched_stands_in_the_answer(family, portraits, capsys):
    run(["identify", "-g", family, str(portraits / "obama2.jpg"), "--fpir", "0.01", "--where", "age<30"])
    assert "against 1 reference of 1 subject where age<30" in capsys.readouterr().out


def test_attributes_are_shown_set_and_taken_away(family, capsys):
    assert run(["gallery", "set", family, "biden", "site=rome", "team=two words"]) == 0
    assert run(["gallery", "unset", family, "biden", "site", "team"]) == 0
    capsys.readouterr()
    assert run(["gallery", "subjects", family]) == 0
    assert capsys.readouterr().out == "biden: 1 reference, age=29.5\nobama: 1 reference, age=34, site=berlin\n"
    assert run(["gallery", "show", family, "obama", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["attributes"] == {"age": 34, "site": "berlin"}
    assert run(["gallery", "set", family, "biden", "site=paris"]) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["identify", "-g", "FAMILY", "PICTURE", "--where", "site=berlin or age=3"], "character 13"),
        (["enrol", "-g", "FAMILY", "--set", "age", "ada", "PICTURE"], "key=value"),
        (["enrol", "-g", "FAMILY", "--set", "two words=3", "ada", "PICTURE"], "no attribute key"),
        (["gallery", "set", "FAMILY", "obama", "age=1e999"], "finite"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(family, portraits, capsys, arguments, said):
    values = {"FAMILY": family, "PICTURE": str(portraits / "obama.jpg")}
    assert run([values.get(word, word) for word in arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_whole_gallery_does_not_become_compact(portraits, tmp_path, capsys):
    path = str(tmp_path / "whole.mien")
    assert run(["enrol", "-g", path, "obama", str(portraits / "obama.jpg")]) == 0
    assert run(["enrol", "-g", path, "--compact", "obama", str(portraits / "obama2.jpg")]) == 5
    assert run(["gallery", "export", path, str(tmp_path / "out.jsonl")]) == 0
    assert run(["gallery", "import", "--compact", str(tmp_path / "small.mien"), str(tmp_path / "out.jsonl")]) == 0
    capsys.readouterr()
    assert run(["gallery", "info", str(tmp_path / "small.mien"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["compact"] is True
