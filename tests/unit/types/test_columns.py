from __future__ import annotations

import numpy as np
import pytest

from mien.types.faces import Column, Faces

F4 = np.float32


def three() -> Faces:
    boxes = np.arange(12, dtype=F4).reshape(3, 4)
    return Faces(boxes, np.array([0.9, 0.8, 0.7], F4), np.zeros((3, 5, 2), F4), (100, 50))


def test_columns_follow_the_selection_of_faces() -> None:
    faces = three().with_columns({"age": Column(np.array([1, 2, 3], F4), "years")})
    assert faces[[2, 0]].columns["age"].values.tolist() == [3, 1]
    assert faces[faces.scores > 0.75].columns["age"].values.tolist() == [1, 2]


def test_only_columns_in_pixels_are_scaled_with_the_picture() -> None:
    faces = three().with_columns(
        {"marks": Column(np.ones((3, 68, 2), F4), "px"), "age": Column(np.ones(3, F4), "years")}
    )
    scaled = faces.scaled(2, 3, (200, 150))
    assert scaled.columns["marks"].values[0, 0].tolist() == [2, 3]
    assert scaled.columns["age"].values.tolist() == [1, 1, 1]


def test_a_column_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="3 rows, got 2"):
        three().with_columns({"age": Column(np.ones(2, F4))})


def test_faces_without_columns_are_as_before() -> None:
    assert three().columns == {}
    plain = three()
    plain.with_columns({"age": Column(np.ones(3, F4))})
    assert plain.columns == {}
