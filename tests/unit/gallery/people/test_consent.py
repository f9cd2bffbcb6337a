"""Whoever's consent has ended is not matched from that moment on, and the sweep leaves no byte of them."""

import base64
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import gallery_toys
from gallery_toys import CONTRACT, picture, templates
from mien.cli.main import run
from mien.errors import ConflictError, NotFoundError, UsageError
from mien.gallery import Gallery, import_gallery

NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = datetime(2026, 6, 1, tzinfo=UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def people(tmp_path, clock):
    """Ada (1, 2) until new year, bob (3) without end, #3 (4) of whom nothing was stated."""
    with Gallery.open(tmp_path / "family.mien", create=True, clock=clock) as gallery:
        gallery.enrol("ada", templates(1), picture(1))
        gallery.enrol("ada", templates(2), picture(2))
        gallery.enrol("bob", templates(3), picture(3))
        gallery.add_picture(picture(4), templates(4))
        gallery.set_consent("ada", scope="family album", expires="2027-01-01")
        gallery.set_consent("bob", basis="contract")
        yield gallery


def found(gallery, seed, **filters):
    return {hit.subject for hit in gallery.search(templates(seed), 10, **filters)[0]}


def assert_not_matched(gallery):
    assert found(gallery, 1) == {"bob", "#3"}
    assert found(gallery, 1, among=np.array([1, 2])) == {"bob"}
    assert {hit.subject for hit in gallery.search_vectors(templates(1).vectors, 10)[0]} == {"bob", "#3"}
    searched = gallery.searched()
    assert (searched.subjects, searched.references) == (2, 2)
    with pytest.raises(ConflictError) as refused:
        gallery.compare(templates(1), "ada")
    assert refused.value.code == "consent-ended"
    with pytest.raises(ConflictError):
        gallery.score(templates(1).vectors, 1)
    assert gallery.grouped().ids.tolist() == [3, 4]


def test_expired_people_are_matched_until_that_second_and_never_after(people, clock):
    clock.now = NEW_YEAR - SECOND
    assert found(people, 1) == {"ada", "bob", "#3"}
    assert people.compare(templates(1), "ada").shape == (1, 2)
    assert people.subject("ada").consent.in_force

    clock.now = NEW_YEAR  # nothing was written since, and the gallery stays open
    assert_not_matched(people)
    assert not people.subject("ada").consent.in_force
    assert people.info()["due"] == 1
    with Gallery(people.path, clock=clock) as another, Gallery(people.path, clock=clock, read_only=True) as reader:
        assert_not_matched(another)
        assert_not_matched(reader)


def test_a_filter_does_not_bring_expired_people_back(people, clock):
    people.set_attributes("ada", {"site": "berlin"})
    people.set_attributes("bob", {"site": "berlin"})
    clock.now = NEW_YEAR
    assert found(people, 1, where="site=berlin") == {"bob"}
    assert people.searched("site=berlin").subjects == 1


def test_withdrawn_people_are_not_matched_whatever_the_clock_says(people, clock):
    with Gallery(people.path, clock=clock) as another:
        assert "ada" in found(another, 1)
        assert people.withdraw("ada").withdrawn == "2026-06-01T00:00:00Z"
        assert_not_matched(another)
    assert_not_matched(people)
    clock.now = datetime(2020, 1, 1, tzinfo=UTC)
    assert_not_matched(people)
    people.withdraw("#3")  # an objection needs no consent before it
    assert found(people, 4) == {"bob"}
    assert people.subject("#3").consent.basis is None


def test_withdrawing_twice_keeps_the_first_time(people, clock):
    first = people.withdraw("ada")
    clock.now += timedelta(days=1)
    assert people.withdraw("ada") == first
    assert [record.action for record in people.audit()].count("withdraw") == 1


def test_a_renewed_consent_brings_people_back(people, clock):
    clock.now = NEW_YEAR
    people.set_consent("ada", expires="2028-01-01")
    assert "ada" in found(people, 1)
    people.withdraw("ada")
    people.set_consent("ada")
    assert "ada" in found(people, 1)
    assert people.check() == []


def test_a_withdrawal_that_is_rolled_back_did_not_happen(people):
    def fail():
        with people.batch():
            people.withdraw("ada")
            assert "ada" not in found(people, 1)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        fail()
    assert "ada" in found(people, 1)


def test_nobody_is_added_to_whoever_may_not_be_matched(people):
    people.withdraw("ada")
    for call in (
        lambda: people.enrol("ada", templates(7)),
        lambda: people.enrol_many(templates(7), ["Ada"]),
        lambda: people.add_picture(picture(7), templates(7), subject="#1"),
    ):
        with pytest.raises(ConflictError, match="renew it"):
            call()
    assert len(people) == 4
    people.set_consent("ada")
    people.enrol("ada", templates(7))


def test_grouping_leaves_them_alone_and_looks_again_when_they_are_back(people, clock):
    twin = people.add_picture(picture(8), templates(1))[0]
    clock.now = NEW_YEAR
    people.assign_groups([[1, twin], [3], [4]], rule="r")
    assert {r.subject for r in people.references() if r.id == twin} == {"#4"}
    assert people.grouped("r").settled.tolist() == [False, False, False]
    people.set_consent("ada")
    assert people.grouped("r").ids.tolist() == [1, 2, 3, 4, twin]
    people.assign_groups([[1, twin], [3], [4]], rule="r")
    assert {r.subject for r in people.references() if r.id == twin} == {"ada"}
    assert people.grouped("r").settled.all()


def test_someone_without_a_name_keeps_the_consent_through_grouping(people):
    people.set_consent("#3", expires="2027-01-01")
    other = people.add_picture(picture(9), templates(9))[0]
    people.assign_groups([[4, other]])
    assert people.subject("#3").references == 2
    assert people.subject("#3").consent.expires == "2027-01-01T00:00:00Z"


def test_of_two_that_are_one_person_the_consent_that_ends_first_holds(people):
    people.enrol("lovelace", templates(5))
    people.set_consent("lovelace", basis="contract", expires="2026-07-01")
    people.merge("ada", "lovelace")
    assert people.subject("ada").consent.expires == "2026-07-01T00:00:00Z"
    people.merge("#3", "ada")
    assert people.subject("#3").consent.basis == "contract"
    people.merge("bob", "#3")
    assert people.subject("bob").consent.expires == "2026-07-01T00:00:00Z"
    assert people.check() == []


def test_undoing_a_merge_gives_each_the_consent_back(people):
    before = people.subjects()
    people.merge("bob", "ada")
    people.undo()
    assert people.subjects() == before
    assert people.check() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"expires": "tomorrow"},
        {"expires": "2026-02-30"},
        {"expires": "2026-06-01"},
        {"expires": "2017-01-01"},
        {"given": "2026-06-02"},
        {"given": "0001-01-01T00:00:00+23:00"},
        {"basis": " "},
        {"basis": "x" * 101},
        {"scope": "x" * 1001},
        {"scope": "two\nlines"},
        {"basis": 3},
    ],
)
def test_what_is_not_allowed_is_refused_in_one_line(people, wrong):
    before = people.subject("ada")
    with pytest.raises(UsageError) as refused:
        people.set_consent("ada", **wrong)
    assert "\n" not in refused.value.message
    assert people.subject("ada") == before


def test_dates_are_kept_in_utc(people):
    stated = people.set_consent("ada", given="2026-05-01", expires="2027-01-01T00:30:00+01:00")
    assert (stated.given, stated.expires) == ("2026-05-01T00:00:00Z", "2026-12-31T23:30:00Z")
    assert people.set_consent("ada", expires=NEW_YEAR.date()).expires == "2027-01-01T00:00:00Z"
    assert people.set_consent("ada", expires=NEW_YEAR).expires == "2027-01-01T00:00:00Z"
    with pytest.raises(NotFoundError):
        people.set_consent("carl")


# -- the sweep


def test_the_sweep_erases_who_is_due_and_nobody_else(people, clock):
    assert people.sweep() == []
    revision = people.audit()[-1].sequence
    assert revision == 6  # a sweep that finds nobody writes nothing
    clock.now = NEW_YEAR

    (receipt,) = people.sweep()

    assert (receipt["subject"], receipt["references"], receipt["pictures"]) == ("ada", 2, 2)
    assert [s.label for s in people.subjects()] == ["bob", "#3"]
    assert [r.action for r in people.audit(subject=receipt["uid"])] == ["enrol", "enrol", "consent", "sweep"]
    assert people.info()["due"] == 0
    assert people.sweep() == []
    assert people.check() == []


def test_after_the_sweep_no_file_holds_a_byte_of_them(tmp_path, clock):
    path = tmp_path / "family.mien"
    with Gallery.open(path, create=True, clock=clock) as gallery:
        for seed in range(60):
            name = "Quisling" if seed % 3 == 0 else "Kassandra" if seed % 3 == 1 else "bob"
            gallery.enrol(name, templates(seed), picture(seed, f"photos/{name}/{seed}.jpg"))
        gallery.add_picture(picture(100, "photos/Quisling/both.jpg"), templates(100, 101))
        gallery.move(61, "Quisling")
        gallery.add_failure(picture(101, "photos/Kassandra/broken.jpg"), "image-truncated")
        gallery.set_consent("Quisling", basis="Zanzibarbasis", scope="Zanzibarscope", expires="2027-01-01")
        gallery.set_consent("Kassandra", scope="Madagascarscope")
        gallery.withdraw("Kassandra")
        gallery.optimize()
        clock.now = NEW_YEAR

        receipts = gallery.sweep()

        assert [(r["subject"], r["references"], r["pictures"], r["paths"]) for r in receipts] == [
            ("Quisling", 21, 20, 1),
            ("Kassandra", 20, 21, 0),
        ]
        files = [file.read_bytes() for file in tmp_path.iterdir()]
        needles = [b"Quisling", b"Kassandra", b"Zanzibar", b"Madagascar", b"quisling", b"kassandra"]
        needles += [gallery_toys.unit(seed)[0].tobytes() for seed in range(60) if seed % 3 < 2]
        needles += [picture(seed).sha256.encode() for seed in range(60) if seed % 3 < 2]
        assert [needle for needle in needles for data in files if needle in data] == []
        assert any(gallery_toys.unit(2)[0].tobytes() in data for data in files)
        assert gallery.check() == []
        assert {hit.subject for hit in gallery.search(templates(2), 10)[0]} == {"bob", gallery.subjects()[-1].label}


SWEEPING = """
import sys
from mien.gallery import Gallery
with Gallery(sys.argv[1]) as gallery:
    len(gallery)
    print("now", flush=True)
    gallery.sweep()
    print("done", flush=True)
"""


def test_killed_during_a_sweep_all_who_are_due_are_gone_or_nobody_is(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(Path(gallery_toys.__file__).parent)}
    for turn in range(8):
        path = tmp_path / f"{turn}" / "family.mien"
        path.parent.mkdir()
        with Gallery.open(path, create=True) as gallery, gallery.batch():
            for seed in range(120):
                gallery.enrol(f"Quisling{seed % 40}", templates(seed), picture(seed))
            for number in range(30):
                gallery.withdraw(f"Quisling{number}")
        with subprocess.Popen(
            [sys.executable, "-c", SWEEPING, str(path)], stdout=subprocess.PIPE, env=environment
        ) as worker:
            assert worker.stdout.readline() == b"now\n"
            time.sleep(turn * 0.0015)
            worker.kill()
            acknowledged = b"done" in worker.stdout.read()
        with Gallery(path) as gallery:
            left = len(gallery.subjects())
            assert left in (10, 40)
            assert left == 10 or not acknowledged
            assert [r.action for r in gallery.audit()].count("sweep") == 40 - left
            assert gallery.check() == []
            assert "Quisling3" not in found(gallery, 3)
            gallery.sweep()
            held = b"".join(file.read_bytes() for file in path.parent.iterdir())
            assert all(gallery_toys.unit(seed)[0].tobytes() not in held for seed in range(120) if seed % 40 < 30)


# -- carried along


def test_consents_are_exported_imported_and_saved(people, tmp_path, clock):
    people.withdraw("#3")
    people.export(tmp_path / "out.jsonl")
    assert people.export(tmp_path / "saved.jsonl", salvage=True)["lost"] == 0
    for name in ("out.jsonl", "saved.jsonl"):
        import_gallery(tmp_path / f"{name}.mien", tmp_path / name)
        with Gallery(tmp_path / f"{name}.mien", clock=clock) as copy:
            assert copy.subjects() == people.subjects()
            assert copy.check() == []
            assert found(copy, 4) == {"ada", "bob"}
            clock.now = NEW_YEAR
            assert found(copy, 4) == {"bob"}
            clock.now = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_damaged_consent_is_found_and_nobody_is_matched(people):
    people.close()
    data = bytearray(people.path.read_bytes())
    at = data.index(b"2027-01-01T00:00:00Z")
    data[at + 3] = ord("9")
    people.path.write_bytes(data)
    with pytest.raises(OSError, match="consent 1 does not agree"):
        people.search(templates(1), 1)
    assert any("consent 1" in problem for problem in people.check())


def test_all_that_is_held_about_a_person_is_one_readable_document(people, tmp_path):
    people.set_attributes("ada", {"site": "berlin"})
    people.set_attributes("bob", {"site": "Zanzibar"})
    people.export(tmp_path / "ada.json", subject="ada")

    text = (tmp_path / "ada.json").read_text()
    held = json.loads(text)
    assert held["subject"]["name"] == "ada"
    assert held["attributes"] == {"site": "berlin"}
    assert held["consent"] == {
        "basis": "consent",
        "scope": "family album",
        "given": "2026-06-01T00:00:00Z",
        "expires": "2027-01-01T00:00:00Z",
        "withdrawn": None,
        "in_force": True,
    }
    assert held["model"] == {"name": "drawn", "digest": CONTRACT.digest}
    assert [shown["path"] for shown in held["pictures"]] == ["photos/1.jpg", "photos/2.jpg"]
    stored = [np.frombuffer(base64.b64decode(r["template"]), "<f4") for r in held["references"]]
    assert np.array_equal(np.stack(stored), gallery_toys.unit(1, 2))
    assert [record["action"] for record in held["audit"]] == ["enrol", "enrol", "consent", "describe"]
    assert "bob" not in text
    assert "Zanzibar" not in text


def test_from_the_command_line(people, capsys):
    path = str(people.path)
    assert run(["gallery", "consent", path, "#3", "--basis", "consent", "--expires", "2999-01-01"]) == 0
    assert run(["gallery", "withdraw", path, "bob"]) == 0
    assert run(["gallery", "show", path, "bob"]) == 0
    assert "withdrawn" in capsys.readouterr().out
    assert run(["gallery", "sweep", path]) == 0
    assert "swept: 1 subject, 1 reference" in capsys.readouterr().out
    assert run(["gallery", "consent", path, "#3", "--expires", "soon"]) == 2
    assert people.subject("#3").consent.expires == "2999-01-01T00:00:00Z"
    assert [s.label for s in people.subjects()] == ["ada", "#3"]
