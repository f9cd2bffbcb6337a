"""What the README promises, on real photographs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mien
from mien.cli.main import run
from mien.gallery import Gallery

pytestmark = pytest.mark.weights

OBAMA = {"obama.jpg", "obama2.jpg", "obama3.jpg", "obama_partial_face.jpg", "obama_partial_face2.jpg", "32bit.png"}


def names(person: mien.service.Person) -> set[str]:
    return {Path(face.source).name for face in person.faces}


def test_the_portraits_of_one_man_form_one_group_and_nobody_joins_them(portraits):
    groups = mien.group(portraits)
    assert [names(person) for person in groups.groups] == [OBAMA]
    assert {Path(face.source).name for face in groups.ungrouped} == {"biden.jpg", "astronaut.png"}
    assert groups.failures == ()


@pytest.mark.parametrize("embedder", ["sface", "mobileface", "fused"])
@pytest.mark.parametrize("precision", ["f32", "auto"])
def test_every_embedder_tells_the_two_men_apart(portraits, need, embedder, precision):
    need(embedder)
    settings = mien.models.LoadSettings(precision=precision)
    models = mien.Models(embedder=embedder, settings=settings)
    same = mien.verify(portraits / "obama.jpg", portraits / "obama3.jpg", models=models)
    other = mien.verify(portraits / "obama.jpg", portraits / "biden.jpg", models=models)
    assert same.decision
    assert not other.decision
    assert same.model.name == embedder


def test_a_picture_is_a_path_bytes_a_file_or_an_array(portraits):
    path = portraits / "obama.jpg"
    boxes = [
        mien.faces(path).boxes,
        mien.faces(path.read_bytes()).boxes,
        mien.faces(np.asarray(Image.open(path))).boxes,
    ]
    with path.open("rb") as file:
        boxes.append(mien.faces(file).boxes)
    for other in boxes[1:]:
        assert np.allclose(boxes[0], other, atol=1)


def test_all_pairs_of_faces_are_compared_at_a_corrected_threshold(portraits, tmp_path):
    both = Image.new("RGB", (900, 600))
    for x, name in ((0, "obama.jpg"), (450, "biden.jpg")):
        both.paste(Image.open(portraits / name).convert("RGB").resize((450, 600)), (x, 0))
    both.save(tmp_path / "both.png")
    result = mien.verify(tmp_path / "both.png", portraits / "biden.jpg", fmr=1e-3, faces="all")
    single = mien.verify(portraits / "biden.jpg", portraits / "biden.jpg", fmr=1e-3)
    assert result.decision
    assert result.pairs == 2
    assert result.threshold > single.threshold
    assert result.probe.box[0] > 450


def test_a_gallery_from_enrolment_to_forgetting(portraits, tmp_path):
    with mien.open(tmp_path / "family.mien") as gallery:
        enrolled = gallery.enrol("ada", [portraits / "obama.jpg", portraits / "obama2.jpg"])
        again = gallery.enrol("ada", portraits / "obama.jpg")
        report = gallery.index(portraits)
        found = gallery.identify([portraits / "obama3.jpg", portraits / "astronaut.png"], fpir=0.01)
        verified = gallery.verify(portraits / "obama3.jpg", "ada")
        gallery.forget("ada")
        after = gallery.identify(portraits / "obama3.jpg", fpir=0.01)
    assert (enrolled.added, again.added) == (2, 0)
    assert (report.files, report.new, report.skipped) == (8, 6, 2)
    assert found.probes[0].candidates[0].subject in ("ada", "#4", "#5")
    assert found.probes[1].decision == found.probes[1].candidates[0].subject
    assert verified.decision
    assert all(candidate.subject != "ada" for candidate in after.probes[0].candidates)


def test_index_reads_each_picture_once(portraits, tmp_path, capsys):
    gallery = str(tmp_path / "g.mien")
    shutil.copytree(portraits, tmp_path / "photos")
    shutil.copy(portraits / "obama.jpg", tmp_path / "photos" / "copy.jpg")
    reports = []
    for _ in range(2):
        assert run(["index", "-g", gallery, str(tmp_path / "photos"), "--json"]) == 0
        reports.append(json.loads(capsys.readouterr().out))
    assert [(r["files"], r["new"], r["skipped"], r["faces"]) for r in reports] == [(9, 8, 1, 8), (9, 0, 9, 0)]


def test_names_given_to_groups_are_kept_by_the_next_run(portraits, tmp_path, capsys):
    gallery, photos = tmp_path / "family.mien", tmp_path / "photos"
    photos.mkdir()
    for name in ("obama.jpg", "obama2.jpg", "biden.jpg"):
        shutil.copy(portraits / name, photos)
    assert run(["group", str(photos), "-g", str(gallery), "--json"]) == 0
    label = json.loads(capsys.readouterr().out)["groups"][0]["name"]
    assert run(["gallery", "rename", str(gallery), label, "barack"]) == 0
    for name in ("obama3.jpg", "astronaut.png"):
        shutil.copy(portraits / name, photos)
    capsys.readouterr()
    page = tmp_path / "people.html"
    assert run(["group", str(photos), "-g", str(gallery), "--json", "--out", str(page)]) == 0
    groups = json.loads(capsys.readouterr().out)["groups"]
    assert [(group["name"], group["size"]) for group in groups] == [("barack", 3)]
    assert "<bdi>barack</bdi>" in page.read_text()


def test_a_copied_picture_brings_its_faces_into_the_group_again(portraits, tmp_path):
    for name in ("obama.jpg", "obama2.jpg"):
        shutil.copy(portraits / name, tmp_path)
    shutil.copy(portraits / "obama.jpg", tmp_path / "copy.jpg")
    groups = mien.group(tmp_path)
    assert [names(person) for person in groups.groups] == [{"obama.jpg", "obama2.jpg", "copy.jpg"}]


def test_export_and_import_keep_everything(portraits, tmp_path, capsys):
    a, b, out = tmp_path / "a.mien", tmp_path / "b.mien", tmp_path / "all.jsonl.gz"
    assert run(["enrol", "-g", str(a), "ada", str(portraits / "obama.jpg")]) == 0
    assert run(["gallery", "export", str(a), str(out)]) == 0
    assert run(["gallery", "import", str(b), str(out)]) == 0
    with Gallery.open(a) as first, Gallery.open(b) as second:
        assert first.show("ada") == second.show("ada")
    assert run(["verify", str(portraits / "obama3.jpg"), "ada", "-g", str(b)]) == 0
    del capsys


def test_reembed_moves_a_gallery_to_another_model(portraits, need, tmp_path):
    need("mobileface")
    path = tmp_path / "g.mien"
    assert run(["enrol", "-g", str(path), "ada", str(portraits / "obama.jpg"), str(portraits / "obama2.jpg")]) == 0
    assert run(["gallery", "reembed", str(path), "--embedder", "mobileface"]) == 0
    with Gallery.open(path) as gallery:
        assert gallery.contract.model == "mobileface"
        assert gallery.check() == []
    assert run(["verify", str(portraits / "obama3.jpg"), "ada", "-g", str(path)]) == 0


def test_reembed_changes_nothing_when_a_picture_is_gone(portraits, need, tmp_path):
    need("mobileface")
    path, photo = tmp_path / "g.mien", tmp_path / "a.jpg"
    shutil.copy(portraits / "obama.jpg", photo)
    assert run(["enrol", "-g", str(path), "ada", str(photo)]) == 0
    photo.unlink()
    assert run(["gallery", "reembed", str(path), "--embedder", "mobileface"]) == 5
    with Gallery.open(path) as gallery:
        assert gallery.contract.model == "sface"
        assert len(gallery) == 1


@pytest.mark.data
def test_every_smiling_londoner_is_identified_by_the_neutral_reference(data, tmp_path):
    with mien.open(tmp_path / "london.mien") as gallery:
        for picture in sorted((data / "london" / "neutral_front").glob("*.jpg")):
            gallery.enrol(picture.name[:3], picture)
        found = gallery.identify(sorted((data / "london" / "smiling_front").glob("*.jpg")), fpir=0.01, faces="largest")
    assert [p.decision for p in found.probes] == [Path(p.face.source).name[:3] for p in found.probes]
    assert len(found.probes) == 102
