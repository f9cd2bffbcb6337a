"""`mien evaluate detection` and `landmarks` as they are typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mien.cli.main import run

HEADER = "file,x0,y0,x1,y1,score\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two pictures that nobody opens, with two faces of which the second is for `hard` only."""
    rows = [
        {"file": "a.jpg", "boxes_xywh": [[0, 0, 40, 40], [100, 0, 15, 15]], "easy": [0], "medium": [0], "hard": [0, 1]},
        {"file": "b.jpg", "boxes_xywh": [[0, 0, 50, 50]], "easy": [0], "medium": [0], "hard": [0]},
    ]
    (tmp_path / "ground_truth.json").write_text(json.dumps(rows))
    return tmp_path


def boxes(root: Path, text: str) -> str:
    file = root / "theirs.csv"
    file.write_text(text)
    return str(file)


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    document: dict[str, object] = json.loads(capsys.readouterr().out)
    return document


def test_boxes_of_another_system_need_no_model(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.evaluate.detection.run_detector", None)
    # a.jpg: the easy face and a wrong find surer than it; b.jpg: nothing
    file = boxes(root, HEADER + "a.jpg,0,0,40,40,0.8\na.jpg,200,0,240,40,0.9\n")
    command = ["evaluate", "detection", "--root", str(root), "--boxes", file, "--score", "0.85", "--json"]
    assert run(command) == 0
    (result,) = answer(capsys)["results"]
    assert result["name"] == "theirs"
    assert result["milliseconds"] is None
    assert result["pictures_without_boxes"] == 1
    # one of two easy faces at precision 1/2; one of three hard ones
    assert result["settings"]["easy"]["ap"]["value"] == pytest.approx(0.5 * 0.5)
    assert result["settings"]["hard"]["ap"]["value"] == pytest.approx(1 / 3 * 0.5)
    assert result["operating"]["precision"]["hits"] == 0
    assert result["operating"]["false_positives_per_picture"]["value"] == 0.5


def test_the_report_folder_holds_page_and_figures(root: Path, tmp_path: Path) -> None:
    file = boxes(root, HEADER + "a.jpg,0,0,40,40,0.8\n")
    folder = tmp_path / "report"
    assert run(["evaluate", "detection", "--root", str(root), "--boxes", file, "--report", str(folder)]) == 0
    page = (folder / "report.html").read_text()
    assert "<svg" in page
    assert "IoU 0.50:0.95" in page
    assert json.loads((folder / "report.json").read_text())["results"][0]["name"] == "theirs"


def test_without_an_operating_score_nothing_is_said_about_one(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = boxes(root, HEADER + "a.jpg,0,0,40,40,0.8\n")
    assert run(["evaluate", "detection", "--root", str(root), "--boxes", file]) == 0
    text = capsys.readouterr().out
    assert "Average precision" in text
    assert "At the operating score" not in text


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--dataset", "fddb"], 2, "--dataset takes widerface, not 'fddb'"),
        (["--boxes", "gone.csv"], 4, "no such file or folder: gone.csv"),
        (["--detector", ","], 2, "--detector"),
        (["--detector", "nobody"], 4, "nobody"),
        (["--boxes", "BAD"], 2, "line 2: four finite numbers"),
        (["--boxes", "GOOD", "--score", "nan"], 2, "must be a number"),
    ],
)
def test_bad_input_is_one_line_and_no_report(
    root: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    files = {"BAD": boxes(root, HEADER + "a.jpg,1,2,3,nan,1\n")}
    if "GOOD" in arguments:
        files = {"GOOD": boxes(root, HEADER + "a.jpg,1,2,3,4,1\n")}
    typed = [files.get(word, word) for word in arguments]
    report = root / "report"
    assert run(["evaluate", "detection", "--root", str(root), "--report", str(report), *typed]) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1
    assert not report.exists()


@pytest.mark.data
@pytest.mark.weights
def test_a_detector_finds_the_faces_of_real_pictures(
    data: Path, weights: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del weights
    rows = json.loads((data / "widerface" / "ground_truth.json").read_text())
    rows = [row for row in rows if len(row["easy"]) == len(row["boxes_xywh"]) == 1][:5]
    for row in rows:
        target = tmp_path / "images" / row["file"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / "widerface" / "images" / row["file"], target)
    missing = {**rows[0], "file": "gone.jpg"}
    (tmp_path / "ground_truth.json").write_text(json.dumps([*rows, missing]))
    assert run(["evaluate", "detection", "--root", str(tmp_path), "--json", "--side", "640"]) == 9
    (result,) = answer(capsys)["results"]
    assert [failure["reason"] for failure in result["failures"]] == ["not-found"]
    assert result["settings"]["easy"]["faces"] == 6
    # the face of the missing picture is missed: recall cannot exceed 5 of 6
    assert 0.6 < result["settings"]["easy"]["ap"]["value"] <= 5 / 6 + 1e-9
    assert result["milliseconds"]["detect"]["mean"] > 0
    assert result["published"][0]["easy"] == 0.8845


@pytest.mark.data
@pytest.mark.weights
def test_landmarks_of_real_faces_lie_near_the_marks(
    data: Path, weights: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del weights
    lines = (data / "mtfl" / "landmarks.csv").read_text().splitlines()[:21]
    (tmp_path / "images").mkdir()
    for line in lines[1:]:
        name = line.split(",")[0]
        shutil.copyfile(next((data / "mtfl").rglob(name)), tmp_path / "images" / name)
    (tmp_path / "landmarks.csv").write_text("\n".join([*lines, lines[1].replace(lines[1].split(",")[0], "gone.jpg")]))
    assert run(["evaluate", "landmarks", "--root", str(tmp_path), "--json"]) == 9
    (result,) = answer(capsys)["results"]
    assert result["faces"] == 21
    assert result["found"]["hits"] <= 20
    assert 0 < result["nme"]["interocular"]["median"] < 0.25
    assert result["nme"]["interocular"]["failure"][1]["errors"] >= 1


def test_landmarks_without_marks_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "landmarks", "--root", str(tmp_path)]) == 4
    assert "landmarks.csv: cannot be read" in capsys.readouterr().err
