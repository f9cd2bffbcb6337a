"""Every act leaves a record that cannot be changed, moved or taken out without being found."""

import hashlib
import json
import random
import threading

import apsw
import numpy as np
import pytest

import gallery_version1
import gallery_version2
from gallery_toys import CONTRACT, picture, templates
from mien.cli.main import run
from mien.errors import NotFoundError, StoreCorruptError, StoreReadOnlyError, UsageError
from mien.gallery import Decision, Gallery, acting, import_gallery


@pytest.fixture
def acted(gallery):
    with acting("key:7f3a", "door 3"):
        gallery.enrol("ada", templates(1), picture(1))
        gallery.enrol("bob", templates(2), picture(2))
        gallery.separate("ada", "bob")
    gallery.rename("bob", "Bobby")
    return gallery


def actions(gallery):
    return [record.action for record in gallery.audit()]


def test_a_record_says_who_what_why_and_with_which_model(acted):
    first, *_, last = acted.audit()
    assert (first.sequence, first.action, first.counts) == (1, "enrol", {"references": 1})
    assert (first.actor, first.purpose, first.model) == ("key:7f3a", "door 3", CONTRACT.digest)
    assert (first.threshold, first.rate) == (None, None)
    assert first.subject == acted.subject("ada").uid
    assert (last.action, last.actor, last.purpose) == ("rename", "local", "")


def test_who_acts_is_told_apart_by_thread(gallery):
    def work(number):
        with acting(f"key:{number}"):
            for seed in range(5):
                gallery.enrol(f"person {number}", templates(10 * number + seed))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    actors = {record.subject: set() for record in gallery.audit()}
    for record in gallery.audit():
        actors[record.subject].add(record.actor)
    assert sorted(actors.values(), key=str) == [{f"key:{number}"} for number in range(4)]


@pytest.mark.parametrize("wrong", [("", ""), ("a\nb", ""), ("x" * 201, ""), ("a", "x" * 501), (None, "")])
def test_an_actor_or_purpose_that_is_not_allowed_is_refused(wrong):
    with pytest.raises(UsageError), acting(*wrong):
        pass


def test_the_trail_holds_no_name_and_nothing_biometric(acted):
    with Gallery(acted.path, audit_decisions=True) as gallery:
        gallery.search(templates(1), 2, decision=Decision(0.9, 0.003))
        gallery.compare(templates(1), "ada", decision=Decision(0.9, 1e-4))
    gallery.forget("ada")
    text = json.dumps([record.to_dict() for record in gallery.audit()])
    assert not any(name in text for name in ("ada", "bob", "Bobby", "photos", picture(1).sha256))


# -- decisions


def test_decisions_are_recorded_when_asked_for(acted):
    before = actions(acted)
    acted.search(templates(1), 2, decision=Decision(0.9, 0.003))
    assert actions(acted) == before

    with Gallery(acted.path, audit_decisions=True) as gallery, acting("key:9", "lost child"):
        gallery.search(templates(1, 2, 1), 2, decision=Decision(0.9, 0.003))
        gallery.search(templates(9), 2, decision=Decision(0.9, 0.003))
        gallery.compare(templates(2), "ada", decision=Decision(0.9, 1e-4))
        gallery.compare(templates(1), "ada", decision=Decision(0.9, 1e-4))
        gallery.search_vectors(templates(1).vectors)
        gallery.score(templates(1).vectors, 1)
    ada, bob = (acted.subject(name).uid for name in ("ada", "Bobby"))
    found = [(r.action, r.subject, dict(r.counts), r.threshold, r.rate) for r in acted.audit()[len(before) :]]
    assert found == [
        ("identify", ada, {"probes": 3, "matches": 2}, 0.9, 0.003),
        ("identify", bob, {"probes": 3, "matches": 1}, 0.9, 0.003),
        ("identify", None, {"probes": 1, "matches": 0}, 0.9, 0.003),
        ("verify", ada, {"probes": 1, "matches": 0}, 0.9, 1e-4),
        ("verify", ada, {"probes": 1, "matches": 1}, 0.9, 1e-4),
        ("search", None, {"probes": 1}, None, None),
        ("compare", ada, {"probes": 1}, None, None),
    ]
    assert {(r.actor, r.purpose) for r in acted.audit()[len(before) :]} == {("key:9", "lost child")}


def test_no_answer_without_a_record(acted):
    with Gallery(acted.path, audit_decisions=True, read_only=True) as gallery, pytest.raises(StoreReadOnlyError):
        gallery.search(templates(1), 1)


def test_recording_a_decision_leaves_the_search_file_as_good_as_it_was(acted):
    acted.optimize()
    with Gallery(acted.path, audit_decisions=True) as gallery:
        gallery.search(templates(1), 1, decision=Decision(0.9))
        assert gallery.info()["search"]["file_bytes"] > 0
    with Gallery(acted.path) as gallery:
        assert gallery.info()["search"]["file_bytes"] > 0
        assert gallery.check() == []


@pytest.mark.parametrize("wrong", [(float("nan"), None), (0.5, 2.0), (0.5, float("nan")), (float("inf"), 0.1)])
def test_a_decision_has_a_finite_threshold_and_a_rate(wrong):
    with pytest.raises(UsageError):
        Decision(*wrong)


# -- tampering


def changed(path, *statements):
    connection = apsw.Connection(str(path))
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


SWAP = tuple(
    f"UPDATE {table} SET sequence = {new} WHERE sequence = {old}"
    for old, new in ((2, 99), (3, 2), (99, 3))
    for table in ("audit", "detail")
)


@pytest.mark.parametrize(
    ("statements", "named"),
    [
        (["UPDATE audit SET action = 'remove' WHERE sequence = 2"], "audit record 2 "),
        (["UPDATE audit SET utc = '2020-01-01T00:00:00Z' WHERE sequence = 1"], "audit record 1 "),
        (["UPDATE audit SET subject = NULL WHERE sequence = 3"], "audit record 3 "),
        (["UPDATE audit SET hash = zeroblob(32) WHERE sequence = 3"], "audit record 3 "),
        (["UPDATE detail SET actor = 'someone' WHERE sequence = 2"], "audit record 2 "),
        (["UPDATE detail SET purpose = '' WHERE sequence = 1"], "audit record 1 "),
        (["UPDATE detail SET threshold = 0.1 WHERE sequence = 4"], "audit record 4 "),
        (["DELETE FROM detail WHERE sequence = 2"], "audit record 2 "),
        (["DELETE FROM audit WHERE sequence = 2", "DELETE FROM detail WHERE sequence = 2"], "audit record 2 "),
        (["DELETE FROM detail WHERE sequence = 4", "DELETE FROM audit WHERE sequence = 4"], "after record 3"),
        (SWAP, "audit record 2 "),
    ],
)
def test_what_was_changed_is_named(acted, statements, named):
    acted.close()
    changed(acted.path, "PRAGMA foreign_keys = 0", *statements)
    with pytest.raises(StoreCorruptError, match=named):
        acted.verify_audit()
    with pytest.raises(StoreCorruptError, match=named):
        acted.audit()
    assert any(named in problem for problem in acted.check())
    assert run(["audit", "verify", str(acted.path)]) == 6


def test_every_flipped_byte_of_a_record_is_found(acted, tmp_path):
    head = str(acted.verify_audit())
    acted.close()
    whole = acted.path.read_bytes()
    marks = [record.utc.encode() + record.action.encode() for record in Gallery(acted.path).audit()]
    rng = random.Random(7)
    damaged = tmp_path / "damaged.mien"
    for turn in range(60):
        mark = marks[turn % len(marks)]
        at = whole.index(mark) + rng.randrange(len(mark))
        damaged.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :])
        with Gallery(damaged) as gallery, pytest.raises(StoreCorruptError):
            gallery.verify_audit(head)


def test_a_trail_made_anew_is_found_with_a_head_that_was_noted(acted):
    noted = str(acted.verify_audit())
    assert acted.verify_audit(noted).records == 4
    acted.enrol("carl", templates(5))
    assert acted.verify_audit(noted).records == 5
    acted.close()

    connection = apsw.Connection(str(acted.path))
    with connection:  # somebody who knows how it is made leaves the last two out
        connection.execute("DELETE FROM detail WHERE sequence > 3")
        connection.execute("DELETE FROM audit WHERE sequence > 3")
        mark = connection.execute("SELECT hash FROM audit WHERE sequence = 3").get
        word = gallery_version1.word(mark)
        connection.execute("UPDATE tally SET rows = 3, mix = ? WHERE name = 'audit'", (word,))
    connection.close()

    assert acted.verify_audit().records == 3
    with pytest.raises(StoreCorruptError, match="4 were noted"):
        acted.verify_audit(noted)
    acted.rename("ada", "Ada L.")
    with pytest.raises(StoreCorruptError, match="record 4 is not the one that was noted"):
        acted.verify_audit(noted)
    with pytest.raises(UsageError):
        acted.verify_audit("4:abc")


def test_erasing_a_person_keeps_the_chain(acted):
    head = str(acted.verify_audit())
    acted.forget("ada")
    assert acted.verify_audit(head).records == 5


# -- older records


@pytest.mark.parametrize(("older", "records"), [(gallery_version1, 1), (gallery_version2, 2)])
def test_records_of_older_files_stay_valid_and_new_ones_follow(older, records, tmp_path):
    path = tmp_path / "old.mien"
    older.make(path)
    with Gallery(path, read_only=True) as gallery:
        head = gallery.verify_audit()
        assert head.records == records
        assert [record.actor for record in gallery.audit()] == [None] * records
    with Gallery(path) as gallery, acting("key:1"):
        gallery.rename("#2", "bob")
        assert gallery.verify_audit(str(head)).records == records + 1
        assert [record.actor for record in gallery.audit()] == [None] * records + ["key:1"]
        assert gallery.check() == []
        gallery.export(tmp_path / "out.jsonl")
        expected = gallery.audit()
    import_gallery(tmp_path / "copy.mien", tmp_path / "out.jsonl")
    with Gallery(tmp_path / "copy.mien") as copy:
        assert copy.audit()[:-1] == expected
        assert copy.verify_audit(str(head)).records == records + 2


def test_an_export_of_format_2_can_be_read(tmp_path):
    gallery_version2.make(tmp_path / "old.mien")
    with Gallery(tmp_path / "old.mien", read_only=True) as gallery:
        gallery.export(tmp_path / "out.jsonl")
    *lines, _ = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    lines[0]["version"] = 2
    for line in lines:
        for name in ("actor", "purpose", "model", "threshold", "rate"):
            line.get("audit", {}).pop(name, None)
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    end = {"end": {"lines": len(lines) - 1, "sha256": hashlib.sha256(text.encode()).hexdigest()}}
    (tmp_path / "two.jsonl").write_text(text + json.dumps(end) + "\n")

    import_gallery(tmp_path / "new.mien", tmp_path / "two.jsonl")

    with Gallery(tmp_path / "new.mien") as gallery:
        assert actions(gallery) == ["index", "describe", "import"]
        assert dict(gallery.subject("ada").attributes) == {"site": "berlin"}
        assert np.array_equal(gallery.grouped().ids, [1, 2])
        assert gallery.check() == []


# -- asking


def test_records_are_found_by_time_and_by_person(acted, capsys):
    uid = acted.subject("ada").uid
    assert [r.action for r in acted.audit(subject="ada")] == ["enrol", "separate"]
    receipt = acted.forget("ada")
    assert [r.action for r in acted.audit(subject=receipt["uid"])] == ["enrol", "separate", "forget"]
    assert acted.audit(since="2999-01-01") == []
    assert len(acted.audit(since="2020-01-01")) == 5
    with pytest.raises(NotFoundError):
        acted.audit(subject="nobody")

    path = str(acted.path)
    assert run(["audit", "show", path, "--subject", uid, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["records"]
    assert [record["action"] for record in shown] == ["enrol", "separate", "forget"]
    assert run(["audit", "show", path]) == 0
    assert "key:7f3a  enrol, 1 references" in capsys.readouterr().out
    assert run(["audit", "verify", path]) == 0
    assert str(acted.verify_audit()) in capsys.readouterr().out
