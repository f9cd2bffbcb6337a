"""What is known of people is kept, moved with them, and erased."""

import pytest

from gallery_toys import picture, templates
from mien.errors import NotFoundError, UsageError
from mien.gallery import Gallery, import_gallery, parse_attributes


def told(gallery, subject):
    return dict(gallery.subject(subject).attributes)


def test_attributes_are_set_changed_and_taken_away(gallery):
    gallery.enrol("ada", templates(1), attributes={"site": " Zu\u0308rich ", "age": 34, "height": 1.7})
    assert told(gallery, "ada") == {"age": 34, "height": 1.7, "site": "Zürich"}

    gallery.set_attributes("ada", {"age": 35.0, "site": None})
    assert told(gallery, "ada") == {"age": 35.0, "height": 1.7}
    assert isinstance(told(gallery, "ada")["age"], float)
    assert gallery.show("ada").to_dict()["attributes"] == {"age": 35.0, "height": 1.7}
    assert [s.attributes for s in gallery.subjects()] == [{"age": 35.0, "height": 1.7}]
    assert gallery.check() == []
    with pytest.raises(NotFoundError):
        gallery.set_attributes("bob", {"age": 1})


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"": 1}, "attribute-key"),
        ({"two words": 1}, "attribute-key"),
        ({"1st": 1}, "attribute-key"),
        ({"and": 1}, "attribute-key"),
        ({"k" * 65: 1}, "attribute-key"),
        ({"a=b": 1}, "attribute-key"),
        ({"a'": 1}, "attribute-key"),
        ({3: 1}, "attribute-key"),
        ({"age": float("nan")}, "attribute-value"),
        ({"age": float("inf")}, "attribute-value"),
        ({"age": 2**63}, "attribute-value"),
        ({"age": True}, "attribute-value"),
        ({"age": [1]}, "attribute-value"),
        ({"site": ""}, "attribute-value"),
        ({"site": " \t"}, "attribute-value"),
        ({"site": "x" * 1001}, "attribute-value"),
        ({"site": "a\x1b[2J"}, "attribute-value"),
        ({"site": "\ud800"}, "attribute-value"),
        ({f"key{i}": i for i in range(10_000)}, "attribute-count"),
    ],
)
def test_what_is_not_allowed_is_refused_in_one_line_and_nothing_is_stored(gallery, attributes, code):
    with pytest.raises(UsageError) as refused:
        gallery.enrol("ada", templates(1), attributes=attributes)
    assert refused.value.code == code
    assert "\n" not in refused.value.message
    assert len(refused.value.message) < 250
    assert gallery.subjects() == []


def test_a_subject_has_at_most_100_attributes(gallery):
    gallery.enrol("ada", templates(1), attributes={f"key{i}": i for i in range(100)})
    with pytest.raises(UsageError, match="at most 100"):
        gallery.set_attributes("ada", {"one.more": 1})
    gallery.set_attributes("ada", {"key0": None, "one.more": 1})
    assert len(told(gallery, "ada")) == 100


def test_typed_values_are_numbers_only_when_json_would_say_so():
    assert parse_attributes(["a=34", "b=-1.5", "c=1e3", "d=01067", "e=+49", "f='34'", "g=x=y", 'h="it""s"']) == {
        "a": 34,
        "b": -1.5,
        "c": 1000.0,
        "d": "01067",
        "e": "+49",
        "f": "34",
        "g": "x=y",
        "h": 'it"s',
    }
    for wrong in ("age", "=3", "two words=3", "age=1e999", "age="):
        with pytest.raises(UsageError):
            parse_attributes([wrong])


def test_merged_people_keep_what_was_known_of_both(gallery):
    gallery.enrol("ada", templates(1), attributes={"site": "berlin"})
    gallery.enrol("lovelace", templates(2), attributes={"site": "paris", "age": 36})

    gallery.merge("ada", "lovelace")

    assert told(gallery, "ada") == {"age": 36, "site": "berlin"}
    assert gallery.check() == []


def test_a_face_that_gets_its_name_keeps_what_was_known_of_it(gallery):
    gallery.add_picture(picture(1), templates(1))
    gallery.set_attributes("#1", {"site": "berlin"})

    gallery.enrol("ada", templates(1), picture(1))

    assert told(gallery, "ada") == {"site": "berlin"}
    assert [s.label for s in gallery.subjects()] == ["ada"]


def test_forgetting_erases_attributes_from_every_file(gallery, tmp_path):
    gallery.enrol("ada", templates(1), attributes={"Quislingkey": "Zanzibarvalue", "both": "Zanzibar2value"})
    gallery.enrol("bob", templates(2), attributes={"both": 3})
    gallery.set_attributes("ada", {"Quislingkey": "Madagascarvalue"})

    gallery.forget("ada")

    files = [file.read_bytes() for file in tmp_path.iterdir()]
    for needle in (b"Quislingkey", b"Zanzibarvalue", b"Zanzibar2value", b"Madagascarvalue"):
        assert not any(needle in data for data in files)
    assert gallery.check() == []
    assert told(gallery, "bob") == {"both": 3}


def test_what_is_taken_away_is_erased(gallery, tmp_path):
    gallery.enrol("ada", templates(1), attributes={"site": "Zanzibarvalue"})
    gallery.set_attributes("ada", {"site": None})
    assert not any(b"Zanzibarvalue" in file.read_bytes() for file in tmp_path.iterdir())


def test_the_audit_trail_holds_no_attribute(gallery, tmp_path):
    gallery.enrol("ada", templates(1), attributes={"site": "Zanzibarvalue"})
    gallery.export(tmp_path / "out.jsonl")
    records = [line for line in (tmp_path / "out.jsonl").read_text().splitlines() if line.startswith('{"audit"')]
    assert any('"describe"' in line for line in records)
    assert not any("Zanzibar" in line or "site" in line for line in records)


def test_attributes_are_exported_and_imported(gallery, tmp_path):
    gallery.enrol("ada", templates(1), attributes={"site": "berlin", "age": 34, "height": 1.0})
    gallery.enrol("bob", templates(2), attributes={"site": "paris"})
    gallery.export(tmp_path / "one.jsonl", subject="ada")
    gallery.export(tmp_path / "all.jsonl")

    import_gallery(tmp_path / "copy.mien", tmp_path / "all.jsonl")

    with Gallery(tmp_path / "copy.mien") as copy:
        assert copy.subjects() == gallery.subjects()
        assert repr(told(copy, "ada")) == "{'age': 34, 'height': 1.0, 'site': 'berlin'}"
        assert copy.searched("site=paris").subjects == 1
        assert copy.check() == []
    assert "paris" not in (tmp_path / "one.jsonl").read_text()
    assert "berlin" in (tmp_path / "one.jsonl").read_text()


def test_salvage_keeps_attributes(gallery, tmp_path):
    gallery.enrol("ada", templates(1), attributes={"site": "berlin"})
    receipt = gallery.export(tmp_path / "out.jsonl", salvage=True)
    assert receipt["lost"] == 0
    import_gallery(tmp_path / "copy.mien", tmp_path / "out.jsonl")
    with Gallery(tmp_path / "copy.mien") as copy:
        assert told(copy, "ada") == {"site": "berlin"}
