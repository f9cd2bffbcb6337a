"""Error rates measured on a gallery's own people stay with its templates, and leave with them."""

from dataclasses import replace

import pytest

from gallery_toys import CONTRACT, picture, templates, unit
from mien.errors import ModelMismatchError
from mien.gallery import Gallery, import_gallery
from mien.types.score import MeasuredPoint, OperatingTable, ScoreHistogram
from mien.types.template import Precision, TemplateContract

POINTS = (MeasuredPoint(0.3, 30, 0.0005, 0.0015, 1), MeasuredPoint(0.4, 3, 0.0, 0.0003, 2))
TABLE = OperatingTable("this gallery", "2026-01-02", "mien calibrate", 10, 30_000, 250, POINTS, 0.9, None)


@pytest.fixture
def calibrated(gallery):
    gallery.enrol("ada", templates(1), picture(1))
    gallery.set_operating(TABLE, CONTRACT.digest)
    return gallery


def test_a_table_is_given_back_as_it_was_stored(calibrated):
    assert calibrated.operating() == TABLE
    calibrated.close()
    assert calibrated.operating() == TABLE
    assert calibrated.info()["operating"]["nonmated"] == 30_000


def test_a_new_table_replaces_the_old_and_none_takes_it_away(calibrated):
    other = OperatingTable("again", "2026-02-02", "c", 0, 300, 25, POINTS, tail=(0.3, 0.001, 0.02))
    calibrated.set_operating(other, CONTRACT.digest)
    assert calibrated.operating() == other
    spread = replace(TABLE, histogram=ScoreHistogram(0.2, 0.1, (1, 9), (29_997, 3)))
    calibrated.set_operating(spread, CONTRACT.digest)
    assert calibrated.operating() == spread
    calibrated.set_operating(None)
    assert calibrated.operating() is None
    assert calibrated.info()["operating"] is None


def test_storing_is_audited(calibrated):
    calibrated.set_operating(None)
    with calibrated._reading() as (rows, _):
        actions = [(record[2], record[4]) for record in rows.trail()]
    assert actions[-2:] == [("calibrate", '{"mated": 10, "nonmated": 30000, "subjects": 250}'), ("uncalibrate", "{}")]


def test_a_table_of_another_model_is_refused(calibrated):
    with pytest.raises(ModelMismatchError, match="calibrate again"):
        calibrated.set_operating(TABLE, "ff" * 32)


def test_new_templates_take_the_table_away(calibrated):
    other = TemplateContract("other", "11" * 32, 16, "none")
    (reference,) = [r.id for r in calibrated.references()]
    calibrated.replace_templates(other, [(reference, unit(5)[0], Precision.F32)])
    assert calibrated.operating() is None
    assert calibrated.check() == []


def test_an_export_carries_the_table(calibrated, tmp_path):
    calibrated.export(tmp_path / "all.jsonl")
    import_gallery(tmp_path / "copy.mien", tmp_path / "all.jsonl")
    with Gallery.open(tmp_path / "copy.mien") as copy:
        assert copy.operating() == TABLE


def test_an_export_of_one_person_does_not(calibrated, tmp_path):
    calibrated.export(tmp_path / "ada.jsonl", subject="ada")
    assert '"operating"' not in (tmp_path / "ada.jsonl").read_text()


def test_a_salvaged_gallery_keeps_the_table(calibrated, tmp_path):
    calibrated.export(tmp_path / "all.jsonl", salvage=True)
    assert '"operating"' in (tmp_path / "all.jsonl").read_text()
