"""`mien evaluate identification`, `grouping`, `fruits` and `funnel` as they are typed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.cli.main import run
from mien.gallery import Gallery
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

KNOWN, STRANGERS = 8, 6


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The one JSON document; the rest of stdout would make it fail."""
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory, data: Path, weights: None) -> Path:
    """Lists over a few Londoners: neutral references, smiling probes, and smiling strangers."""
    folder = tmp_path_factory.mktemp("lists")
    root = data / "london"
    smiling = sorted((root / "smiling_front").glob("*.jpg"))[: KNOWN + STRANGERS]
    rows = [(next((root / "neutral_front").glob(f"{path.name[:3]}_*")), path, path.name[:3]) for path in smiling]
    refs = [f"{a.relative_to(root)},{who}" for a, _, who in rows[:KNOWN]]
    probes = [f"{b.relative_to(root)},{who}" for _, b, who in rows]
    for name, lines in (("refs.csv", refs), ("probes.csv", probes)):
        (folder / name).write_text("\n".join(("file,subject", *lines)) + "\n")
    return folder


@pytest.fixture
def asked(lists: Path, data: Path) -> list[str]:
    files = ["--gallery", str(lists / "refs.csv"), "--probes", str(lists / "probes.csv")]
    return ["evaluate", "identification", *files, "--root", str(data / "london")]


@pytest.mark.weights
@pytest.mark.data
def test_londoners_are_found_and_strangers_are_not(
    asked: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    extra = ["--repeats", "3", "--seed", "5", "--report", str(tmp_path / "report"), "--json"]
    assert run([*asked, "--fpir", "0.01,0.5", *extra]) == 0
    document = answer(capsys)
    (result,) = document["results"]
    assert result["probes"] == {"mated": KNOWN, "nonmated": STRANGERS, "failed_mated": 0, "failed_nonmated": 0}
    assert result["gallery"]["references"] == KNOWN
    assert result["closed_set"]["rank1"]["errors"] == KNOWN
    low, half = result["open_set"]
    assert low["threshold"] is None  # six strangers support no FPIR of 0.01
    assert "6 non-mated probes" in low["reason"]
    assert half["fnir"]["errors"] == 0
    promise = result["operating_points"][0]
    assert promise["fpir"]["trials"] == STRANGERS
    assert promise["verdict"] == "agrees"
    assert result["verification"]["pairs"] == {"mated": 8, "nonmated": 8 * 7 + 6 * 8, "failed": 0}
    assert result["repeats"]["seed"] == 5
    assert result["repeats"]["figures"]["rank1"]["n"] == 3
    assert json.loads((tmp_path / "report" / "report.json").read_text())["results"] == document["results"]
    assert (tmp_path / "report" / "report.html").read_text().count("<svg") == 2


def test_bad_lists_leave_no_half_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "refs.csv").write_text("file,subject\nmissing.jpg,ada\n")
    report = tmp_path / "report"
    files = ["--gallery", str(tmp_path / "refs.csv"), "--probes", str(tmp_path / "refs.csv"), "--report", str(report)]
    assert run(["evaluate", "identification", *files]) == 2
    assert re.search(r"refs\.csv, line 2: no file .*missing\.jpg", capsys.readouterr().err)
    assert not report.exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--fpir", "2"], "rates between 0 and 1"),
        (["--fpir", "few"], "takes numbers"),
        (["--faces", "all"], "--faces takes"),
        (["--embedder", ","], "names nothing"),
        (["--rank", "0"], "rank"),
    ],
)
def test_options_out_of_range_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], says: str
) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    (tmp_path / "b.jpg").write_bytes(b"b")
    (tmp_path / "refs.csv").write_text("file,subject\na.jpg,ada\n")
    (tmp_path / "probes.csv").write_text("file,subject\nb.jpg,ada\n")
    files = ["--gallery", str(tmp_path / "refs.csv"), "--probes", str(tmp_path / "probes.csv")]
    assert run(["evaluate", "identification", *files, *options]) == 2
    assert says in capsys.readouterr().err


@pytest.mark.weights
@pytest.mark.data
def test_londoners_are_sorted_into_people(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in sorted((data / "london").glob("*_front/*.jpg")):
        if int(path.name[:3]) <= 10:
            folder = tmp_path / "people" / path.name[:3]
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder)
    people = len(list((tmp_path / "people").iterdir()))
    command = ["evaluate", "grouping", "--root", str(tmp_path / "people"), "--sweep", "--json"]
    assert run([*command, "--report", str(tmp_path / "report")]) == 0
    (result,) = answer(capsys)["results"]
    assert (result["people"], result["groups"], result["mixed"]) == (people, people, 0)
    assert result["bcubed"] == {"precision": 1.0, "recall": 1.0, "f": 1.0}
    assert result["edits"]["total"] == 0
    assert len(result["sweep"]) > 3
    assert (tmp_path / "report" / "report.html").exists()


@pytest.mark.parametrize(("kind", "code"), [("missing", 4), ("empty", 2), ("file", 2)])
def test_a_root_without_people_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str, code: int
) -> None:
    root = tmp_path / "root"
    if kind == "empty":
        root.mkdir()
    elif kind == "file":
        root.write_text("no folder")
    assert run(["evaluate", "grouping", "--root", str(root)]) == code
    assert str(root) in capsys.readouterr().err


@pytest.mark.weights
def test_the_chain_is_timed_stage_by_stage(portraits: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for path in sorted(portraits.iterdir())[:2]:
        shutil.copy(path, few)
    which = ["--embedder", "sface", "--detector", "yunet", "--engine", "onnxruntime", "--side", "own,320"]
    assert run(["evaluate", "fruits", "--images", str(few), "--budget", "0.001,1e9", *which, "--json"]) == 0
    document = answer(capsys)
    assert [len(budget["fits"]) for budget in document["budgets"]] == [0, 2]
    assert document["budgets"][1]["best_measured"] is not None
    for result in document["results"]:
        assert set(result["milliseconds"]["stages"]) == {"detect", "align", "embed", "compare", "total"}
        assert result["milliseconds"]["median"] <= result["milliseconds"]["p95"]
    measured = {result["side"]: result["error"]["measured"] for result in document["results"]}
    assert measured == {1600: True, 320: False}


@pytest.mark.parametrize(
    "options", [["--budget", "-5"], ["--side", "12"], ["--engine", "torch"], ["--precision", "int8"]]
)
def test_what_cannot_be_timed_is_refused(options: list[str]) -> None:
    assert run(["evaluate", "fruits", *options]) == 2


def gallery_of(path: Path, people: int, each: int) -> Path:
    """Enrolled people whose templates lie near their own direction."""
    random = np.random.default_rng(3)
    contract = TemplateContract("made-up", "0" * 64, 16, "none")
    with Gallery(path, contract=contract, create=True) as gallery, gallery.batch():
        for person in range(people):
            centre = random.standard_normal(16)
            for _ in range(each):
                vector = centre + 0.3 * random.standard_normal(16)
                rows = (vector / np.linalg.norm(vector)).astype(np.float32)[None]
                gallery.enrol(f"person {person}", Templates(rows, Precision.F32, contract, (Face((0, 0, 9, 9), 1.0),)))
    return path


def test_the_funnel_sets_losses_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = gallery_of(tmp_path / "big.mien", 30, 3)
    assert (
        run(["evaluate", "funnel", "-g", str(path), "--probes", "50", "--report", str(tmp_path / "r"), "--json"]) == 0
    )
    document = answer(capsys)
    assert (document["references"], document["probes"], document["eligible"]) == (90, 50, 90)
    kinds = [method["kind"] for method in document["methods"]]
    assert kinds[0] == "embedding"
    assert {"quantisation", "index", "misuse"} < set(kinds)
    exact = document["methods"][0]
    assert exact["recall"] == {"1": 1.0, "10": 1.0, "100": None}  # there are no hundred others
    assert exact["loss"] == pytest.approx(1 - exact["identity_accuracy"]["value"])


def test_the_funnel_needs_two_references_of_somebody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = gallery_of(tmp_path / "thin.mien", 5, 1)
    assert run(["evaluate", "funnel", "-g", str(path)]) == 2
    assert "no named subject has two references" in capsys.readouterr().err
    assert run(["evaluate", "funnel", "-g", str(tmp_path / "none.mien")]) == 4
