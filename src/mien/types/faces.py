"""The faces of one picture, as columns of equal length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.types.arrays import Boxes, FloatArray, Points

PIXELS = "px"
"""Unit of a column that lies in the picture: x and y of the full upright picture, or x, y and depth; scaled with it."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one head says of every face.

    Args:
        values: (n, ...) one row a face; NaN where the head has no answer.
        unit: of the values, such as ``px``, ``degrees`` or ``years``; empty for probabilities.
    """

    values: FloatArray
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Faces:
    """What a detector found in one picture, in descending order of score.

    Args:
        boxes: (n, 4) float32 x0 y0 x1 y1, pixels of the upright full picture; may pass its border.
        scores: (n,) float32 in 0..1, the detector's own confidence.
        points: (n, 5, 2) float32, pixels: eye left in the picture, eye right, nose tip, mouth corner left, right.
        size: (width, height) of that picture.
        source: path or name of the picture.
        truncated: there were more faces than the limit; the surest are kept.
        columns: what heads say, by the head's name; none unless asked for.
    """

    boxes: Boxes
    scores: FloatArray
    points: Points
    size: tuple[int, int]
    source: str = ""
    truncated: bool = False
    columns: Mapping[str, Column] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.boxes)
        for name, array, shape in (
            ("boxes", self.boxes, (n, 4)),
            ("scores", self.scores, (n,)),
            ("points", self.points, (n, 5, 2)),
        ):
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
        for name, column in self.columns.items():
            if len(column.values) != n:
                raise ValueError(f"column {name} must have {n} rows, got {len(column.values)}")

    @classmethod
    def none(cls, size: tuple[int, int], source: str = "") -> Faces:
        """No face in a picture of this size."""
        f4 = np.float32
        return cls(np.empty((0, 4), f4), np.empty(0, f4), np.empty((0, 5, 2), f4), size, source)

    def __len__(self) -> int:
        return len(self.boxes)

    def __bool__(self) -> bool:
        return len(self) > 0

    def __iter__(self) -> Iterator[Face]:
        return (self.face(i) for i in range(len(self)))

    def __getitem__(self, rows: slice | list[int] | NDArray[Any]) -> Faces:
        """A selection of rows: ``faces[faces.scores > 0.9]``."""
        columns = {name: replace(c, values=c.values[rows]) for name, c in self.columns.items()}
        boxes, scores, points = self.boxes[rows], self.scores[rows], self.points[rows]
        return replace(self, boxes=boxes, scores=scores, points=points, columns=columns)

    def with_columns(self, columns: Mapping[str, Column]) -> Faces:
        """The same faces with more columns; one of a name already there takes its place.

        Raises:
            ValueError: a column of another length.
        """
        return replace(self, columns={**self.columns, **columns})

    def face(self, row: int) -> Face:
        """One row."""
        x0, y0, x1, y1 = (float(v) for v in self.boxes[row])
        points = tuple((float(x), float(y)) for x, y in self.points[row])
        return Face((x0, y0, x1, y1), float(self.scores[row]), points, self.source)

    @property
    def widths(self) -> FloatArray:
        """(n,) box widths in pixels of the full picture."""
        return self.boxes[:, 2] - self.boxes[:, 0]

    @property
    def heights(self) -> FloatArray:
        """(n,) box heights in pixels of the full picture."""
        return self.boxes[:, 3] - self.boxes[:, 1]

    def scaled(self, x: float, y: float, size: tuple[int, int]) -> Faces:
        """The same faces in a picture of another resolution: coordinates times (x, y)."""
        factor = np.array([x, y, np.sqrt(x * y)], np.float32)
        columns = {
            name: replace(c, values=c.values * factor[: c.values.shape[-1]]) if c.unit == PIXELS else c
            for name, c in self.columns.items()
        }
        factor = factor[:2]
        boxes, points = self.boxes * np.tile(factor, 2), self.points * factor
        return replace(self, boxes=boxes, points=points, size=size, columns=columns)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: file, width, height, faces with box, points and det_score."""
        width, height = self.size
        faces = [{k: v for k, v in face.to_dict().items() if k != "file"} for face in self]
        return {"file": self.source, "width": width, "height": height, "faces": faces, "truncated": self.truncated}


@dataclass(frozen=True, slots=True)
class Face:
    """Where one face is: box x0 y0 x1 y1 and five points in pixels of the upright full picture."""

    box: tuple[float, float, float, float]
    score: float
    points: tuple[tuple[float, float], ...] = ()
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON: file, box, det_score, points (rounded to a tenth of a pixel)."""
        return {
            "file": self.source,
            "box": [round(v, 1) for v in self.box],
            "det_score": round(self.score, 4),
            "points": [[round(x, 1), round(y, 1)] for x, y in self.points],
        }
