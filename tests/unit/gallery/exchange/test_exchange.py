"""What is exported can be imported, and is the same."""

import gzip
import json
import os

import pytest

from gallery_toys import picture, templates
from mien.errors import ConflictError, MienError, ModelMismatchError, NotFoundError, StoreCorruptError
from mien.gallery import Gallery, import_gallery
from mien.types.template import TemplateContract


@pytest.fixture
def filled(gallery):
    gallery.add_picture(picture(1), templates(1, 2))
    gallery.enrol("Renée <b>", templates(3), picture(2))
    gallery.add_failure(picture(3), "image-truncated")
    gallery.separate("#1", "#2")
    gallery.remove([2])
    return gallery


def lines(path):
    return path.read_bytes().splitlines()


@pytest.mark.parametrize("name", ["out.jsonl", "out.jsonl.gz"])
def test_import_of_an_export_is_the_same_gallery(filled, tmp_path, name):
    filled.export(tmp_path / name)
    copy = tmp_path / "copy.mien"

    receipt = import_gallery(copy, tmp_path / name)

    assert receipt == {"subjects": 2, "references": 2, "pictures": 3}
    with Gallery(copy) as again:
        assert list(again.references()) == list(filled.references())
        assert again.subjects() == filled.subjects()
        assert again.check() == []
        assert again.search(templates(3), 1) == filled.search(templates(3), 1)
        again.export(tmp_path / "again.jsonl")
    filled.export(tmp_path / "first.jsonl")
    assert lines(tmp_path / "again.jsonl")[:-2] == lines(tmp_path / "first.jsonl")[:-1]  # but for the import's record


def test_an_export_of_one_person_holds_nobody_else(filled, tmp_path):
    receipt = filled.export(tmp_path / "one.json", subject="Renée <b>")

    assert receipt == {"subjects": 1, "references": 1, "pictures": 1}
    held = json.loads((tmp_path / "one.json").read_text())
    assert held["subject"]["name"] == "Renée <b>"
    assert [shown["sha256"] for shown in held["pictures"]] == [picture(2).sha256]
    assert [reference["id"] for reference in held["references"]] == [3]
    with pytest.raises(StoreCorruptError):
        import_gallery(tmp_path / "new.mien", tmp_path / "one.json")


def test_a_gallery_with_people_takes_no_import(filled, tmp_path):
    filled.export(tmp_path / "out.jsonl")
    with pytest.raises(ConflictError):
        filled.import_(tmp_path / "out.jsonl")


def test_an_import_of_another_model_is_refused(filled, tmp_path):
    filled.export(tmp_path / "out.jsonl")
    other = TemplateContract("other", "11" * 32, 16, "none")
    with Gallery(tmp_path / "new.mien", create=True, contract=other) as new, pytest.raises(ModelMismatchError):
        new.import_(tmp_path / "out.jsonl")


def test_no_altered_export_is_imported(filled, tmp_path):
    filled.export(tmp_path / "out.jsonl")
    whole = (tmp_path / "out.jsonl").read_bytes()
    packed = gzip.compress(whole)
    bad = tmp_path / "bad.jsonl"
    altered = [whole[:n] for n in range(0, len(whole), 97)]
    altered += [whole[:n] + bytes([whole[n] ^ 4]) + whole[n + 1 :] for n in range(0, len(whole), 61)]
    altered += [packed[:-5], packed[:40], b"", b"{}\n", b"[1]\n", b"\xff\xfe\n", whole + b"{}\n", whole + whole]
    with Gallery(tmp_path / "new.mien", create=True) as new:
        for text in altered:
            bad.write_bytes(text)
            with pytest.raises(StoreCorruptError):
                new.import_(bad)
        assert new.info()["subjects"] == 0
        assert new.check() == []


def test_a_backup_is_a_gallery_while_the_first_goes_on(filled, tmp_path):
    filled.backup(tmp_path / "backup.mien")
    filled.enrol("later", templates(9))

    with Gallery(tmp_path / "backup.mien") as backup:
        assert backup.check() == []
        assert backup.info()["references"] == 2


def test_what_cannot_be_written_leaves_nothing(filled, tmp_path):
    with pytest.raises(MienError):
        filled.export(tmp_path / "no folder" / "out.jsonl")
    with pytest.raises(NotFoundError):
        import_gallery(tmp_path / "new.mien", tmp_path / "missing.jsonl")
    assert [p.name for p in tmp_path.iterdir() if p.name.endswith(".new")] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_nobody_else_on_the_machine_may_read_a_gallery_or_what_is_written_from_it(filled, tmp_path):
    filled.export(tmp_path / "out.jsonl")
    filled.backup(tmp_path / "copy.mien")
    written = [path for path in tmp_path.iterdir() if path.is_file()]

    assert len(written) >= 3
    assert {path.name: path.stat().st_mode & 0o077 for path in written} == {path.name: 0 for path in written}
