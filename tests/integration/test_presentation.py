from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.data, pytest.mark.weights]

Mien = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def material(data: Path, weights: None, subprocess_mien: Mien, tmp_path: Path) -> dict[str, Path]:
    """Prints, replays and bona fide pictures of one person each for three parts, by a maker each."""
    del weights
    for number, name in enumerate(("train", "development", "test"), 1):
        made = subprocess_mien(
            *("presentation", "make", str(data / "london" / "neutral_front"), str(tmp_path / name)),
            *("--species", "print,replay,bona-fide", "--makers", str(number), "--people", str(number), "--json"),
        )
        assert made.returncode == 0, made.stderr
        assert json.loads(made.stdout)["pictures"] == 3
    return {name: tmp_path / name for name in ("train", "development", "test")}


def test_made_attacks_are_measured_with_fitted_and_one_class_detectors(
    data: Path, material: dict[str, Path], subprocess_mien: Mien, tmp_path: Path
) -> None:
    photographs = str(data / "london" / "neutral_front")
    file = tmp_path / "one-class.json"
    pytest.importorskip("torch")
    trained = subprocess_mien("presentation", "one-class", photographs, str(material["train"]), "--out", str(file))
    assert trained.returncode == 0, trained.stderr
    done = subprocess_mien(
        *("evaluate", "pad", "--bona-fide", photographs, "--train", str(material["train"])),
        *("--development", str(material["development"]), "--attacks", str(material["test"])),
        *("--heads", "pad", "--one-class", str(file), "--report", str(tmp_path / "report"), "--json"),
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [row["detector"] for row in answer["detectors"]] == ["pad", "one-class"]
    assert {row["detector"] for row in answer["cross_species"]} == {"pad without print", "pad without replay"}
    for row in answer["detectors"]:
        assert row["test"]["bpcer"]["trials"] == 2  # the photograph, and the one through the same camera
        assert {kind: rate["trials"] for kind, rate in row["test"]["apcer"].items()} == {"print": 1, "replay": 1}
    assert (tmp_path / "report" / "report.html").is_file()


def test_parts_that_share_a_person_are_refused(data: Path, material: dict[str, Path], subprocess_mien: Mien) -> None:
    photographs = str(data / "london" / "neutral_front")
    same = str(material["train"])
    done = subprocess_mien("evaluate", "pad", "--bona-fide", photographs, "--development", same, "--attacks", same)
    assert done.returncode == 5
    assert "share person 001" in done.stderr
