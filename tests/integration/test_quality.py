"""Quality of pictures, and references that are refused for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from mien.cli.main import run
from mien.errors import UsageError
from mien.image import encode_jpeg, open_photo
from mien.service import open_gallery


@pytest.fixture(scope="module")
def pictures(
    portraits: Path, need: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A portrait, and the same out of focus."""
    for name in ("landmarks68", "pose", "eyes"):
        need(name)
    sharp = portraits / "obama.jpg"
    pixels = open_photo(sharp).decode().pixels
    blurred = tmp_path_factory.mktemp("blurred") / "blurred.jpg"
    blurred.write_bytes(encode_jpeg(cv2.GaussianBlur(pixels, (0, 0), max(pixels.shape) / 40), 95))
    return sharp, blurred


def test_a_blurred_portrait_is_worse_and_is_said_to_hold_still(
    pictures: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sharp, blurred = pictures
    report = tmp_path / "q.html"
    assert run(["quality", str(sharp), str(blurred), "--json", "--report", str(report)]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [Path(row["file"]).name for row in said["images"]] == [blurred.name, sharp.name], "the worst first"
    worse, better = (row["faces"][0] for row in said["images"])
    assert worse["unified"] < 40 < 60 < better["unified"]
    assert "hold still, clean the lens, focus on the face" in worse["advice"]
    assert worse["components"]["sharpness"]["quality"] < better["components"]["sharpness"]["quality"]
    assert "<img" not in report.read_text("utf-8")


def test_the_head_says_the_same_beside_others(pictures: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["quality", str(pictures[0]), "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)["images"][0]["faces"][0]
    assert run(["analyze", str(pictures[0]), "--heads", "quality,pose", "--json"]) == 0
    heads = json.loads(capsys.readouterr().out)["images"][0]["faces"][0]["heads"]
    assert set(heads) == {"quality", "pose"}
    assert heads["quality"]["value"]["unified"] == alone["unified"]


def test_a_reference_below_the_least_quality_is_refused_and_the_others_are_kept(
    pictures: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sharp, blurred = pictures
    gallery = tmp_path / "office.mien"
    asked = ["enrol", "-g", str(gallery), "ada", "--min-quality", "40"]
    assert run([*asked, str(blurred)]) == 3
    line = capsys.readouterr().err.strip()
    assert "at least 40 is asked for: " in line
    assert "\n" not in line
    assert run([*asked, str(blurred), str(sharp)]) == 9
    with open_gallery(gallery) as opened:
        assert [(each.name, each.references) for each in opened.subjects()] == [("ada", 1)]


def test_a_refused_reference_makes_no_subject(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    with open_gallery(tmp_path / "office.mien") as opened:
        result = opened.enrol("ada", pictures[1], min_quality=100)
        assert [failure.reason for failure in result.failures] == ["quality-too-low"]
        assert opened.subjects() == []


def test_an_unknown_condition_enrols_nobody(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    with open_gallery(tmp_path / "office.mien") as opened:
        with pytest.raises(UsageError, match="known is bona-fide"):
            opened.enrol("ada", pictures[0], require=("alive",))
        assert opened.subjects() == []
