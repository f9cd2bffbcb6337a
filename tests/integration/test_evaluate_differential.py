"""`mien evaluate differential` and `mien calibrate`, on bad lists and on galleries that the test makes."""

import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from mien.cli.main import run
from mien.gallery import Gallery, PictureRecord
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

CONTRACT = TemplateContract("drawn", "00" * 32, 24, "none")


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("file,subject\na.png,ada\n", 2, "file,subject and group columns"),
        ("name,gender\na.png,f\n", 2, "file,subject and group columns"),
        ("file,subject,gender\na.png,ada,\n", 2, "line 2: a cell is empty"),
        ("file,subject,gender\na.png,ada,f\na.png,ada,f\n", 2, "named twice"),
        ("file,subject,gender\ngone.png,ada,f\n", 4, "line 2: no file"),
        ("file,subject,gender\n", 2, "names no picture"),
    ],
)
def test_a_bad_list_is_one_clear_line(tmp_path, capsys, text, code, said):
    Image.new("RGB", (60, 60)).save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text(text)
    arguments = ["evaluate", "differential", "--root", str(tmp_path), "--csv", str(tmp_path / "list.csv")]
    assert run(arguments) == code
    assert said in capsys.readouterr().err


def test_an_unknown_attribute_names_those_there_are(tmp_path, capsys):
    Image.new("RGB", (60, 60)).save(tmp_path / "25_0_1_20170101.jpg")
    assert run(["evaluate", "differential", "--root", str(tmp_path), "--groups", "hair"]) == 2
    assert "gender, race, age" in capsys.readouterr().err


def test_a_folder_of_other_pictures_is_refused(tmp_path, capsys):
    assert run(["evaluate", "differential", "--root", str(tmp_path)]) == 4
    assert "age_gender_race_date" in capsys.readouterr().err


@pytest.fixture
def gallery(tmp_path):
    """120 named people with two pictures each, and two without a name."""
    random = np.random.default_rng(1)
    path = tmp_path / "people.mien"
    with Gallery.open(path, create=True) as opened, opened.batch():
        for person in range(122):
            centre = random.normal(size=24)
            for shot in range(2):
                row = centre + 0.5 * random.normal(size=24)
                vectors = (row / np.linalg.norm(row)).astype(np.float32)[None]
                one = Templates(vectors, Precision.F32, CONTRACT, (Face((0, 0, 50, 50), 0.9),))
                record = PictureRecord(hashlib.sha256(b"%d %d" % (person, shot)).hexdigest(), "", (60, 60))
                if person < 120:
                    opened.enrol(f"person {person}", one, record)
                else:
                    opened.add_picture(record, one)
    return path


def test_calibrating_stores_what_the_named_people_support(gallery, tmp_path, capsys):
    assert run(["calibrate", "-g", str(gallery), "--fmr", "0.001", "--report", str(tmp_path / "out"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["subjects"], found["mated"], found["nonmated"]) == (120, 120, 240 * 238 // 2)
    assert found["model_digest"] == CONTRACT.digest
    assert found["likelihood_ratios"]["platt"] < found["likelihood_ratios"]["before"]
    assert (tmp_path / "out" / "report.html").exists()
    with Gallery.open(gallery) as opened:
        assert opened.operating().nonmated == found["nonmated"]


def test_too_few_people_are_told_how_many_more_are_needed(gallery, capsys):
    assert run(["calibrate", "-g", str(gallery), "--fmr", "0.00001"]) == 2
    said = capsys.readouterr().err
    # 300,000 pairs with two pictures each: P (P - 1) / 2 * 4 >= 300,000, P = 388
    assert "needs 300,000: about 268 more people" in said
    with Gallery.open(gallery) as opened:
        assert opened.operating() is None


def test_show_and_clear(gallery, capsys):
    assert run(["calibrate", "-g", str(gallery), "--show"]) == 4
    assert run(["calibrate", "-g", str(gallery), "--fmr", "0.001"]) == 0
    capsys.readouterr()
    assert run(["calibrate", "-g", str(gallery), "--show"]) == 0
    assert "threshold" in capsys.readouterr().out
    assert run(["calibrate", "-g", str(gallery), "--clear"]) == 0
    with Gallery.open(gallery) as opened:
        assert opened.operating() is None


def test_two_names_of_one_face_are_named(gallery, capsys):
    with Gallery.open(gallery) as opened:
        vectors = opened.grouped().vectors[:1]
        one = Templates(vectors, Precision.F32, CONTRACT, (Face((0, 0, 50, 50), 0.9),))
        opened.enrol("twin", one, PictureRecord("ab" * 32, "", (60, 60)))
    assert run(["calibrate", "-g", str(gallery), "--fmr", "0.001", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["doubtful"][0]["subjects"] == ["person 0", "twin"]
