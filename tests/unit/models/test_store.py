from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from model_toys import DATA, MakeCard, make_tar, make_wheel

from mien.errors import HashMismatchError, ModelError, ModelMissingError
from mien.models import Store
from mien.models.card import read_card

OTHER = DATA[::-1]


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A file that a card may name as its source."""
    path = tmp_path / "origin.bin"
    path.write_bytes(DATA)
    return path


def leftovers(store: Store) -> list[Path]:
    return [p for p in store.folder.rglob("*") if p.is_file() and p.parent.name != "files" and p.name != "lock"]


def test_what_was_pulled_is_read_back_and_nothing_else_is_left(make_card: MakeCard, origin: Path) -> None:
    card, store = make_card(f"file:{origin}"), Store()
    assert store.pull(card) == ["toy.onnx"]
    assert store.read(card, card.file) == DATA
    assert leftovers(store) == []


def test_once_pulled_the_source_is_not_needed(make_card: MakeCard, origin: Path) -> None:
    card, store = make_card(f"file:{origin}"), Store()
    store.pull(card)
    origin.unlink()
    assert store.pull(card) == []
    assert store.read(card, card.file) == DATA


def test_a_missing_file_says_how_to_get_it(make_card: MakeCard) -> None:
    card = make_card("file:/x")
    with pytest.raises(ModelMissingError, match="fetch it with `mien models pull toy`"):
        Store().read(card, card.file)


@pytest.mark.parametrize("damage", [DATA[:-1] + b"x", DATA[: len(DATA) // 2], DATA + b"x", b""])
def test_a_damaged_file_is_never_handed_out_and_pull_repairs_it(
    make_card: MakeCard, origin: Path, damage: bytes
) -> None:
    card, store = make_card(f"file:{origin}"), Store()
    store.pull(card)
    store.path(card.file).write_bytes(damage)
    with pytest.raises(HashMismatchError) as caught:
        store.read(card, card.file)
    for part in (card.file.sha256, hashlib.sha256(damage).hexdigest(), "`mien models pull toy`"):
        assert part in str(caught.value)
    assert store.states(card) == {"toy.onnx": "damaged"}
    store.pull(card)
    assert store.states(card) == {"toy.onnx": "good"}


def test_every_single_flipped_bit_is_noticed(make_card: MakeCard, origin: Path) -> None:
    card, store = make_card(f"file:{origin}"), Store()
    store.pull(card)
    rng = random.Random(7)
    for position in rng.sample(range(len(DATA)), 50):
        flipped = bytearray(DATA)
        flipped[position] ^= 1 << rng.randrange(8)
        store.path(card.file).write_bytes(flipped)
        assert store.state(card.file) == "damaged"


def test_the_first_source_that_has_the_right_bytes_wins(make_card: MakeCard, origin: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(OTHER)
    card = make_card("dist:no-such-package/x", f"file:{wrong}", f"file:{origin}")
    Store().pull(card)
    assert Store().read(card, card.file) == DATA


def test_wrong_bytes_from_every_source_are_refused_with_both_hashes(make_card: MakeCard, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.bin"
    wrong.write_bytes(OTHER)
    card, store = make_card(f"file:{wrong}"), Store()
    with pytest.raises(HashMismatchError) as caught:
        store.pull(card)
    assert card.file.sha256 in str(caught.value)
    assert hashlib.sha256(OTHER).hexdigest() in str(caught.value)
    assert store.states(card) == {"toy.onnx": "missing"}


def test_a_failed_pull_names_every_source_and_its_reason(make_card: MakeCard) -> None:
    card = make_card("dist:no-such-package/x", "file:/no/such/file")
    with pytest.raises(ModelMissingError) as caught:
        Store().pull(card)
    message = str(caught.value)
    assert "dist:no-such-package/x (no-such-package is not installed)" in message
    assert "file:/no/such/file (/no/such/file is not a file)" in message
    assert "`mien models pull toy --from FILE`" in message
    assert "\n" not in message


def test_one_download_serves_every_card_of_the_same_archive(make_card: MakeCard, index: Path) -> None:
    wheel = make_wheel(index, {"tinydata/a.bin": DATA, "tinydata/b.bin": OTHER})
    first = make_card("pypi:tinydata==1.0!tinydata/a.bin", name="first")
    second = make_card("pypi:tinydata==1.0!tinydata/b.bin", name="second", data=OTHER)
    store = Store()
    store.pull(first)
    wheel.unlink()
    assert store.pull(second) == []
    assert store.read(second, second.file) == OTHER


def test_a_neighbour_with_the_wrong_hash_is_not_kept(make_card: MakeCard, index: Path) -> None:
    make_wheel(index, {"tinydata/a.bin": DATA, "tinydata/b.bin": OTHER})
    first = make_card("pypi:tinydata==1.0!tinydata/a.bin", name="first")
    second = make_card("pypi:tinydata==1.0!tinydata/b.bin", name="second", sha256="0" * 64)
    Store().pull(first)
    assert Store().states(second) == {"toy.onnx": "missing"}


@pytest.mark.parametrize("form", ["file", "wheel", "tarball", "folder"])
def test_pull_from_takes_the_file_its_package_or_a_folder_of_either(
    make_card: MakeCard, tmp_path: Path, form: str
) -> None:
    card, given = make_card("pypi:tinydata==1.0!tinydata/m.bin"), tmp_path / "given"
    given.mkdir()
    (given / "readme").write_text("something else")
    wheel = make_wheel(given, {"tinydata/m.bin": DATA}) if form != "file" else given
    (tmp_path / "m").write_bytes(DATA)
    tarball = make_tar(tmp_path / "x.tgz", {"tinydata/m.bin": DATA})
    path = {"file": tmp_path / "m", "wheel": wheel, "tarball": tarball, "folder": given}[form]
    assert Store().pull(card, from_path=path) == ["toy.onnx"]
    assert Store().read(card, card.file) == DATA


def test_pull_from_the_wrong_file_names_both_hashes(make_card: MakeCard, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(OTHER)
    card = make_card("file:/x")
    with pytest.raises(HashMismatchError) as caught:
        Store().pull(card, from_path=tmp_path / "m")
    assert card.file.sha256 in str(caught.value)
    assert hashlib.sha256(OTHER).hexdigest() in str(caught.value)


def test_pull_from_nothing_says_so(make_card: MakeCard, tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="no such file"):
        Store().pull(make_card("file:/x"), from_path=tmp_path / "none")


def test_files_are_put_into_a_folder_under_their_own_names(make_card: MakeCard, origin: Path, tmp_path: Path) -> None:
    card = make_card(f"file:{origin}")
    assert Store().put(card, tmp_path / "new" / "folder") == [tmp_path / "new" / "folder" / "toy.onnx"]
    assert (tmp_path / "new" / "folder" / "toy.onnx").read_bytes() == DATA
    with pytest.raises(ModelError, match="choose a folder"):
        Store().put(card, origin)


def test_check_lists_what_is_cached_and_only_that(make_card: MakeCard, origin: Path) -> None:
    card, store = make_card(f"file:{origin}"), Store()
    assert store.check() == []
    store.pull(card)
    assert store.check() == [{"card": "toy", "file": "toy.onnx", "state": "good"}]
    store.path(card.file).write_bytes(b"")
    assert store.check() == [{"card": "toy", "file": "toy.onnx", "state": "damaged"}]


def test_reading_writes_nothing(make_card: MakeCard, origin: Path) -> None:
    card, store = make_card(f"file:{origin}"), Store()
    store.pull(card)
    before = {p: p.stat().st_mtime_ns for p in store.folder.rglob("*")}
    store.read(card, card.file)
    store.states(card)
    assert store.pull(card) == []
    assert {p: p.stat().st_mtime_ns for p in store.folder.rglob("*")} == before


def test_a_cache_that_cannot_be_written_is_named_with_the_way_out(make_card: MakeCard, origin: Path) -> None:
    card, store = make_card(f"file:{origin}"), Store()
    store.folder.mkdir()
    (store.folder / "work").write_text("in the way")
    with pytest.raises(ModelError, match="set MIEN_CACHE to another folder") as caught:
        store.pull(card)
    assert caught.value.code == "cache-unusable"
    assert str(store.folder) in str(caught.value)


def test_a_full_disk_is_named_and_leaves_no_half_file(
    make_card: MakeCard, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, store = make_card(f"file:{origin}"), Store()

    def full(path: Path, data: bytes) -> int:
        with path.open("wb") as f:
            f.write(data[:100])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(ModelError, match="No space left on device; free some space") as caught:
            store.pull(card)
    assert caught.value.code == "cache-full"
    assert store.states(card) == {"toy.onnx": "missing"}
    assert leftovers(store) == []
    store.pull(card)
    assert store.states(card) == {"toy.onnx": "good"}


def test_the_cache_follows_xdg_and_mien_cache_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Store().folder == tmp_path / "cache"
    monkeypatch.delenv("MIEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Store().folder == tmp_path / "xdg" / "mien"


def test_without_a_home_the_message_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MIEN_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # as for a user id without an entry in /etc/passwd
    with pytest.raises(ModelError, match="set HOME or MIEN_CACHE"):
        Store()
    monkeypatch.setenv("MIEN_CACHE", str(tmp_path))
    assert Store().folder == tmp_path


CHILD = """
import sys
from pathlib import Path
from mien.models import Store, read_card
card = read_card(Path(sys.argv[1]))
store = Store()
for _ in range(int(sys.argv[2])):
    store.path(card.file).unlink(missing_ok=True)
    store.pull(card)
"""


def child(card_path: Path, times: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(card_path), str(times)])


def test_killed_at_any_moment_there_is_a_whole_file_or_none(make_card: MakeCard, tmp_path: Path) -> None:
    big = random.Random(1).randbytes(8 << 20)
    (tmp_path / "big").write_bytes(big)
    card, store, rng = make_card(f"file:{tmp_path / 'big'}", data=big), Store(), random.Random(2)
    states = set()
    for _ in range(8):
        process = child(card.path, 10_000)
        deadline = time.monotonic() + 60
        while not (store.folder / "work").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2 + rng.random() / 4)
        process.send_signal(signal.SIGKILL)
        process.wait()
        states.add(store.state(card.file))
    assert states <= {"good", "missing"}
    store.pull(card)
    assert store.read(card, card.file) == big


def test_two_processes_pulling_at_once_both_succeed(make_card: MakeCard, index: Path) -> None:
    make_wheel(index, {"tinydata/m.bin": DATA})
    card = make_card("pypi:tinydata==1.0!tinydata/m.bin")
    assert [p.wait() for p in [child(card.path, 1), child(card.path, 1)]] == [0, 0]
    assert Store().read(card, card.file) == DATA


def test_threads_pulling_at_once_all_succeed(make_card: MakeCard, origin: Path) -> None:
    card, store, failures = make_card(f"file:{origin}"), Store(), []

    def pull() -> None:
        try:
            store.pull(card)
            assert store.read(card, card.file) == DATA
        except Exception as e:  # noqa: BLE001 - handed to the test's own thread
            failures.append(e)

    threads = [threading.Thread(target=pull) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_what_killed_pulls_left_is_swept_after_a_day(make_card: MakeCard, origin: Path) -> None:
    store = Store()
    old, new = store.folder / "work" / "old", store.folder / "work" / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(b"x")
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    store.pull(make_card(f"file:{origin}"))
    assert not old.exists()
    assert new.exists()


def test_a_second_process_does_not_write_into_a_running_download(make_card: MakeCard) -> None:
    card, store = read_card(make_card("https://example.org/m").path), Store()
    with store._resumable(card.file) as first, store._resumable(card.file) as second:
        assert first.parent.name == "parts"
        assert second.parent.name == "work"


def test_no_pickle_is_read_anywhere_in_the_package() -> None:
    root = Path(sys.modules["mien"].__file__ or "").parent
    forbidden = ("pickle.load", "torch.load", "allow_pickle=True", "yaml.load", "joblib.load", "marshal.load")
    for path in root.rglob("*.py"):
        text = path.read_text("utf-8")
        assert not [word for word in forbidden if word in text], path


def test_a_fused_card_is_pulled_by_pulling_its_parts(make_card: MakeCard, origin: Path, tmp_path: Path) -> None:
    (tmp_path / "other.bin").write_bytes(OTHER)
    make_card(f"file:{origin}", name="one")
    part = make_card(f"file:{tmp_path / 'other.bin'}", name="two", data=OTHER)
    text = part.path.read_text().replace('name = "two"', 'name = "both"').replace('family = "toy"\n', "")
    path = part.path.parent / "both.toml"
    path.write_text(text.split("[[files]]")[0] + '[fuse]\ncards = ["one", "two"]\nweights = [0.5, 0.5]\n')
    assert len(Store().pull(read_card(path))) == 2
    assert Store().states(part) == {"toy.onnx": "good"}
