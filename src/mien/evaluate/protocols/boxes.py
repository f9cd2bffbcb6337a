"""Detections of other systems: a CSV file, or the folder of text files that the tools of WIDER FACE read."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.errors import NotFoundError, UsageError
from mien.evaluate.metrics.detection import Annotated, Detections

HEADER = ["file", "x0", "y0", "x1", "y1", "score"]


def read_boxes(path: Path, pictures: Sequence[Annotated]) -> tuple[tuple[Detections, ...], int]:
    """The detections of each picture, whoever made them.

    Args:
        path: a CSV file with the header ``file,x0,y0,x1,y1,score``, or a folder with ``EVENT/PICTURE.txt`` files:
            a name, a number, and rows of x y width height score.
        pictures: of the data set; files are named as there.

    Returns:
        One Detections a picture, and how many pictures the file says nothing about (nothing found in them).

    Raises:
        NotFoundError: no such file or folder.
        UsageError: a row that cannot be understood, or a picture that is not in the data set; names file and line.
    """
    if not path.exists():
        raise NotFoundError(f"no such file or folder: {path}", source=str(path))
    known = {picture.source for picture in pictures}
    rows = _folder(path, known) if path.is_dir() else _csv(path, known)
    if not any(rows.values()):
        raise UsageError(f"{path}: no detection there; nothing can be measured", source=str(path))
    return tuple(_detections(rows.get(p.source, [])) for p in pictures), len(known - rows.keys())


def _detections(rows: list[list[float]]) -> Detections:
    table = np.array(rows, np.float64).reshape(-1, 5)
    return Detections.of(table[:, :4], table[:, 4])


def _csv(path: Path, known: set[str]) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            if header != HEADER:
                raise UsageError(f"{path}: the first line must be {','.join(HEADER)}", source=str(path))
            for row in rows:
                if row:
                    where = f"{path}, line {rows.line_num}"
                    values = _numbers(row[1:], where)
                    found.setdefault(_known(row[0], known, where), []).append(values)
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: not a CSV file in UTF-8 ({error})", source=str(path)) from error
    return found


def _folder(path: Path, known: set[str]) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    for file in sorted(path.rglob("*.txt")):
        name = _known(file.relative_to(path).with_suffix(".jpg").as_posix(), known, str(file))
        try:
            lines = file.read_text("utf-8").splitlines()[2:]
        except UnicodeDecodeError as error:
            raise UsageError(f"{file}: not a text file", source=str(file)) from error
        rows = [_numbers(line.split(), f"{file}, line {n}") for n, line in enumerate(lines, 3) if line.strip()]
        found[name] = [[x, y, x + w, y + h, score] for x, y, w, h, score in rows]
    return found


def _known(name: str, known: set[str], where: str) -> str:
    if name not in known:
        raise UsageError(f"{where}: '{name}' is no picture of the data set; use the annotations' names", source=where)
    return name


def _numbers(cells: list[str], where: str) -> list[float]:
    try:
        values = [float(cell) for cell in cells]
    except ValueError as error:
        raise UsageError(f"{where}: {error}", source=where) from error
    if len(values) != 5 or not np.isfinite(values).all():
        raise UsageError(f"{where}: four finite numbers of a box and a score expected", source=where)
    return values
