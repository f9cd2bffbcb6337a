"""Parsing from the command line, on London's people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mien.cli.main import run

pytestmark = [pytest.mark.data, pytest.mark.weights]


@pytest.fixture
def four(data: Path, need: Callable[[str], None], tmp_path: Path) -> Path:
    """Four pictures of two people."""
    for name in ("yunet", "landmarks68"):
        need(name)
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("neutral_front/001_03.jpg", "neutral_front/002_03.jpg", "smiling_front/001_08.jpg"):
        (photos / Path(name).name).symlink_to(data / "london" / name)
    return photos


def test_masks_from_landmarks_are_what_landmarks_say(four: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    masks = str(tmp_path / "masks")
    assert run(["masks", str(four), masks, "--bare", "1", "--moved", "0", "--backdrops", "0", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 3
    assert run(["evaluate", "parsing", "--root", masks, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["people"], said["pictures"]) == (2, 3)
    assert said["mean_iou"]["value"] > 0.75  # the points are found anew in a picture of 256 pixels


def test_parse_writes_masks(four: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    pictures = sorted(map(str, four.iterdir()))
    assert run(["parse", *pictures, "--out", str(tmp_path / "out")]) == 0
    assert "1 face" in capsys.readouterr().out
    assert len(list((tmp_path / "out").glob("*.png"))) == 3


def test_a_smile_is_explained(four: Path, need: Callable[[str], None], capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    need("expression")
    picture = str(four / "001_08.jpg")
    assert run(["analyze", picture, "--heads", "expression", "--explain", "--json"]) == 0
    (face,) = json.loads(capsys.readouterr().out)["images"][0]["faces"]
    told = face["heads"]["expression"]["explanation"]
    assert sum(region["share"] for region in told["regions"].values()) == pytest.approx(1, abs=1e-3)
    assert run(["analyze", picture, "--heads", "landmarks68", "--explain"]) == 2


def test_an_unknown_occluder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:  # type: ignore[type-arg]
    assert run(["evaluate", "occlusion", "--root", str(tmp_path), "--kinds", "hat"]) == 2
    assert "no occluder 'hat'" in capsys.readouterr().err
