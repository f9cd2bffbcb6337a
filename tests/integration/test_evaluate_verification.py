"""`mien evaluate verification`, `scores` and `compare` as a person types them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from mien.cli.main import run


def stranger(path: Path, *, seed: int = 0, gap: float = 4.0) -> Path:
    """Scores of a system that nobody here has seen."""
    random = np.random.default_rng(seed)
    scores = random.normal(size=4000) + gap * np.tile([1, 0], 2000)
    rows = [f"{score:.6f},{1 - row % 2},{row % 10},{'fm'[row % 3 == 0]}" for row, score in enumerate(scores)]
    path.write_text("\n".join(["score,mated,fold,gender", *rows, ""]))
    return path


def test_a_strangers_scores_give_every_figure_without_models(
    tmp_path: Path, subprocess_mien: Callable[..., CompletedProcess[str]]
) -> None:
    path = stranger(tmp_path / "theirs.csv")
    answer = subprocess_mien("evaluate", "scores", str(path), "--json", "--report", str(tmp_path / "report"))
    assert answer.returncode == 0
    (result,) = json.loads(answer.stdout)["results"]
    assert result["name"] == "theirs"
    assert result["pairs"] == {"mated": 2000, "nonmated": 2000, "failed": 0}
    assert result["eer"]["low"] < result["eer"]["value"] < result["eer"]["high"]
    assert result["eer"]["value"] == pytest.approx(0.02275, abs=0.006)  # two unit normals 4 apart meet at 2 sigma
    assert result["accuracy"]["mean"] == pytest.approx(0.97725, abs=0.01)
    assert len(result["accuracy"]["folds"]) == 10
    assert [row["fmr"] for row in result["tar"]] == [0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6]
    assert {p.name for p in (tmp_path / "report").iterdir()} == {"report.html", "report.json", "scores.parquet"}


def test_a_report_can_be_made_again_from_its_score_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stranger(tmp_path / "theirs.csv")
    assert run(["evaluate", "scores", str(path), "--json", "--report", str(tmp_path / "report")]) == 0
    first = json.loads(capsys.readouterr().out)
    assert run(["evaluate", "scores", str(tmp_path / "report" / "scores.parquet"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first


def test_scores_load_no_model_library(tmp_path: Path) -> None:
    path = stranger(tmp_path / "theirs.csv")
    loaded = {"onnx", "openvino"} & set(sys.modules)
    assert run(["evaluate", "scores", str(path)]) == 0
    assert {"onnx", "openvino"} & set(sys.modules) == loaded


def test_two_runs_are_compared_pair_by_pair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weak, strong = stranger(tmp_path / "weak.csv", gap=2.0), stranger(tmp_path / "strong.csv", seed=1)
    assert run(["evaluate", "compare", str(weak), str(strong), "--fmr", "0.01", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["first"], facts["second"], facts["mcnemar"]["fmr"]) == ("weak", "strong", 0.01)
    assert {row["verdict"] for row in facts["differences"]} == {"second is better"}
    assert facts["mcnemar"]["p"] < 1e-6
    assert run(["evaluate", "compare", str(weak), str(weak), "--systems", "weak,strong"]) == 2
    assert "there are weak" in capsys.readouterr().err


BAD: list[tuple[list[str], int, str]] = [
    (["scores", "{root}/none.csv"], 4, "no such score file"),
    (["scores", "{root}/nan.csv"], 2, "line 3: the score nan"),
    (["scores", "{root}/one.csv"], 2, "all comparisons of one are mated"),
    (["scores", "{root}/good.csv", "--report", "{root}/nan.csv"], 2, "it is a file; name a folder"),
    (["compare", "{root}/good.csv", "{root}/short.csv"], 2, "did not make the same comparisons"),
    (["compare", "{root}/good.csv", "{root}"], 4, "no such score file"),
    (["compare", "{root}/good.csv", "{root}/good.csv", "--fmr", "2"], 2, "--fmr must lie between"),
    (["verification"], 2, "name what is compared"),
    (["verification", "--dataset", "lfw", "--pairs", "{root}/self.csv"], 2, "name what is compared"),
    (["verification", "--dataset", "ijbz"], 2, "--dataset takes lfw, folder"),
    (["verification", "--dataset", "lfw", "--root", "{root}/none"], 4, "no such folder"),
    (["verification", "--dataset", "lfw", "--root", "{root}"], 4, "no pairs.txt there"),
    (["verification", "--pairs", "{root}/none.csv"], 2, "cannot be read"),
    (["verification", "--pairs", "{root}/self.csv", "--root", "{root}"], 2, "is paired with itself"),
    (["verification", "--pairs", "{root}/missing.csv", "--root", "{root}"], 2, "line 2: no picture 'gone.jpg'"),
    (["verification", "--pairs", "{root}/twice.csv", "--root", "{root}"], 2, "stands in line 2 already"),
    (["verification", "--pairs", "{root}/toy.bin"], 2, "no pair file of InsightFace"),
    (["verification", "--pairs", "{root}/good.csv", "--faces", "all"], 2, "--faces takes"),
]


@pytest.mark.parametrize(("arguments", "code", "said"), BAD)
def test_bad_input_gets_one_line_and_no_half_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, said: str
) -> None:
    files = {
        "good.csv": "score,mated\n1,1\n0,0\n",
        "short.csv": "score,mated\n1,1\n0,0\n0,0\n",
        "nan.csv": "score,mated\n1,1\nnan,0\n",
        "one.csv": "score,mated\n1,1\n",
        "self.csv": "a,b,mated\na.jpg,a.jpg,1\n",
        "missing.csv": "a,b,mated\na.jpg,gone.jpg,1\n",
        "twice.csv": "a,b,mated\na.jpg,b.jpg,1\nb.jpg,a.jpg,1\n",
        "toy.bin": "cos\nsystem\n(S'true'\ntR.",
        "a.jpg": "",
        "b.jpg": "",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    typed = [word.format(root=tmp_path) for word in arguments]
    report = [] if "--report" in typed else ["--report", str(tmp_path / "report")]
    assert run(["evaluate", *typed, *report]) == code
    lines = capsys.readouterr()
    assert lines.out == ""
    assert said in lines.err
    assert lines.err.count("\n") == 1
    assert not (tmp_path / "report").exists()


@pytest.mark.weights
def test_portraits_are_told_apart(portraits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pairs.csv").write_text("a,b,mated,era\nobama.jpg,obama2.jpg,1,new\nobama.jpg,biden.jpg,0,new\n")
    options = ["--pairs", str(tmp_path / "pairs.csv"), "--root", str(portraits), "--json"]
    assert run(["evaluate", "verification", *options, "--scores-out", str(tmp_path / "s.csv")]) == 0
    out = capsys.readouterr()
    (result,) = json.loads(out.out)["results"]
    assert result["eer"]["value"] == 0
    assert "2 pairs of 3 pictures in" in out.err
    assert (tmp_path / "s.csv").read_text().splitlines()[0] == '"name","score","mated","failed","a","b","era"'


@pytest.mark.data
@pytest.mark.weights
def test_a_part_of_lfws_development_view(
    data: Path, weights: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del weights
    lines = (data / "lfw" / "pairsDevTest.txt").read_text().splitlines()[1:]
    (tmp_path / "pairsDevTest.txt").write_text("\n".join(["20", *lines[:20], *lines[500:520], ""]))
    (tmp_path / "images").symlink_to(data / "lfw" / "images")
    options = ["--dataset", "lfw", "--view", "1", "--root", str(tmp_path), "--report", str(tmp_path / "report")]
    assert run(["evaluate", "verification", *options, "--json"]) == 0
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert result["pairs"] == {"mated": 20, "nonmated": 20, "failed": 0}
    assert result["eer"]["value"] <= 0.1
    assert "bootstrap over" in result["interval"]
    assert result["meta"]["model"]["name"] == "sface"
