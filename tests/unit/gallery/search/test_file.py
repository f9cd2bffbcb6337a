"""The search file: answers come sooner with it and are never others; whatever is wrong with it, it is not used."""

import contextlib
import json
import logging
import os
import shutil
import threading

import numpy as np
import pytest

from gallery_toys import CONTRACT, picture, templates, unit
from mien.cli.main import run
from mien.errors import StoreError, StoreLockedError, UsageError
from mien.gallery import Gallery
from mien.gallery.calls import building
from mien.gallery.search import draft as searchdraft
from mien.gallery.search import file as searchfile
from mien.gallery.search.file import BUSY, CHUNK, PAGE, search_path
from mien.gallery.store.changes import TrackedRows
from mien.gallery.store.schema import REFERENCE
from mien.types.template import Precision

PROBES = templates(*range(60))


@pytest.fixture
def path(tmp_path):
    """A gallery of 40 people with a search file."""
    path = tmp_path / "family.mien"
    with Gallery.open(path, create=True) as gallery:
        with gallery.batch():
            for n in range(40):
                gallery.enrol(f"person {n}", templates(n), picture(n))
        gallery.optimize()
    return path


def answers(gallery):
    return [[(h.subject, h.reference, h.score) for h in hits] for hits in gallery.search(PROBES, 5)]


def truth(path):
    """The answers of a copy that has no search file."""
    copy = path.with_name("copy.mien")
    with Gallery(path) as gallery:
        gallery.backup(copy)
    assert not search_path(copy).exists()
    with Gallery(copy) as gallery:
        found = answers(gallery)
    copy.unlink()
    return found


@pytest.fixture
def reads(monkeypatch):
    """The id after which reference rows were read, of each scan."""
    begun = []
    scan = TrackedRows.scan

    def noted(self, table, after=0, tally=None):
        if table is REFERENCE:
            begun.append(after)
        return scan(self, table, after, tally)

    monkeypatch.setattr(TrackedRows, "scan", noted)
    return begun


def used(path, reads):
    """Whether a new opening takes the file, whose answers must be right in any case."""
    expected = truth(path)
    reads.clear()
    with Gallery(path) as gallery:
        assert answers(gallery) == expected
    return 0 not in reads


def test_an_opening_with_a_search_file_reads_no_row_twice(path, reads):
    assert used(path, reads)
    with Gallery(path) as gallery:
        gallery.enrol("late", templates(50))
    assert used(path, reads)
    assert reads == [40]


def test_without_a_reference_there_is_nothing_to_write(tmp_path):
    with Gallery.open(tmp_path / "empty.mien", create=True) as gallery, pytest.raises(UsageError, match="no reference"):
        gallery.optimize()
    assert [file.name for file in tmp_path.iterdir()] == ["empty.mien"]


def test_the_receipt_says_what_was_written(path):
    with Gallery(path) as gallery:
        receipt = gallery.optimize("flat")
        assert gallery.info()["search"]["file_bytes"] == receipt["bytes"] == search_path(path).stat().st_size
    assert (receipt["backend"], receipt["references"]) == ("flat", 40)


def test_the_command_prints_the_receipt(path, capsys):
    assert run(["gallery", "optimize", str(path), "--index", "flat", "--json"]) == 0
    receipt = json.loads(capsys.readouterr().out)
    assert (receipt["backend"], receipt["references"]) == ("flat", 40)
    assert run(["gallery", "optimize", str(path)]) == 0
    assert "40 references in a flat index" in capsys.readouterr().out
    assert run(["gallery", "optimize", str(path), "--index", "flax"]) == 4


def test_a_chosen_backend_is_kept(path, monkeypatch):
    with Gallery(path) as gallery:
        gallery.optimize("hnsw")
        assert gallery.optimize()["backend"] == "hnsw"
    with Gallery(path) as gallery:
        assert gallery.info()["search"]["backend"] == "hnsw"
        assert gallery.optimize("flat")["backend"] == "flat"


CHANGES = {
    "forget": lambda g: g.forget("person 3"),
    "remove": lambda g: g.remove([5, 9, 40]),
    "move": lambda g: g.move(7, "person 30"),
    "move to somebody new": lambda g: g.move(7),
    "merge": lambda g: g.merge("person 1", "person 2", "person 39"),
    "rename": lambda g: g.rename("person 4", "ada"),
    "separate": lambda g: g.separate("person 4", "person 5"),
    "group": lambda g: g.assign_groups([[1], [2]]),
    "enrol": lambda g: g.enrol("person 3", templates(55)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_brings_the_file_along(path, reads, name):
    with Gallery(path) as gallery:
        CHANGES[name](gallery)
        assert answers(gallery) == truth(path)
        assert 0 not in reads[:-1] or name == "group"  # the last one is the copy's; grouping reads all itself
    assert used(path, reads)


def test_a_face_that_becomes_somebodys_is_followed(tmp_path, reads):
    path = tmp_path / "family.mien"
    with Gallery.open(path, create=True) as gallery:
        gallery.add_picture(picture(1), templates(1, 2))
        gallery.optimize()
        gallery.enrol("ada", templates(1), picture(1))
    assert used(path, reads)
    with Gallery(path) as gallery:
        assert gallery.search(templates(1), 1)[0][0].subject == "ada"


def test_many_changes_in_one_batch_are_followed(path, reads):
    with Gallery(path) as gallery:
        with gallery.batch():
            gallery.enrol("person 1", templates(51))
            gallery.forget("person 2")
            assert all(hit[0] != "person 2" for hits in answers(gallery) for hit in hits)
            gallery.move(41, "person 3")
            gallery.merge("person 3", "person 4")
            gallery.forget("person 3")
        assert answers(gallery) == truth(path)
    assert used(path, reads)


def test_rows_that_the_file_lacks_are_read_after_a_change_too(path, reads):
    with Gallery(path) as gallery:
        gallery.enrol("late", templates(51))
        gallery.forget("person 2")
    assert used(path, reads)
    with Gallery(path) as gallery:
        assert gallery.search(templates(51), 1)[0][0].subject == "late"


def test_a_batch_that_is_taken_back_leaves_the_file_as_it_was(path, reads):
    before = search_path(path).read_bytes()
    with Gallery(path) as gallery:
        with contextlib.suppress(InterruptedError), gallery.batch():
            gallery.forget("person 2")
            answers(gallery)
            raise InterruptedError
        with gallery.batch():
            with pytest.raises(UsageError):
                gallery.merge("person 1", "person 1")
            gallery.rename("person 1", "ada")
        assert answers(gallery) == truth(path)
    assert used(path, reads)
    assert search_path(path).read_bytes()[CHUNK:] == before[CHUNK:]


def test_new_templates_take_the_file_away(path, reads):
    fresh = unit(*range(100, 140))
    with Gallery(path) as gallery:
        gallery.replace_templates(CONTRACT, ((i + 1, fresh[i], Precision.F32) for i in range(40)))
        assert answers(gallery) == truth(path)
    assert not search_path(path).exists()


# -- erasure


def forms(seed):
    vector = unit(seed)[0]
    return [vector.tobytes(), vector.astype("<f2").tobytes(), np.round(vector * 127).astype("i1").tobytes()]


def remains(folder, seed):
    return [
        file.name for file in folder.iterdir() if file.is_file() for form in forms(seed) if form in file.read_bytes()
    ]


@pytest.mark.parametrize("backend", ["flat", "fastscan", "sq8", "hnsw", "ivf"])
def test_what_is_erased_stands_in_no_file(path, reads, backend):
    with Gallery(path) as gallery:
        gallery.optimize(backend)
        assert search_path(path).name in remains(path.parent, 3)
        gallery.forget("person 3")
        assert remains(path.parent, 3) == []
        gallery.remove([9])
        assert remains(path.parent, 8) == []
        with gallery.batch():
            gallery.forget("person 12")
        assert remains(path.parent, 12) == []
        assert search_path(path).name in remains(path.parent, 11)
    assert used(path, reads)


def test_a_forgotten_person_leaves_a_file_that_cannot_be_patched_too(path):
    file = search_path(path)
    data = bytearray(file.read_bytes())
    data[8] ^= 1
    with Gallery(path) as gallery:
        answers(gallery)
        file.write_bytes(data)
        gallery.forget("person 3")
        assert remains(path.parent, 3) == []


def test_a_forgotten_person_leaves_a_draft_of_another_process_too(path):
    draft, file = searchdraft.begin_draft(path)
    with file:
        file.write(b"".join(forms(3)))
    with Gallery(path) as gallery:
        gallery.forget("person 3")
    assert not draft.exists()


def test_who_cannot_be_erased_from_the_file_is_not_forgotten(path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    with Gallery(path) as gallery:
        answers(gallery)
        monkeypatch.setattr("mien.gallery.search.upkeep.Patch", refuse)
        monkeypatch.setattr("mien.gallery.search.upkeep.discard", refuse)
        with pytest.raises(StoreError, match="remove it") as refused:
            gallery.forget("person 3")
        assert refused.value.code == "search-file-left"
        assert gallery.show("person 3").label == "person 3"


def test_a_change_that_was_cut_off_takes_the_file_away(path, reads):
    with search_path(path).open("r+b") as file:
        file.write(BUSY)
    os.utime(search_path(path))
    assert not used(path, reads)
    assert remains(path.parent, 3) == ["family.mien"]


# -- other processes


def test_another_reader_sees_a_change_at_once(path):
    with Gallery(path) as reader, Gallery(path) as writer:
        answers(reader)
        for change in ("forget", "move", "merge", "rename"):
            CHANGES[change](writer)
            assert answers(reader) == answers(writer) == truth(path)


def test_a_search_that_is_overtaken_by_a_change_is_repeated(path):
    with Gallery(path) as reader, Gallery(path, wait_s=0.1) as writer:
        before = answers(reader)
        index = reader._current(reader._opened()).index
        search = type(index).search

        def overtaken(*arguments):
            if overtaken.first:
                overtaken.first = False
                with pytest.raises(StoreLockedError):  # the reader still needs the log; the person is gone
                    writer.forget("person 3")
            return search(index, *arguments)

        overtaken.first = True
        index.search = overtaken
        assert answers(reader) == before  # what the gallery held when the search began
        assert answers(reader) == truth(path) != before
        assert not overtaken.first


# -- damage


@pytest.mark.parametrize("kind", ["cut", "empty", "short", "directory", "link", "noise", "gone"])
def test_a_broken_file_changes_no_answer(path, reads, kind):
    file = search_path(path)
    data = file.read_bytes()
    file.unlink()
    if kind == "directory":
        file.mkdir()
    elif kind == "link":
        (path.parent / "elsewhere").write_bytes(data)
        file.symlink_to(path.parent / "elsewhere")
    elif kind != "gone":
        broken = {"cut": data[:-1], "empty": b"", "short": data[:100], "noise": os.urandom(len(data))}
        file.write_bytes(broken[kind])
    assert not used(path, reads)
    if kind == "link":
        assert (path.parent / "elsewhere").read_bytes() == data
    with Gallery(path) as gallery:
        gallery.rename("person 3", "ada")
        assert answers(gallery) == truth(path)


def test_a_flipped_bit_anywhere_changes_no_answer(path, reads):
    file = search_path(path)
    whole = file.read_bytes()
    places = [0, 9, 41, 60, PAGE + 3, *range(CHUNK + 100, len(whole), CHUNK), len(whole) - 1]
    for place in places:
        data = bytearray(whole)
        data[place] ^= 4
        file.write_bytes(data)
        with Gallery(path) as gallery:
            assert [problem[:12] for problem in gallery.check()] == ["search file:"], place
        assert not used(path, reads), place
    file.write_bytes(whole)
    assert used(path, reads)


def test_damage_is_not_sealed_by_a_later_change(path, reads):
    with Gallery(path) as gallery:
        answers(gallery)
        data = bytearray(search_path(path).read_bytes())
        at = data.index(unit(20)[0].tobytes())
        with search_path(path).open("r+b") as file:
            file.seek(at)
            file.write(bytes(8))
        gallery.forget("person 3")
    assert not used(path, reads)


def test_the_file_of_another_gallery_is_not_used(path, reads, tmp_path):
    (tmp_path / "two").mkdir()
    other = tmp_path / "two" / "family.mien"
    with Gallery.open(other, create=True) as gallery:
        for n in range(40):
            gallery.enrol(f"stranger {n}", templates(n + 7), picture(n))
        gallery.optimize()
    shutil.copy(search_path(other), search_path(path))
    assert not used(path, reads)


def test_the_file_of_an_earlier_state_is_not_used(path, reads):
    kept = search_path(path).read_bytes()
    with Gallery(path) as gallery:
        gallery.forget("person 3")
    search_path(path).write_bytes(kept)
    assert not used(path, reads)
    assert remains(path.parent, 3) == []


def test_the_file_of_a_later_state_is_not_used(path, reads):
    with Gallery(path) as gallery:
        older = path.read_bytes()
    with Gallery(path) as gallery:
        gallery.enrol("late", templates(50))
        gallery.optimize()
    path.write_bytes(older)
    assert not used(path, reads)


def test_the_file_of_another_course_of_events_is_not_used(path, reads):
    older = path.read_bytes()
    with Gallery(path) as gallery:
        gallery.enrol("late", templates(50))
        gallery.optimize()
    path.write_bytes(older)
    with Gallery(path, index="flat") as gallery:
        for n in range(51, 54):
            gallery.enrol(f"later {n}", templates(n))
    assert not used(path, reads)


def test_a_file_that_is_wrong_is_told_once(path, caplog):
    search_path(path).write_bytes(b"noise")
    with caplog.at_level(logging.WARNING, "mien"), Gallery(path) as gallery:
        answers(gallery)
        answers(gallery)
    assert [record.name for record in caplog.records] == ["mien"]


# -- moving, reading only


def test_a_gallery_takes_its_file_along(path, reads, tmp_path):
    (tmp_path / "moved").mkdir()
    for file in (path, search_path(path)):
        shutil.copy(file, tmp_path / "moved" / file.name)
    assert used(tmp_path / "moved" / path.name, reads)
    (tmp_path / "link.mien").symlink_to(path)
    with Gallery(tmp_path / "link.mien") as gallery:
        gallery.forget("person 3")
    assert not remains(tmp_path, 3)
    assert used(path, reads)


def test_reading_only_writes_nothing(path, monkeypatch):
    monkeypatch.setattr(building, "LEAST", 10)
    search_path(path).write_bytes(b"noise")
    with Gallery(path, read_only=True) as gallery:
        answers(gallery)
        assert gallery.optimize_if_due() is None
    assert search_path(path).read_bytes() == b"noise"


def test_the_file_has_the_rights_of_the_gallery(path):
    path.chmod(0o640)
    with Gallery(path) as gallery:
        gallery.optimize()
    assert search_path(path).stat().st_mode & 0o777 == 0o640


# -- building


@pytest.fixture
def eager(monkeypatch):
    """Search files pay from ten references on, and every process stays."""
    monkeypatch.setattr(building, "LEAST", 10)
    monkeypatch.setattr(building, "STAYS_S", -1.0)


def test_a_process_that_stays_makes_the_file_while_it_answers(path, reads, eager):
    expected = truth(path)
    search_path(path).unlink()
    with Gallery(path) as gallery:
        assert answers(gallery) == expected
        gallery._thread.join()
        assert answers(gallery) == expected
        assert gallery.info()["search"]["stray"] == 0
        for n in range(50, 56):
            gallery.enrol(f"late {n}", templates(n))
        answers(gallery)
        gallery._thread.join()
        answers(gallery)
        assert gallery.info()["search"]["stray"] == 0
    assert used(path, reads)


@pytest.fixture
def held(monkeypatch):
    """Builds wait before they write, until `go` is set."""
    writes, waits, go = searchdraft.write_file, threading.Event(), threading.Event()

    def late(*arguments):
        waits.set()
        go.wait(30)
        return writes(*arguments)

    monkeypatch.setattr(building, "write_file", late)
    return waits, go


def test_closing_gives_an_unfinished_file_up(path, eager, held):
    waits, go = held
    search_path(path).unlink()
    with Gallery(path) as gallery:
        answers(gallery)
        thread = gallery._thread
        waits.wait(30)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    go.set()
    thread.join()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_somebody_forgotten_meanwhile_is_not_in_the_new_file(path, eager, held):
    waits, go = held
    search_path(path).unlink()
    with Gallery(path) as gallery:
        answers(gallery)
        thread = gallery._thread
        waits.wait(30)
        gallery.forget("person 3")
        assert remains(path.parent, 3) == []
        go.set()
        thread.join()
        assert remains(path.parent, 3) == []
        assert answers(gallery) == truth(path)


def test_what_was_added_meanwhile_is_answered(path, eager, held):
    waits, go = held
    search_path(path).unlink()
    with Gallery(path) as gallery:
        answers(gallery)
        thread = gallery._thread
        waits.wait(30)
        gallery.enrol("late", templates(55))
        go.set()
        thread.join()
        assert search_path(path).exists()
        assert answers(gallery) == truth(path)


def test_a_full_disk_only_costs_speed(path, eager, monkeypatch, caplog):
    def full(*_):
        raise OSError(28, "No space left on device")

    search_path(path).unlink()
    monkeypatch.setattr(building, "write_file", full)
    with Gallery(path) as gallery:
        assert gallery.optimize_if_due() is None
        assert "No space left" in caplog.text
        with pytest.raises(StoreError, match="no space"):
            gallery.optimize()
        assert answers(gallery) == truth(path)
        gallery._thread.join()  # the search began another try
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]


def test_a_gallery_is_not_changed_while_it_is_read(path):
    with Gallery(path) as gallery:
        for reference in gallery.references():
            with pytest.raises(UsageError, match="being read"):
                gallery.remove([reference.id])
            break


def test_a_large_file_has_more_digests_than_a_page(tmp_path, reads):
    wide = 3 * CHUNK // (4 * CONTRACT.dimension) + 1
    rng = np.random.default_rng(1)
    vectors = rng.normal(size=(wide, CONTRACT.dimension)).astype("f4")
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    draft = tmp_path / "draft"
    facts = searchfile.Facts("00", "", 1, 0, wide, 7, wide, "flat")
    arrays = {"references": np.arange(wide), "vectors": vectors, "nothing": np.empty((0, 3), np.uint8)}
    with draft.open("w+b", buffering=0) as file:
        assert searchdraft.write_file(file, facts, arrays, lambda: False)
    found = searchfile.SearchFile(draft, lambda _: None)
    assert found.facts == facts
    for name, array in arrays.items():
        assert np.array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype
