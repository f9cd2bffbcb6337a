"""Decisions are recorded several at a time, each by whoever made it, on the disk before the answer."""

import threading
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from gallery_toys import picture, templates
from mien.errors import StoreLockedError
from mien.gallery import Decision, Gallery, acting
from mien.gallery.store.database import Database

RULE = Decision(0.9, 0.003)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with Gallery(tmp_path / "family.mien", create=True) as gallery:
        gallery.enrol("ada", templates(1), picture(1))
    return tmp_path / "family.mien"


def test_decisions_of_many_threads_are_all_there_each_with_who_made_it(path: Path) -> None:
    with Gallery(path, audit_decisions=True) as gallery:

        def decide(number: int) -> None:
            with acting(f"key {number}", f"door {number}"):
                for _ in range(10):
                    gallery.search(templates(1), 1, decision=RULE)

        threads = [threading.Thread(target=decide, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = [(record.actor, record.purpose) for record in gallery.audit() if record.action == "identify"]
        assert sorted(found) == sorted((f"key {n}", f"door {n}") for n in range(8) for _ in range(10))
        assert gallery.verify_audit().records == 1 + 80


def test_those_who_wait_share_one_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on, commits = threading.Event(), threading.Event(), []
    changing = Database.changing

    def slow(database: Database):
        commits.append(1)
        began.set()
        assert go_on.wait(20)
        return changing(database)

    with Gallery(path, audit_decisions=True) as gallery:
        gallery.search(templates(1), 1)  # opened
        monkeypatch.setattr(Database, "changing", slow)
        threads = [threading.Thread(target=gallery.search, args=(templates(1), 1)) for _ in range(6)]
        threads[0].start()
        assert began.wait(20)
        for thread in threads[1:]:
            thread.start()
        while len(gallery._ledger._waiting) < 5:
            assert all(thread.is_alive() for thread in threads)
        go_on.set()
        for thread in threads:
            thread.join()
        monkeypatch.undo()
        assert len(commits) == 2
        assert gallery.verify_audit().records == 1 + 1 + 6


def test_a_decision_that_cannot_be_recorded_is_no_answer_and_searches_without_one_go_on(path: Path) -> None:
    with (
        Gallery(path, audit_decisions=True, wait_s=0.1) as gallery,
        Gallery(path, wait_s=0.1) as silent,
        closing(apsw.Connection(str(path))) as writer,
    ):
        gallery.search(templates(1), 1, decision=RULE)
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreLockedError):
            gallery.search(templates(1), 1, decision=RULE)
        assert silent.search(templates(1), 1)[0][0].subject == "ada"
        writer.execute("ROLLBACK")
        gallery.search(templates(1), 1, decision=RULE)
        assert [record.action for record in gallery.audit()] == ["enrol", "identify", "identify"]


def test_a_decision_inside_a_batch_stands_and_falls_with_it(path: Path) -> None:
    def decide(gallery: Gallery, *, fail: bool) -> None:
        with gallery.batch():
            gallery.search(templates(1), 1, decision=RULE)
            if fail:
                raise RuntimeError

    with Gallery(path, audit_decisions=True, wait_s=0.1) as gallery:
        decide(gallery, fail=False)
        with pytest.raises(RuntimeError):
            decide(gallery, fail=True)
        assert [record.action for record in gallery.audit()] == ["enrol", "identify"]


def test_the_log_of_a_gallery_that_only_decides_does_not_grow_without_end(path: Path) -> None:
    log = path.with_name(path.name + "-wal")
    with Gallery(path, audit_decisions=True) as gallery:
        for _ in range(600):
            gallery.note("test")
        assert log.stat().st_size < 16 << 20
        gallery.forget("ada")  # the second connection keeps nothing from being erased
        assert log.stat().st_size == 0
    assert not log.exists()


def test_a_note_says_who_what_and_how_many(path: Path) -> None:
    with Gallery(path) as gallery, acting("key 5", "job 7"):
        gallery.note("job-group", people=3, references=8)
        record = gallery.audit()[-1]
        assert (record.action, record.actor, record.purpose, record.subject) == ("job-group", "key 5", "job 7", None)
        assert record.counts == {"people": 3, "references": 8}
