"""Kills, damage, full disks: what was acknowledged stays, what was forgotten is gone, nothing wrong is answered."""

import copy
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import apsw
import numpy as np
import pytest

import gallery_toys
import gallery_worker
from gallery_toys import picture, templates
from mien.errors import (
    MienError,
    NotFoundError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
)
from mien.gallery import Gallery, import_gallery
from mien.gallery.store.database import require_library
from mien.types.faces import Face
from mien.types.template import Precision, TemplateContract, Templates

KILL_ROUNDS = int(os.environ.get("MIEN_KILL_ROUNDS", "15"))
MUTATIONS = int(os.environ.get("MIEN_MUTATIONS", "40"))
TOYS = str(Path(gallery_toys.__file__).parent)
ENVIRONMENT = {**os.environ, "PYTHONPATH": TOYS, "OPENBLAS_NUM_THREADS": "1"}


# -- killed


def empty_model():
    return {"named": {}, "indexed": {}}


def after(model, change):
    """The oracle: what the gallery holds after a change; names to picture numbers, picture numbers to face counts."""
    model = copy.deepcopy(model)
    named = model["named"]
    if "index" in change:
        model["indexed"].update({int(k): v for k, v in change["index"].items()})
    elif "enrol" in change:
        named.setdefault(change["enrol"][0], []).append(change["enrol"][1])
    elif "forget" in change:
        del named[change["forget"]]
    else:
        into, other = change["merge"]
        named[into] = sorted(named[into] + named.pop(other))
    return model


def stored(path):
    """The same, read from the file in this process, every template compared with the one that was put in."""
    model = empty_model()
    with Gallery(path) as gallery:
        assert gallery.check() == []
        columns = gallery.grouped()
        vectors = dict(zip(columns.ids.tolist(), columns.vectors, strict=True))
        probes = templates(*range(0, 400, 10))
        found = [[hit.reference for hit in hits] for hits in gallery.search(probes, 3)]
        with Gallery(path, index="flat") as bare:  # reads every row
            assert found == [[hit.reference for hit in hits] for hits in bare.search(probes, 3)]
        faces = {}
        for reference in gallery.references():
            number = int(Path(reference.face.source).stem)
            seed = number * 10 + int(reference.face.box[0] // 20)
            assert np.array_equal(vectors[reference.id], gallery_toys.unit(seed)[0])
            if reference.subject.startswith("#"):
                faces[number] = faces.get(number, 0) + 1
            else:
                model["named"].setdefault(reference.subject, []).append(number)
        model["known"] = gallery.info()["pictures"]
    model["named"] = {name: sorted(numbers) for name, numbers in model["named"].items()}
    model["indexed"] = faces
    return model


def expected(model):
    named = {name: sorted(numbers) for name, numbers in model["named"].items() if numbers}
    pictures = sum(len(numbers) for numbers in named.values()) + len(model["indexed"])
    return {"named": named, "indexed": {k: v for k, v in model["indexed"].items() if v}, "known": pictures}


def killed_run(path, seed, number, delay, *options):
    """Lines that a worker printed until it was killed `delay` seconds after its first change."""
    command = [sys.executable, gallery_worker.__file__, str(path), str(seed), str(number), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as worker:
        first = worker.stdout.readline()
        time.sleep(delay)
        worker.kill()
        rest = worker.stdout.read()
    return [json.loads(line) for line in (first + rest).splitlines() if line.endswith(b"}")]


@pytest.mark.parametrize("options", [(), ("optimize",)])
def test_killed_at_any_moment_everything_acknowledged_is_there_once(tmp_path, options):
    path, model = tmp_path / "family.mien", empty_model()
    seed = int(os.environ.get("MIEN_SEED", random.randrange(2**32)))
    rng = random.Random(seed)
    for turn in range(KILL_ROUNDS):
        lines = killed_run(path, rng.randrange(2**32), turn * 100_000, rng.uniform(0, 0.3), *options)
        pending = None
        for line in lines:
            if "did" in line:
                model, pending = after(model, line["did"]), None
            else:
                pending = line["will"]
        found = stored(path)
        if pending is not None and found == expected(after(model, pending)):
            model = after(model, pending)
        assert found == expected(model), f"MIEN_SEED={seed}, turn {turn}"


# -- erased

WIDE = TemplateContract("drawn", "00" * 32, 128, "none")


def wide(seed):
    vectors = gallery_toys.unit(seed, dimension=128)
    return Templates(vectors, Precision.F32, WIDE, (Face((0.0, 0.0, 9.0, 9.0), 0.9, ((1.0, 2.0),) * 5),))


def traces(seed, name, number):
    """Byte strings that must not be found of a forgotten person."""
    vector = gallery_toys.unit(seed, dimension=128)[0]
    forms = vector.tobytes(), vector.astype(np.float16).tobytes(), np.round(vector * 127).astype(np.int8).tobytes()
    digest = picture(number).sha256
    windows = [form[start : start + 64] for form in forms for start in range(0, len(form) - 63, 32)]
    names = [name.encode(), name.encode("utf-16-le"), name.encode("utf-16-be")]
    return [*windows, *names, digest.encode(), bytes.fromhex(digest)[:16]]


def found_in(folder, needles):
    return [(file.name, needle) for file in folder.iterdir() for needle in needles if needle in file.read_bytes()]


def fill(path, people, rng):
    """(seed, picture) of each name; enrolled in mixed order and with removals between, so that pages are rebalanced."""
    held = {}
    with Gallery(path, create=True) as gallery:
        for start in range(0, 500, 50):
            with gallery.batch():
                for seed in range(start, start + 50):
                    name = f"Zo\u00eb Nr{rng.randrange(people)} Quisling"
                    gallery.enrol(name, wide(seed), picture(seed, f"photos/{name}/{seed}.jpg"))
                    held.setdefault(name, []).append(seed)
    return held


def test_nothing_of_a_forgotten_person_is_left_in_any_file(tmp_path):
    rng = random.Random(3)
    path = tmp_path / "family.mien"
    held = fill(path, 150, rng)
    with Gallery(path) as gallery, Gallery(path) as other:
        assert len(other) == 500
        for name in rng.sample(sorted(held), 50):
            needles = [n for seed in held[name] for n in traces(seed, f"{name}", seed)]
            needles = [n for n in needles if not any(n in o.encode() for o in held if o != name)]
            assert found_in(tmp_path, needles)
            gallery.forget(name)
            assert found_in(tmp_path, needles) == []
            del held[name]
        assert len(other) == sum(len(seeds) for seeds in held.values())
        assert gallery.check() == []


FORGETTING = """
import sys
from mien.gallery import Gallery
with Gallery(sys.argv[1]) as gallery:
    len(gallery)
    print("now", flush=True)
    gallery.forget(sys.argv[2])
    print("gone", flush=True)
"""


@pytest.mark.parametrize("search_file", [False, True])
def test_killed_while_forgetting_a_person_is_whole_or_gone(tmp_path, search_file):
    rng = random.Random(4)
    path = tmp_path / "family.mien"
    held = fill(path, 40, rng)
    if search_file:
        with Gallery(path) as gallery:
            gallery.optimize()
    for name in sorted(held)[:15]:
        command = [sys.executable, "-c", FORGETTING, str(path), name]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=ENVIRONMENT) as worker:
            assert worker.stdout.readline() == b"now\n"
            time.sleep(rng.uniform(0, 0.02))
            worker.kill()
            acknowledged = b"gone" in worker.stdout.read()
        with Gallery(path) as gallery:
            there = name in [subject.label for subject in gallery.subjects()]
            assert not (there and acknowledged)
            if there:
                assert gallery.show(name).subject.references == len(held[name])
                gallery.forget(name)
        needles = [n for seed in held[name] for n in traces(seed, name, seed)]
        needles = [n for n in needles if not any(n in o.encode() for o in held if o != name)]
        assert found_in(tmp_path, needles) == []


# -- damaged

ANSWERING = """
import json, resource, sys
from gallery_toys import picture, templates
from mien.errors import MienError
from mien.gallery import Gallery
probes = templates(*range(30))
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
def answers(path):
    with Gallery(path, wait_s=0.5) as gallery:
        return [
            [subject.to_dict() for subject in gallery.subjects()],
            [[(h.subject, h.reference, round(h.score, 5)) for h in hits] for hits in gallery.search(probes, 3)],
            [reference.to_dict() for reference in gallery.references()],
            [gallery.knows(picture(n).sha256) for n in range(30)],
            gallery.info()["model"],
        ]
for path in sys.argv[1:]:
    print("begin", flush=True)
    try:
        print(json.dumps(answers(path)), flush=True)
    except MienError as error:
        assert "\\n" not in error.message and path in error.message, error.message
        print(json.dumps(type(error).__name__), flush=True)
"""


def answers(paths):
    command = [sys.executable, "-c", ANSWERING, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, env=ENVIRONMENT, check=False, timeout=500)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line != b"begin"]


def family(folder):
    """A gallery with a log, as a kill leaves it, and the file and log after each commit."""
    path = folder / "family.mien"
    states = []
    with Gallery(path, create=True) as gallery:
        with gallery.batch():
            for n in range(20):
                gallery.add_picture(picture(n), templates(n))
        gallery.rename("#3", "ada")
    with Gallery(path) as gallery:
        for n in range(20, 26):
            gallery.enrol(f"person {n}", templates(n), picture(n))
            states.append(copied(path, folder / f"state{n}"))
        return copied(path, folder / "final"), states


def copied(path, folder):
    folder.mkdir(parents=True)
    for file in (path, path.with_name(path.name + "-wal")):
        if file.exists():
            shutil.copy(file, folder / file.name)
    return folder / path.name


def mutate(file, rng):
    data = bytearray(file.read_bytes())
    kind = rng.randrange(5)
    at = rng.randrange(len(data))
    if kind == 0:
        for _ in range(8):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del data[at:]
    elif kind == 3:
        data[at : at + 4096] = bytes(len(data[at : at + 4096]))
    else:
        for _ in range(4):
            data[rng.randrange(200)] = rng.randrange(256)
    file.write_bytes(data)


def test_no_damage_gives_a_wrong_answer(tmp_path):
    seed = int(os.environ.get("MIEN_SEED", random.randrange(2**32)))
    rng = random.Random(seed)
    final, states = family(tmp_path)
    merged = copied(final, tmp_path / "merged")
    with Gallery(merged):
        pass
    with Gallery(merged) as gallery:
        assert len(gallery) == 26
    bare = copied(tmp_path / "family.mien", tmp_path / "bare")
    right = answers(states)
    assert all(isinstance(state, list) for state in right)
    damaged = []
    for n in range(MUTATIONS):
        source, suffix = rng.choice([(merged, ""), (merged, ""), (final, "-wal"), (bare, "")])
        path = copied(source, tmp_path / f"damaged{n}")
        mutate(path.with_name(path.name + suffix), rng)
        damaged.append((path, suffix))
    without_log = copied(final, tmp_path / "without_log")
    without_log.with_name(without_log.name + "-wal").unlink()
    whole, prefixes = right[-1], [*right, *answers([without_log])]
    for (path, suffix), answer in zip(damaged, answers([path for path, _ in damaged]), strict=True):
        allowed = prefixes if suffix else [whole]  # of a damaged log, what comes before the damage counts
        assert isinstance(answer, str) or answer in allowed, f"MIEN_SEED={seed}, {path}"


def test_a_flipped_byte_is_named_and_the_rest_can_be_saved(tmp_path):
    path = tmp_path / "family.mien"
    with Gallery(path, create=True) as gallery:
        for n in range(20):
            gallery.enrol(f"person {n}", templates(n), picture(n))
    data = bytearray(path.read_bytes())
    at = data.index(gallery_toys.unit(7)[0].tobytes())
    data[at + 5] ^= 1
    path.write_bytes(data)

    with Gallery(path) as gallery:
        with pytest.raises(StoreCorruptError, match="reference 8"):
            gallery.search(templates(1), 1)
        assert any("reference 8" in problem for problem in gallery.check())
        receipt = gallery.export(tmp_path / "saved.jsonl", salvage=True)
    assert receipt == {"subjects": 20, "references": 19, "pictures": 20, "lost": 1}
    import_gallery(tmp_path / "new.mien", tmp_path / "saved.jsonl")
    with Gallery(tmp_path / "new.mien") as new:
        assert new.search(templates(3), 1)[0][0].subject == "person 3"


def test_the_log_of_another_gallery_is_never_mixed_in(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    first, _ = family(tmp_path / "one")
    second, _ = family(tmp_path / "two")
    shutil.copy(f"{second}-wal", f"{first}-wal")
    whole = first.read_bytes()

    (answer,) = answers([first])

    assert answer == "StoreCorruptError"
    assert first.read_bytes() == whole
    Path(f"{first}-wal").unlink()
    with Gallery(first) as gallery:
        assert gallery.info()["references"] == 20


@pytest.mark.parametrize(
    "content", [b"", b"no gallery", random.Random(1).randbytes(100_000), b"SQLite format 3\0" * 500]
)
def test_what_is_no_gallery_is_left_alone(tmp_path, content):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)

    with pytest.raises(StoreCorruptError, match=r"photo\.jpg"):
        Gallery.open(path, create=True)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_no_gallery(tmp_path):
    path = tmp_path / "other.db"
    with apsw.Connection(str(path)) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()

    with pytest.raises(StoreCorruptError, match="another program"):
        Gallery(path).info()
    with pytest.raises(StoreCorruptError, match="not a file"):
        Gallery(tmp_path).info()


def test_a_newer_schema_names_its_maker(tmp_path):
    path = tmp_path / "family.mien"
    Gallery.open(path, create=True).close()
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE gallery SET mien = '9.1'; PRAGMA user_version = 99")
    connection.close()

    with pytest.raises(StoreError, match=r"made by mien 9\.1") as refused:
        Gallery(path).info()
    assert refused.value.code == "store-newer"


def test_an_old_sqlite_is_refused():
    require_library("3.51.3")
    with pytest.raises(StoreError, match="install apsw"):
        require_library("3.51.2")


# -- the system


def test_a_missing_gallery_or_folder_is_not_found(tmp_path):
    for call in (lambda: Gallery.open(tmp_path / "a.mien"), lambda: Gallery(tmp_path / "a.mien").info()):
        with pytest.raises(NotFoundError):
            call()
    with pytest.raises(NotFoundError, match="folder"):
        Gallery.open(tmp_path / "missing" / "a.mien", create=True)
    assert list(tmp_path.iterdir()) == []


def test_another_writer_is_waited_for_and_then_named(tmp_path):
    path = tmp_path / "family.mien"
    Gallery.open(path, create=True).close()
    with Gallery(path) as first, Gallery(path, wait_s=0.2) as second:
        with first.batch():
            first.enrol("ada", templates(1))
            with pytest.raises(StoreLockedError):
                second.enrol("bob", templates(2))
            assert second.info()["references"] == 0
        second.enrol("bob", templates(2))
        assert first.info()["references"] == 2


WRITING = """
import sys
from gallery_toys import picture, templates
from mien.gallery import Gallery
with Gallery.open(sys.argv[1], create=True) as gallery:
    for n in range(int(sys.argv[2]), int(sys.argv[2]) + 60):
        gallery.add_picture(picture(n), templates(n))
"""


def test_two_processes_write_and_nothing_is_lost(tmp_path):
    path = tmp_path / "family.mien"
    commands = [[sys.executable, "-c", WRITING, str(path), str(start)] for start in (0, 30, 100)]
    workers = [subprocess.Popen(command, env=ENVIRONMENT) for command in commands]
    assert [worker.wait(timeout=100) for worker in workers] == [0, 0, 0]

    with Gallery(path) as gallery:
        assert gallery.info()["references"] == gallery.info()["pictures"] == 90 + 60
        assert gallery.check() == []


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "none", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_loses_nothing_and_the_same_gallery_goes_on(small_disk):
    (small_disk / "ballast").write_bytes(bytes(500_000))
    done = 0

    def fill_up(gallery):
        nonlocal done
        while True:
            gallery.enrol(f"person {done}", wide(done), picture(done))
            done += 1

    with Gallery.open(small_disk / "family.mien", create=True) as gallery:
        with pytest.raises(StoreFullError):
            fill_up(gallery)
        assert gallery.info()["references"] == done > 10
        (small_disk / "ballast").unlink()
        gallery.enrol("later", wide(done), picture(done))
        assert gallery.info()["references"] == done + 1
        assert gallery.check() == []


READING = """
import os, sys
from gallery_toys import templates
from mien.errors import StoreReadOnlyError
from mien.gallery import Gallery
from mien.gallery.index import indexes
indexes["flat"]  # whoever runs this next may not be allowed to read the interpreter's folder
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with Gallery(sys.argv[1]) as gallery:
    assert gallery.search(templates(1), 1)[0][0].subject == "ada"
    assert gallery.check() == []
    try:
        gallery.enrol("bob", templates(2))
    except StoreReadOnlyError:
        print("refused")
"""


@pytest.mark.parametrize(("file", "folder"), [(0o444, 0o777), (0o444, 0o555), (0o666, 0o555)])
def test_without_the_right_to_write_reading_works(file, folder):
    place = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    try:
        path = place / "family.mien"
        with Gallery.open(path, create=True) as gallery:
            gallery.enrol("ada", templates(1))
        path.chmod(file)
        place.chmod(folder)
        command = [sys.executable, "-c", READING, str(path)]
        done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, check=False)
        assert (done.stdout, done.returncode) == (b"refused\n", 0), done.stderr.decode()
    finally:
        place.chmod(0o777)
        shutil.rmtree(place)


class FailingFile(apsw.VFSFile):
    failing = False

    def xSync(self, flags):
        if FailingFile.failing:
            raise apsw.IOError("made to fail")
        return super().xSync(flags)


class FailingDisk(apsw.VFS):
    def __init__(self):
        self.usual = apsw.vfs_names()[0]
        super().__init__("failing", self.usual)

    def xOpen(self, name, flags):
        return FailingFile(self.usual, name, flags)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_after_a_failed_fsync_the_store_is_closed_and_the_next_call_recovers(tmp_path):
    disk = FailingDisk()
    apsw.set_default_vfs("failing")
    try:
        with Gallery.open(tmp_path / "family.mien", create=True) as gallery:
            gallery.enrol("ada", templates(1))
            FailingFile.failing = True
            with pytest.raises(StoreError) as failed:
                gallery.enrol("bob", templates(2))
            FailingFile.failing = False
            assert failed.value.code == "store-io"
            gallery.enrol("carl", templates(3))
            assert {"ada", "carl"} <= {s.label for s in gallery.subjects()} <= {"ada", "bob", "carl"}
            assert gallery.check() == []
    finally:
        apsw.set_default_vfs(disk.usual)
        disk.unregister()


def test_every_error_is_one_line(tmp_path):
    with pytest.raises(MienError) as refused:
        Gallery(tmp_path).info()
    assert "\n" not in refused.value.message
