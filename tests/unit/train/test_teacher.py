"""A teacher's embeddings are computed once, go on where they stopped, and are what the teacher says."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from distil_toys import ToyTeacher  # noqa: E402
from mien.errors import StoreError  # noqa: E402
from mien.train.data import FaceData, open_data, pick  # noqa: E402
from mien.train.recipe import Teacher  # noqa: E402
from mien.train.teacher import CHUNK, HEADER, teach  # noqa: E402
from training_toys import draw_people  # noqa: E402

ROW = ToyTeacher.DIMENSION * 2


@pytest.fixture
def faces(tmp_path: Path) -> FaceData:
    return open_data(f"folder:{draw_people(tmp_path / 'faces', range(3), 4)}")


@pytest.fixture
def settings(tmp_path: Path) -> Teacher:
    return Teacher(model="toy", folder=str(tmp_path / "teachers"))


def rows_file(settings: Teacher) -> Path:
    (path,) = Path(settings.folder).iterdir()
    return path


def test_a_target_lies_midway_between_a_face_and_its_mirror_image(faces: FaceData, settings: Teacher) -> None:
    teacher = ToyTeacher()
    found = teach(faces, teacher, settings)[np.arange(12)]
    crops = faces.crops(np.arange(12))
    there, mirrored = teacher.embed(crops), teacher.embed(crops[:, :, ::-1])
    assert np.allclose((found * there).sum(1), (found * mirrored).sum(1), atol=2e-3)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=2e-3)
    assert ((there * mirrored).sum(1) < 0.999).all()  # the toy does see a difference


def test_without_mirror_images_a_target_is_the_embedding(faces: FaceData, settings: Teacher) -> None:
    teacher = ToyTeacher()
    found = teach(faces, teacher, replace(settings, mirrored=False))[np.arange(12)]
    assert np.allclose(found, teacher.embed(faces.crops(np.arange(12))), atol=1e-3)


def test_a_second_run_asks_the_teacher_nothing(faces: FaceData, settings: Teacher) -> None:
    first, second = ToyTeacher(), ToyTeacher()
    made, read = teach(faces, first, settings), teach(faces, second, settings)
    assert first.seen == 24
    assert second.seen == 0
    assert np.array_equal(made.rows, read.rows)
    assert made.key == read.key


@pytest.mark.parametrize("kept", [0, 1, 5, 11])
def test_a_file_cut_short_goes_on_behind_its_last_whole_row(faces: FaceData, settings: Teacher, kept: int) -> None:
    whole = np.array(teach(faces, ToyTeacher(), settings).rows)
    os.truncate(rows_file(settings), HEADER + kept * ROW + 3)
    again = ToyTeacher()
    assert np.array_equal(teach(faces, again, settings).rows, whole)
    assert again.seen == 2 * (12 - kept)


def test_rows_that_never_reached_the_disk_are_made_again(faces: FaceData, settings: Teacher) -> None:
    whole = np.array(teach(faces, ToyTeacher(), settings).rows)
    with rows_file(settings).open("r+b") as file:
        file.seek(HEADER + 9 * ROW)
        file.write(bytes(3 * ROW))
    again = ToyTeacher()
    assert np.array_equal(teach(faces, again, settings).rows, whole)
    assert again.seen == 6


def test_other_faces_or_weights_are_another_file(faces: FaceData, settings: Teacher) -> None:
    keys = {
        teach(faces, ToyTeacher(), settings).key,
        teach(faces, ToyTeacher(), replace(settings, mirrored=False)).key,
        teach(faces, ToyTeacher(weights="b" * 64), settings).key,
        teach(pick(faces, np.arange(5)), ToyTeacher(), settings).key,
    }
    assert len(keys) == len(list(Path(settings.folder).iterdir())) == 4


def test_progress_reaches_the_end(faces: FaceData, settings: Teacher) -> None:
    many = pick(faces, np.arange(CHUNK + 20) % 12)
    told: list[tuple[int, int]] = []
    teach(many, ToyTeacher(), settings, lambda done, total: told.append((done, total)))
    assert told == [(CHUNK, CHUNK + 20), (CHUNK + 20, CHUNK + 20)]


@pytest.mark.skipif(os.name != "posix", reason="rights of files")
def test_templates_are_readable_by_their_owner_alone(faces: FaceData, settings: Teacher) -> None:
    teach(faces, ToyTeacher(), settings)
    assert stat.S_IMODE(os.stat(settings.folder).st_mode) == 0o700
    assert stat.S_IMODE(rows_file(settings).stat().st_mode) == 0o600


def test_a_place_that_cannot_be_written_is_named(faces: FaceData, settings: Teacher, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match="taken"):
        teach(faces, ToyTeacher(), replace(settings, folder=str(tmp_path / "taken")))
