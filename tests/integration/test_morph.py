"""``mien morph`` and ``mien evaluate morphs|fakes`` on a few people of the London set."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mien.cli.main import run

pytestmark = [pytest.mark.data, pytest.mark.weights]

PEOPLE = 8


@pytest.fixture(scope="module")
def london(data: Path, tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], None]) -> Path:
    """Eight people, two portraits each."""
    for name in ("yunet", "sface", "mobileface", "landmarks68"):
        need(name)
    folder = tmp_path_factory.mktemp("london")
    for kind in ("neutral_front", "smiling_front"):
        (folder / kind).mkdir()
        for path in sorted((data / "london" / kind).glob("*.jpg"))[:PEOPLE]:
            shutil.copy(path, folder / kind)
    return folder


@pytest.fixture(scope="module")
def morphs(london: Path) -> Path:
    out = london.parent / "morphs"
    assert run(["morph", "make", str(london), str(out), "--after", "q95,q75", "--splice", "whole"]) == 0
    return out


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = run([*arguments, "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, document


def test_what_is_there_is_not_made_again(london: Path, morphs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (morphs / "manifest.csv").read_bytes()
    one = min((morphs / "pictures").glob("*whole-q75.jpg"))
    one.unlink()
    code, told = said(capsys, "morph", "make", str(london), str(morphs), "--after", "q95,q75", "--splice", "whole")
    assert (code, told["made_now"], told["bona-fide"]) == (0, 1, 2 * PEOPLE)
    assert told["morph"] >= 4  # two halves of four people, two ways of saving; a pair may be each other's nearest
    assert (morphs / "manifest.csv").read_bytes() == before  # its SHA-256 too


def test_other_settings_are_refused(london: Path, morphs: Path) -> None:
    assert run(["morph", "make", str(london), str(morphs), "--alpha", "0.4"]) == 5


def test_detectors_are_trained_and_judged(
    london: Path, morphs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--root", str(london)]
    code, told = said(
        capsys, "morph", "train", str(morphs), *where, "--to", str(tmp_path), "--detectors", "likeness,texture",
        "--data", "eight people",
    )  # fmt: skip
    assert code == 0
    assert [row["detector"] for row in told["detectors"]] == ["likeness", "texture"]
    files = f"{tmp_path}/likeness.json,{tmp_path}/texture.json"
    code, told = said(
        capsys, "evaluate", "morphs", *where, "--material", str(morphs), "--detectors", files,
        "--report", str(tmp_path / "report"),
    )  # fmt: skip
    assert code == 0
    assert [matcher["embedder"] for matcher in told["matchers"]] == ["sface", "mobileface", "fused"]
    assert [row["detector"] for row in told["detectors"]] == ["likeness", "texture"]
    whole = told["matchers"][0]["all"]
    assert whole["riapar"] == pytest.approx(whole["iapar"]["value"] + whole["fnmr"]["value"])
    assert len(told["map"][0]) == 2  # fused is made of the other two
    page = (tmp_path / "report" / "report.html").read_text()
    assert "MMPMR" in page
    assert "<img" not in page


def test_a_reference_is_checked_and_the_exit_code_says_what_came_of_it(
    london: Path, morphs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference, live = (min((london / kind).glob("*.jpg")) for kind in ("neutral_front", "smiling_front"))
    code, told = said(capsys, "morph", "check", str(reference), "--live", str(live))
    assert code == int(told["called"])
    assert [row["detector"] for row in told["detectors"]] == ["embedding"]
    assert told["detectors"][0]["measured"]["macer"]["trials"] > 0
    assert told["limits"]
    code, told = said(capsys, "morph", "check", str(reference))
    assert code == int(told["called"])
    assert {row["differential"] for row in told["detectors"]} == {False}


def test_a_differential_detector_asks_for_the_live_capture(london: Path) -> None:
    reference = min((london / "neutral_front").glob("*.jpg"))
    assert run(["morph", "check", str(reference), "--detectors", "embedding"]) == 2


def test_made_faces_are_judged_before_and_after_a_counter_attack(
    london: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "made"
    code, told = said(capsys, "morph", "fake", str(london), str(made), "--after", "q95", "--remover", "none,low-pass")
    assert (code, told["bona-fide"], told["made"]) == (0, PEOPLE, 4 * PEOPLE)
    code, told = said(capsys, "evaluate", "fakes", "--root", str(london), "--material", str(made))
    assert code == 0
    kinds = told["detectors"][0]["kinds"]
    assert {(row["maker"], row["remover"]) for row in kinds} == {
        (maker, remover) for maker in ("upconv", "autoencoder") for remover in ("none", "low-pass")
    }
    assert all(row["macer"]["trials"] == PEOPLE // 2 for row in kinds)


def test_too_few_people_are_refused(london: Path, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in (london / "neutral_front").glob("*.jpg"):
        shutil.copy(path, few)
    assert run(["morph", "make", str(few), str(tmp_path / "out")]) == 2
