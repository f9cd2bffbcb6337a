"""WIDER FACE in both layouts, MTFL, and boxes of other systems; what is refused, and with which words."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mien.errors import NotFoundError, UsageError
from mien.evaluate.protocols.boxes import read_boxes
from mien.evaluate.protocols.mtfl import HEADER, read_mtfl
from mien.evaluate.protocols.widerface import read_widerface

BOXES = [[10, 20, 30, 40], [5, 5, 0, 9]]
CORNERS = [[10, 20, 40, 60], [5, 5, 5, 14]]


def plain(root: Path, **changes: object) -> Path:
    row = {"file": "0--Parade/a.jpg", "boxes_xywh": BOXES, "easy": [], "medium": [0], "hard": [0, 1], **changes}
    (root / "ground_truth.json").write_text(json.dumps([row]))
    return root


def text(root: Path, body: str) -> Path:
    folder = root / "wider_face_split"
    folder.mkdir()
    (folder / "wider_face_val_bbx_gt.txt").write_text(body)
    return root


def cell(rows: list[object]) -> np.ndarray:
    """A column of cells, as MATLAB writes them."""
    column = np.empty((len(rows), 1), object)
    column[:, 0] = rows
    return column


def official(root: Path) -> Path:
    folder = root / "eval_tools" / "ground_truth"
    folder.mkdir(parents=True)
    names = {"event_list": cell(["0--Parade"]), "file_list": cell([cell(["a", "b"])])}
    boxes = cell([cell([np.array(BOXES, float), np.array([[1, 2, 3, 4.0]])])])
    savemat(folder / "wider_face_val.mat", {**names, "face_bbx_list": boxes})
    for name, lists in {"easy": ([], [1]), "medium": ([1], [1]), "hard": ([1, 2], [1])}.items():
        rows = [np.array(rows, float).reshape(-1, 1) for rows in lists]
        savemat(folder / f"wider_{name}_val.mat", {**names, "gt_list": cell([cell(rows)])})
    (root / "WIDER_val" / "images").mkdir(parents=True)
    return root


def test_the_json_layout_becomes_corners_and_masks(tmp_path: Path) -> None:
    data = read_widerface(plain(tmp_path))
    (picture,) = data.pictures
    assert picture.source == "0--Parade/a.jpg"
    assert picture.boxes.tolist() == CORNERS
    masks = {name: mask.tolist() for name, mask in picture.counts.items()}
    assert masks == {"easy": [False] * 2, "medium": [True, False], "hard": [True, True], "all": [True, False]}
    assert not data.whole


def test_the_official_lists_count_from_one(tmp_path: Path) -> None:
    data = read_widerface(official(tmp_path))
    assert [p.source for p in data.pictures] == ["0--Parade/a.jpg", "0--Parade/b.jpg"]
    assert data.pictures[0].boxes.tolist() == CORNERS
    assert data.pictures[0].counts["hard"].tolist() == [True, True]
    assert data.pictures[0].counts["easy"].tolist() == [False, False]
    assert data.pictures[1].counts["easy"].tolist() == [True]
    assert data.settings == ("easy", "medium", "hard", "all")
    assert data.images == tmp_path / "WIDER_val" / "images"


def test_the_text_file_alone_measures_the_whole_set_only_and_says_so(tmp_path: Path) -> None:
    body = "a/1.jpg\n2\n1 2 3 4 0 0 0 0 0 0 \n5 6 7 8 0 0 0 1 0 0 \na/none.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \na/3.jpg\n1\n"
    data = read_widerface(text(tmp_path, body + "1 1 1 1 0 0 0 0 0 0\n"))
    assert data.settings == ("all",)
    assert [len(p.boxes) for p in data.pictures] == [2, 0, 1]
    assert data.pictures[0].counts["all"].tolist() == [True, False]  # the second is marked invalid
    assert "easy, medium and hard are not measured" in data.notes[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"file": "../secret.jpg"}, "no path inside the folder"),
        ({"file": "/etc/passwd"}, "no path inside the folder"),
        ({"hard": [2]}, "hard: names a box beyond the 2"),
        ({"hard": [-1]}, "names a box beyond"),
        ({"hard": ["x"]}, "numbers of boxes expected"),
        ({"hard": [10**30]}, "numbers of boxes expected"),
        ({"boxes_xywh": [[1, 2, 3]]}, "rows of x y width height"),
        ({"boxes_xywh": [[1, 2, 3, None]]}, "rows of x y width height|not finite"),
        ({"boxes_xywh": [[1, 2, 3, float("nan")]]}, "not finite"),
    ],
)
def test_bad_annotations_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_widerface(plain(tmp_path, **changes))


@pytest.mark.parametrize("content", ['{"a": 1}', "7", "[1]", "[{}]", "not json", "[{"])
def test_another_json_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ground_truth.json").write_text(content)
    with pytest.raises(UsageError, match="boxes_xywh"):
        read_widerface(tmp_path)


@pytest.mark.parametrize("content", ["[]", '[{"file": "a", "boxes_xywh": [], "easy": [], "medium": [], "hard": []}]'])
def test_annotations_without_a_face_are_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "ground_truth.json").write_text(content)
    with pytest.raises(UsageError, match="not one face is annotated"):
        read_widerface(tmp_path)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a.jpg\nmany\n", "line 1: a name, a count"),
        ("a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n", "2 faces announced, 1 rows"),
        ("a.jpg\n1\n1 2 3\n", "line 1: a name, a count"),
        ("a.jpg\n", "line 1: a name, a count"),
    ],
)
def test_a_broken_text_file_is_refused_with_its_line(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_widerface(text(tmp_path, body))


def test_a_mat_file_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = official(tmp_path) / "eval_tools" / "ground_truth"
    (folder / "wider_easy_val.mat").write_bytes(b"not a mat file at all" * 20)
    with pytest.raises(UsageError, match=r"wider_easy_val\.mat: not a \.mat file"):
        read_widerface(tmp_path)
    savemat(folder / "wider_easy_val.mat", {"other": 1})
    with pytest.raises(UsageError, match="not those of WIDER FACE's tools"):
        read_widerface(tmp_path)


def test_an_empty_folder_and_a_missing_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="neither"):
        read_widerface(tmp_path)
    with pytest.raises(NotFoundError, match="no such folder"):
        read_widerface(tmp_path / "gone")


def test_boxes_of_a_csv_file_reach_their_pictures_surest_first(tmp_path: Path) -> None:
    data = read_widerface(official(tmp_path))
    file = tmp_path / "boxes.csv"
    file.write_text("file,x0,y0,x1,y1,score\n0--Parade/b.jpg,1,2,3,4,0.5\n0--Parade/b.jpg,5,6,7,8,0.9\n")
    found, silent = read_boxes(file, data.pictures)
    assert [len(f) for f in found] == [0, 2]
    assert found[1].scores.tolist() == [0.9, 0.5]
    assert found[1].boxes.tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]
    assert silent == 1


def test_the_official_folder_holds_widths_and_heights(tmp_path: Path) -> None:
    data = read_widerface(official(tmp_path))
    folder = tmp_path / "result" / "0--Parade"
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text("a\n1\n10 20 30 40 0.7\n")
    (folder / "b.txt").write_text("b\n0\n")
    found, silent = read_boxes(tmp_path / "result", data.pictures)
    assert found[0].boxes.tolist() == [[10, 20, 40, 60]]
    assert (len(found[1]), silent) == (0, 0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the first line must be file,x0,y0,x1,y1,score"),
        ("file,x,y,w,h,score\n", "the first line must be"),
        ("file,x0,y0,x1,y1,score\n", "no detection there"),
        ("file,x0,y0,x1,y1,score\n0--Parade/a.jpg,1,2,3,4\n", "line 2: four finite numbers"),
        ("file,x0,y0,x1,y1,score\n0--Parade/a.jpg,1,2,3,4,nan\n", "line 2: four finite numbers"),
        ("file,x0,y0,x1,y1,score\n0--Parade/a.jpg,1,2,3,four,1\n", "line 2: could not convert"),
        ("file,x0,y0,x1,y1,score\nc.jpg,1,2,3,4,1\n", "'c.jpg' is no picture of the data set"),
        ("file,x0,y0,x1,y1,score\n\xff", "not a CSV file in UTF-8"),
    ],
)
def test_bad_boxes_are_refused_with_their_line(tmp_path: Path, content: str, message: str) -> None:
    data = read_widerface(plain(tmp_path))
    file = tmp_path / "boxes.csv"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(UsageError, match=message):
        read_boxes(file, data.pictures)


def test_missing_boxes_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file or folder"):
        read_boxes(tmp_path / "gone.csv", ())


def marks(root: Path, *rows: str) -> Path:
    (root / "landmarks.csv").write_text("\n".join([",".join(HEADER), *rows]) + "\n")
    return root


def test_columns_of_x_then_y_become_points(tmp_path: Path) -> None:
    data = read_mtfl(marks(tmp_path, "a.jpg,1,2,3,4,5,6,7,8,9,10"))
    assert data.sources == ("a.jpg",)
    assert data.points.tolist() == [[[1, 6], [2, 7], [3, 8], [4, 9], [5, 10]]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.jpg,1,2,3", "line 2: ten finite numbers"),
        ("a.jpg,1,2,3,4,5,6,7,8,9,inf", "line 2: ten finite numbers"),
        ("a.jpg,1,2,3,4,5,6,7,8,9,ten", "line 2: could not convert"),
        ("../a.jpg,1,2,3,4,5,6,7,8,9,10", "no path inside"),
        ("", "no row there"),
    ],
)
def test_bad_marks_are_refused_with_their_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_mtfl(marks(tmp_path, row))


def test_other_columns_and_missing_marks_are_refused(tmp_path: Path) -> None:
    (tmp_path / "landmarks.csv").write_text("file,x,y\n")
    with pytest.raises(UsageError, match="the first line must be file,x1"):
        read_mtfl(tmp_path)
    with pytest.raises(NotFoundError, match="cannot be read"):
        read_mtfl(tmp_path / "gone")
