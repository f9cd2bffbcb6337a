"""Files of older schemas open, answer, and are brought to the newest by the first change."""

import os
import subprocess
import sys
import time
from pathlib import Path

import apsw
import pytest

import gallery_toys
import gallery_version1
import gallery_version2
import gallery_version3
from gallery_toys import templates
from mien.errors import StoreCorruptError, StoreError, StoreReadOnlyError
from mien.gallery import Gallery
from mien.gallery.store.migration import tables
from mien.gallery.store.schema import SCHEMA


@pytest.fixture
def old(tmp_path):
    gallery_version1.make(tmp_path / "old.mien")
    return tmp_path / "old.mien"


def version(path):
    connection = apsw.Connection(str(path))
    try:
        return connection.pragma("user_version")
    finally:
        connection.close()


def seen(gallery):
    hits = [[hit.subject for hit in hits] for hits in gallery.search(templates(1, 2), 2)]
    return [s.label for s in gallery.subjects()], hits, [r.id for r in gallery.references()]


ANSWERS = (["ada", "#2"], [["ada", "#2"], ["#2", "ada"]], [1, 2])


@pytest.mark.parametrize("read_only", [True, False])
def test_an_old_file_answers_and_reading_does_not_change_it(old, read_only, tmp_path):
    with Gallery(old, read_only=read_only) as gallery:
        assert seen(gallery) == ANSWERS
        assert gallery.searched("site=berlin").subjects == 0
        assert gallery.info()["schema"] == 1
        assert dict(gallery.subject("ada").attributes) == {}
        assert gallery.check() == []
        assert gallery.export(tmp_path / "out.jsonl")["references"] == 2
        assert gallery.export(tmp_path / "saved.jsonl", salvage=True)["lost"] == 0
    assert version(old) == 1


def test_a_file_that_may_not_be_written_answers(old):
    old.chmod(0o444)
    with Gallery(old, read_only=True) as gallery:
        assert seen(gallery) == ANSWERS
        with pytest.raises(StoreReadOnlyError):
            gallery.set_attributes("ada", {"site": "berlin"})


def test_the_first_change_brings_it_up_to_date_and_keeps_every_row(old):
    before = rows_of(old)
    with Gallery(old) as gallery:
        gallery.set_attributes("ada", {"site": "berlin"})
        assert seen(gallery) == ANSWERS
        assert gallery.searched("site=berlin").subjects == 1
        assert gallery.info()["schema"] == SCHEMA
        assert gallery.check() == []
    assert version(old) == SCHEMA
    assert rows_of(old) == before


def rows_of(path):
    connection = apsw.Connection(str(path))
    try:
        return [connection.execute(f"SELECT * FROM {table}").fetchall() for table in gallery_version1.ROWS]
    finally:
        connection.close()


def fail(gallery):
    with gallery.batch():
        gallery.set_attributes("ada", {"site": "berlin"})
        raise InterruptedError


def test_a_change_that_fails_leaves_the_old_schema(old):
    with Gallery(old) as gallery:
        with pytest.raises(InterruptedError):
            fail(gallery)
        assert seen(gallery) == ANSWERS
        assert gallery.info()["schema"] == 1
    assert version(old) == 1


def test_whoever_has_it_open_goes_on_when_another_process_brings_it_up_to_date(old):
    with Gallery(old) as first, Gallery(old) as second:
        assert seen(first) == ANSWERS
        second.set_attributes("ada", {"site": "berlin"})
        assert first.searched("site=berlin").subjects == 1
        first.set_attributes("#2", {"site": "berlin"})
        assert second.searched("site=berlin").subjects == 2


CHANGING = """
import sys
from mien.gallery import Gallery
with Gallery(sys.argv[1]) as gallery:
    len(gallery)
    print("now", flush=True)
    gallery.set_attributes("ada", {"site": "berlin"})
    print("done", flush=True)
"""


def test_killed_while_it_is_brought_up_to_date_it_is_old_or_new(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(gallery_toys.__file__).parent)}
    for turn in range(8):
        path = tmp_path / f"{turn}.mien"
        gallery_version1.make(path)
        with subprocess.Popen(
            [sys.executable, "-c", CHANGING, str(path)], stdout=subprocess.PIPE, env=environment
        ) as worker:
            assert worker.stdout.readline() == b"now\n"
            time.sleep(turn * 0.0007)
            worker.kill()
            acknowledged = b"done" in worker.stdout.read()
        with Gallery(path) as gallery:
            assert seen(gallery) == ANSWERS
            told = dict(gallery.subject("ada").attributes)
            assert (gallery.info()["schema"], told) in [(1, {}), (SCHEMA, {"site": "berlin"})]
            assert told or not acknowledged
            assert gallery.check() == []


def test_a_newer_file_is_refused_and_says_who_made_it(old):
    connection = apsw.Connection(str(old))
    connection.pragma("user_version", SCHEMA + 1)
    connection.close()
    with pytest.raises(StoreError, match=r"made by mien 0\.1 \(schema 5.*update mien") as refused:
        Gallery(old).info()
    assert refused.value.code == "store-newer"


@pytest.mark.parametrize("claimed", [-1, 0, 2, 3, 4])
def test_a_version_that_does_not_fit_the_tables_is_damage(old, claimed, tmp_path):
    connection = apsw.Connection(str(old))
    connection.pragma("user_version", claimed)
    connection.close()
    with pytest.raises(StoreCorruptError):
        Gallery(old).info()
    with Gallery(old) as gallery:
        assert gallery.export(tmp_path / "out.jsonl", salvage=True) == {
            "subjects": 2,
            "references": 2,
            "pictures": 1,
            "lost": 0,
        }


def test_a_new_file_has_the_tables_that_an_old_one_gets(old, tmp_path):
    def schema(path):
        connection = apsw.Connection(str(path))
        found = [row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")]
        connection.close()
        return sorted(found)

    Gallery.open(tmp_path / "new.mien", create=True).close()
    with Gallery(old) as gallery:
        gallery.rename("#2", "bob")
    assert schema(old) == schema(tmp_path / "new.mien") == sorted(tables(SCHEMA))


def test_a_file_of_schema_2_is_brought_up_to_date_too(tmp_path):
    path = tmp_path / "two.mien"
    gallery_version2.make(path)
    with Gallery(path) as gallery:
        assert seen(gallery) == ANSWERS
        assert gallery.info()["schema"] == 2
        assert gallery.subject("ada").consent is None
        assert gallery.sweep() == []
        assert gallery.check() == []
        assert version(path) == 2
        gallery.withdraw("ada")
        assert gallery.info()["schema"] == SCHEMA
        assert [hit.subject for hit in gallery.search(templates(1), 2)[0]] == ["#2"]
        assert gallery.searched("site=berlin").subjects == 0
        assert gallery.check() == []
        gallery.sweep()
        assert [s.label for s in gallery.subjects()] == ["#2"]


def test_a_file_of_schema_3_is_brought_up_to_date_too(tmp_path):
    path = tmp_path / "three.mien"
    gallery_version3.make(path)
    with Gallery(path) as gallery:
        assert seen(gallery) == ANSWERS
        assert gallery.subject("ada").consent.basis == "contract"
        assert not gallery.keeps_crops
        assert gallery.crop(1) is None
        assert gallery.check() == []
        assert gallery.export(tmp_path / "out.jsonl")["references"] == 2
        assert version(path) == 3
        gallery.keep_crops()
        assert gallery.info()["schema"] == SCHEMA
        assert gallery.keeps_crops
        assert seen(gallery) == ANSWERS
        assert gallery.check() == []


def test_whoever_has_an_old_file_open_sees_a_withdrawal_of_another_process(old):
    with Gallery(old) as first, Gallery(old) as second:
        assert seen(first) == ANSWERS
        second.withdraw("ada")
        assert [hit.subject for hit in first.search(templates(1), 2)[0]] == ["#2"]
