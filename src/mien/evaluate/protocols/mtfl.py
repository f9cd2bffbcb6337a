"""MTFL (Zhang et al., Facial landmark detection by deep multi-task learning, ECCV 2014): pictures with five points.

A folder with ``landmarks.csv``, header ``file,x1,…,x5,y1,…,y5``: eye left in the picture, eye right, nose tip, mouth
corner left and right, in pixels of the picture, which lies in ``images/`` or beside the file.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mien.errors import NotFoundError, UsageError
from mien.evaluate.metrics.landmarks import F8
from mien.evaluate.protocols.widerface import inside

HEADER = ["file", *(f"{axis}{i}" for axis in "xy" for i in range(1, 6))]


@dataclass(frozen=True, slots=True)
class Marked:
    """Pictures of one face each.

    Args:
        images: folder that the sources are relative to.
        sources: n paths.
        points: (n, 5, 2) float64 x y in pixels of the upright picture.
    """

    images: Path
    sources: tuple[str, ...]
    points: F8


def read_mtfl(root: Path) -> Marked:
    """The data set in a folder.

    Raises:
        NotFoundError: no such folder or no landmarks.csv in it.
        UsageError: wrong columns, a number that is none, no rows; the message names file and line.
    """
    path = root / "landmarks.csv"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            if next(rows, []) != HEADER:
                raise UsageError(f"{path}: the first line must be {','.join(HEADER)}", source=str(path))
            read = [_row(row, f"{path}, line {rows.line_num}") for row in rows if row]
    except OSError as error:
        raise NotFoundError(f"{path}: cannot be read ({error.strerror})", source=str(path)) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path}: not a CSV file in UTF-8 ({error})", source=str(path)) from error
    if not read:
        raise UsageError(f"{path}: no row there; nothing can be measured", source=str(path))
    images = root / "images"
    points = np.array([numbers for _, numbers in read]).reshape(-1, 2, 5).transpose(0, 2, 1)
    return Marked(images if images.is_dir() else root, tuple(name for name, _ in read), points)


def _row(row: list[str], where: str) -> tuple[str, list[float]]:
    try:
        numbers = [float(cell) for cell in row[1:]]
    except ValueError as error:
        raise UsageError(f"{where}: {error}", source=where) from error
    if len(numbers) != 10 or not np.isfinite(numbers).all():
        raise UsageError(f"{where}: ten finite numbers expected", source=where)
    return inside(row[0], where), numbers
