"""Claims about ``mien backbones``."""

from __future__ import annotations

import importlib.util
import json

import pytest

from mien.cli.main import run


def test_without_pytorch_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else find(name))
    assert run(["backbones", "--json"]) == 2
    said = capsys.readouterr()
    assert "pip install 'mien[train]'" in said.err
    assert json.loads(said.out)["error"]["code"] == "extra-missing"


def test_json_has_what_is_counted_and_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="training is the extra [train]")
    assert run(["backbones", "mobilenetv2", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["backbones"]
    assert row["printed"]["parameters"] == 3_400_000
    assert row["printed"]["as"]["size"] == 224
    assert row["ms"] is None
    assert row["dimension"] == 512
    assert 2e6 < row["parameters"] < 4e6


def test_time_measures_milliseconds(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="training is the extra [train]")
    assert run(["backbones", "mobilefacenet_x025", "--time", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["backbones"][0]["ms"] > 0


def test_the_table_names_every_architecture_and_its_paper(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="training is the extra [train]")
    from mien.backbones import backbones

    assert run(["backbones"]) == 0
    said = capsys.readouterr().out
    for name in backbones:
        assert f"{name} " in said
        assert backbones[name].paper[:20] in said


def test_an_unknown_name_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="training is the extra [train]")
    assert run(["backbones", "mobilefacenett"]) == 4
    assert "did you mean 'mobilefacenet'" in capsys.readouterr().err
