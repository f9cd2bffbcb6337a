from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from mien.errors import ConflictError
from mien.image import encode_jpeg
from mien.presentation.make import chosen, framed, make, person_of
from mien.presentation.manifest import MANIFEST, read_manifest
from mien.types.faces import Faces
from mien.types.image import Image


@dataclass
class Middle:
    """Finds one face in the middle of every picture."""

    name: str = "middle"

    def detect(self, image: Image) -> Faces:
        width, height = image.size
        box = np.array([[0.3 * width, 0.3 * height, 0.7 * width, 0.75 * height]], np.float32)
        shares = np.array([[[0.42, 0.45], [0.58, 0.45], [0.5, 0.55], [0.44, 0.64], [0.56, 0.64]]], np.float32)
        points = shares * np.array([width, height], np.float32)
        return Faces(box, np.ones(1, np.float32), points, image.size, image.source)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for number, name in enumerate(["001_03", "001_08", "002_03"]):
        pixels = np.random.default_rng(number).integers(60, 200, (12, 10, 3), np.uint8).repeat(20, 0).repeat(20, 1)
        (folder / f"{name}.jpg").write_bytes(encode_jpeg(pixels))
    return folder


def test_the_person_is_what_stands_before_the_last_underscore() -> None:
    assert person_of(Path("001_03.jpg")) == "001"
    assert person_of(Path("Ada_Byron_0001.jpg")) == "Ada_Byron"
    assert person_of(Path("ada.jpg")) == "ada"


def test_people_and_pictures_of_a_person_can_be_chosen(photographs: Path) -> None:
    assert [p.stem for p in chosen(photographs, (2, 2), None)[0]] == ["002_03"]
    assert [p.stem for p in chosen(photographs, None, 1)[0]] == ["001_08", "002_03"]


def test_what_is_made_is_listed_and_the_same_again(photographs: Path, tmp_path: Path) -> None:
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        done = make(photographs, folder, ["replay"], [4], Middle(), people=(1, 1))
        assert (len(done.rows), done.kept) == (2, 0)
    one, two = map(read_manifest, folders)
    assert one == two
    assert {(row.species, row.maker, row.seed, row.person) for row in one} == {("replay", 4, 1, "001")}
    for row in one:
        assert (folders[0] / row.file).read_bytes() == (folders[1] / row.file).read_bytes()


def test_a_run_goes_on_after_its_last_whole_line(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = make(photographs, out, ["bona-fide"], [1], Middle())
    path = out / MANIFEST
    path.write_text(path.read_text()[:-10])  # as a killed process leaves it
    assert len(read_manifest(out)) == len(first.rows) - 1
    again = make(photographs, out, ["bona-fide"], [1], Middle())
    assert again.kept == len(first.rows) - 1
    assert read_manifest(out) == first.rows


def test_a_picture_that_is_gone_is_made_again(photographs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = make(photographs, out, ["bona-fide"], [1], Middle(), people=(1, 1))
    (out / first.rows[0].file).unlink()
    again = make(photographs, out, ["bona-fide"], [1], Middle(), people=(1, 1))
    assert again.kept == len(first.rows) - 1
    assert sorted(read_manifest(out), key=lambda row: row.file) == sorted(first.rows, key=lambda row: row.file)


def test_another_seed_is_refused_in_the_same_folder(photographs: Path, tmp_path: Path) -> None:
    make(photographs, tmp_path / "out", ["bona-fide"], [1], Middle(), people=(1, 1))
    with pytest.raises(ConflictError, match="another seed"):
        make(photographs, tmp_path / "out", ["bona-fide"], [1], Middle(), people=(1, 1), seed=2)


def test_in_turn_each_photograph_has_one_maker(photographs: Path, tmp_path: Path) -> None:
    done = make(photographs, tmp_path / "out", ["bona-fide"], [1, 2], Middle(), in_turn=True)
    assert [row.maker for row in done.rows] == [1, 2, 1]


def test_the_face_keeps_its_place_in_the_square_taken_of_a_wide_picture() -> None:
    image = Image(np.zeros((300, 900, 3), np.uint8))
    pixels, points = framed(image.pixels, Middle().detect(image))
    assert pixels.shape == (810, 810, 3)
    # The square is as high as the picture, 300, and about the middle: x0 = 300.
    assert points[2].tolist() == pytest.approx([(450 - 300) * 2.7, 0.55 * 300 * 2.7])
