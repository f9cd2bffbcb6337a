"""What faces look like is kept where somebody chose so, and is gone with the face."""

import base64
import gzip
import hashlib
import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from gallery_toys import picture, templates
from mien.errors import StoreCorruptError, UsageError
from mien.gallery import Gallery
from mien.gallery.people.crops import MAX_BYTES


def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (112, 112, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def traces(seed: int) -> list[bytes]:
    """Pieces of a crop after its tables, which all JPEGs share."""
    data = jpeg(seed)
    return [data[at : at + 24] for at in range(1000, len(data) - 24, 200)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "family.mien"


@pytest.fixture
def kept(path):
    """Ada with two faces and somebody with one, all of them with a crop."""
    with Gallery(path, create=True) as gallery:
        gallery.keep_crops()
        gallery.enrol("ada", templates(1), picture(1), crop=jpeg(1))
        gallery.enrol("ada", templates(2), picture(2), crop=jpeg(2))
        gallery.add_picture(picture(3), templates(3), jpegs=[jpeg(3)])
        yield gallery


def everywhere(path) -> bytes:
    return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))


def test_no_crop_is_kept_unless_somebody_chose_so(path):
    with Gallery(path, create=True) as gallery:
        gallery.enrol("ada", templates(1), picture(1), crop=jpeg(1))
        gallery.add_picture(picture(3), templates(3), jpegs=[jpeg(3)])
        assert gallery.info()["crops"] == {"kept": False, "stored": 0}
        assert gallery.crop(1) is None
    assert not [piece for piece in traces(1) if piece in everywhere(path)]


def test_a_crop_comes_back_byte_for_byte_after_the_file_was_closed(kept, path):
    kept.close()
    with Gallery(path, read_only=True) as again:
        assert [again.crop(number) for number in (1, 2, 3)] == [jpeg(1), jpeg(2), jpeg(3)]
        assert again.info()["crops"] == {"kept": True, "stored": 3}
        assert again.check() == []


def test_a_choice_of_another_process_holds_at_once(path):
    with Gallery(path, create=True) as first, Gallery(path) as second:
        assert not first.keeps_crops
        second.keep_crops()
        first.enrol("ada", templates(1), picture(1), crop=jpeg(1))
        assert second.crop(1) == jpeg(1)


def test_a_face_that_is_sent_again_gets_the_crop_that_it_lacked(path):
    with Gallery(path, create=True) as gallery:
        gallery.enrol("ada", templates(1), picture(1), crop=jpeg(1))
        gallery.keep_crops()
        assert not gallery.enrol("ada", templates(1), picture(1), crop=jpeg(1)).new
        assert gallery.crop(1) == jpeg(1)


@pytest.mark.parametrize(
    "erase",
    [
        lambda gallery: gallery.forget("ada"),
        lambda gallery: gallery.remove([1, 2]),
        lambda gallery: (gallery.withdraw("ada"), gallery.sweep()),
    ],
    ids=["forget", "remove", "sweep"],
)
def test_the_crop_goes_with_the_face_and_leaves_no_byte(kept, path, erase):
    assert all(piece in everywhere(path) for piece in traces(1)[:3])
    erase(kept)
    assert kept.info()["crops"]["stored"] == 1
    assert kept.crop(3) == jpeg(3)
    assert kept.check() == []
    assert not [piece for piece in traces(1) + traces(2) if piece in everywhere(path)]


def test_a_failure_half_way_keeps_the_face_and_its_crop(kept):
    def fail():
        with kept.batch():
            kept.forget("ada")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert [kept.crop(number) for number in (1, 2)] == [jpeg(1), jpeg(2)]
    assert kept.check() == []


def test_dropping_erases_all_crops_and_no_face(kept, path):
    assert kept.drop_crops() == 3
    assert kept.info()["crops"] == {"kept": False, "stored": 0}
    assert kept.info()["references"] == 3
    assert not [piece for piece in traces(3) if piece in everywhere(path)]
    kept.enrol("bob", templates(5), picture(5), crop=jpeg(5))
    assert kept.crop(4) is None
    assert kept.drop_crops() == 0


def test_a_crop_stays_with_a_face_that_changes_hands(kept):
    kept.move(1, "grace")
    kept.merge("grace", "#2")
    assert kept.crop(1) == jpeg(1)
    kept.undo()
    assert kept.crop(3) == jpeg(3)


def test_the_trail_says_that_crops_were_kept_and_erased(kept):
    kept.drop_crops()
    assert [(record.action, dict(record.counts).get("crops")) for record in kept.audit()] == [
        ("keep-crops", None),
        ("enrol", 1),
        ("enrol", 1),
        ("index", 1),
        ("erase-crops", 3),
    ]


def test_what_is_held_about_a_person_contains_what_they_look_like(kept, tmp_path):
    kept.export(tmp_path / "ada.json", subject="ada")
    held = json.loads((tmp_path / "ada.json").read_text())
    assert [base64.b64decode(each["crop"]) for each in held["references"]] == [jpeg(1), jpeg(2)]


def test_an_export_carries_crops_and_the_choice(kept, tmp_path):
    kept.export(tmp_path / "out.jsonl.gz")
    with Gallery(tmp_path / "copy.mien", create=True) as copy:
        copy.import_(tmp_path / "out.jsonl.gz")
        assert copy.keeps_crops
        assert [copy.crop(number) for number in (1, 2, 3)] == [jpeg(1), jpeg(2), jpeg(3)]
        assert copy.check() == []


def test_an_export_of_before_there_were_crops_is_read(kept, tmp_path):
    kept.drop_crops()
    kept.export(tmp_path / "out.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    del lines[0]["crops"]
    lines[0]["version"] = 3
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines[:-1])
    end = {"end": {"lines": len(lines) - 2, "sha256": hashlib.sha256(text.encode()).hexdigest()}}
    with gzip.open(tmp_path / "old.jsonl.gz", "wt") as out:
        out.write(text + json.dumps(end) + "\n")
    with Gallery(tmp_path / "copy.mien", create=True) as copy:
        copy.import_(tmp_path / "old.jsonl.gz")
        assert not copy.keeps_crops
        assert copy.info()["references"] == 3


def test_a_crop_that_was_changed_in_the_file_is_damage_and_salvaging_leaves_it_out(kept, path, tmp_path):
    kept.close()
    data = path.read_bytes()
    at = data.index(jpeg(2)[1000:1040])
    path.write_bytes(data[:at] + b"\0" * 40 + data[at + 40 :])
    with Gallery(path) as gallery:
        with pytest.raises(StoreCorruptError, match="crop 2"):
            gallery.crop(2)
        assert gallery.check() != []
    with Gallery(path) as gallery:
        assert gallery.export(tmp_path / "saved.jsonl", salvage=True)["lost"] == 1
    with Gallery(tmp_path / "saved.mien", create=True) as saved:
        saved.import_(tmp_path / "saved.jsonl")
        assert saved.crop(1) == jpeg(1)
        assert saved.crop(2) is None


@pytest.mark.parametrize("bad", [b"", b"GIF89a", b"\xff\xd8\xff" + b"0" * MAX_BYTES], ids=["empty", "gif", "large"])
def test_what_is_no_small_jpeg_is_refused_and_nothing_is_stored(path, bad):
    with Gallery(path, create=True, clock=lambda: datetime(2026, 1, 1, tzinfo=UTC)) as gallery:
        gallery.keep_crops()
        with pytest.raises(UsageError, match="crop"):
            gallery.enrol("ada", templates(1), picture(1), crop=bad)
        assert gallery.info()["references"] == 0
