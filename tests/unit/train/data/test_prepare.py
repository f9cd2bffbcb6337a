"""Preparing: every picture becomes a face or a counted failure, and nothing done is lost however it ends."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from mien.errors import (
    ConflictError,
    ImageError,
    NotFoundError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    UsageError,
)
from mien.pipeline import Policy
from mien.testing.toys import ToyDetector, draw_face, draw_picture
from mien.train.data import Aligner, Prepared, data_digest, open_data, prepare
from mien.train.data import journal as journal_file
from mien.types.faces import Faces
from mien.types.image import Image


@dataclass(frozen=True, slots=True)
class Drawn:
    """The toy detector, for several pictures at once; it fails on a picture with a red corner."""

    name: str = "toy"
    side: int = 100_000
    score: float = 0.5

    def detect(self, image: Image) -> Faces:
        return ToyDetector().detect(image)

    def detect_many(self, images: Sequence[Image]) -> list[Faces]:
        if any(image.pixels[0, 0].tolist() == [255, 0, 0] for image in images):
            raise ImageError("the detector gave no numbers", code="detector")
        return [self.detect(image) for image in images]

    def with_side(self, side: int) -> Drawn:
        raise NotImplementedError

    def with_score(self, score: float, *, most: int = 1) -> Drawn:
        raise NotImplementedError


ALIGNER = Aligner(Drawn(), "d" * 64)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pil.fromarray(pixels).save(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ada: two sound pictures. Bo: one with a bystander to the right. Cy: only pictures that fail."""
    root = tmp_path / "photos"
    save(root / "Ada" / "1.png", draw_picture([1]))
    save(root / "Ada" / "2.png", draw_picture([2]))
    save(root / "Bo" / "1.png", np.hstack([draw_picture([5, 3, 4])[:, :-20]]))
    (root / "Cy").mkdir()
    (root / "Cy" / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    save(root / "Cy" / "2.png", np.zeros((150, 150, 3), np.uint8))
    return root


def near(face: np.ndarray, person: int) -> bool:
    """Whether a crop shows the drawn face: the middle of it, which every alignment keeps."""
    middle = slice(48, 64)
    return bool(np.abs(face[middle, middle].astype(int) - draw_face(person)[middle, middle]).mean() < 12)


def test_every_picture_becomes_a_face_or_a_counted_failure(photos: Path, tmp_path: Path) -> None:
    done = prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=ALIGNER)
    assert list(done.names) == ["Ada/1.png", "Ada/2.png", "Bo/1.png"]
    assert done.labels.tolist() == [0, 0, 1]
    assert [failure.source for failure in done.failures] == ["Cy/1.png", "Cy/2.png"]
    assert done.failures[1].reason == "no-face"
    assert sum(done.manifest["failures"].values()) == 2
    assert done.facts["detector_sha256"] == "d" * 64


def test_a_person_without_a_face_is_no_class(photos: Path, tmp_path: Path) -> None:
    done = prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=ALIGNER)
    assert list(done.people) == ["Ada", "Bo"]
    assert done.manifest["people_without_a_face"] == ["Cy"]


def test_the_face_nearest_to_the_centre_is_kept(photos: Path, tmp_path: Path) -> None:
    done = prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=ALIGNER)
    faces = {name: done.read(row) for row, name in enumerate(done.names)}
    boxes = Drawn().detect(Image(draw_picture([5, 3, 4]))).boxes
    assert len(boxes) == 3
    expected = prepare_alone(tmp_path, draw_picture([3]))
    middle = slice(40, 72)
    assert np.abs(faces["Bo/1.png"][middle, middle].astype(int) - expected[middle, middle]).mean() < 1


def prepare_alone(tmp_path: Path, pixels: np.ndarray) -> np.ndarray:
    save(tmp_path / "alone" / "1.png", pixels)
    return prepare(open_data(f"unlabelled:{tmp_path / 'alone'}"), tmp_path / "alone_out", aligner=ALIGNER).read(0)


def test_faces_are_a_plain_npy_file(photos: Path, tmp_path: Path) -> None:
    done = prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=ALIGNER)
    faces = np.load(tmp_path / "out" / "faces.npy", mmap_mode="r")
    assert faces.shape == (3, 112, 112, 3)
    assert (faces == done.crops(np.arange(3))).all()


def test_the_bytes_do_not_depend_on_the_number_of_threads(photos: Path, tmp_path: Path) -> None:
    data = open_data(f"folder:{photos}")
    for threads in (1, 3):
        prepare(data, tmp_path / str(threads), aligner=ALIGNER, threads=threads)
    for file in ("faces.npy", "rows.parquet", "manifest.json", "failures.csv"):
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "3" / file).read_bytes()


def test_only_the_picture_on_which_the_detector_fails_is_lost(photos: Path, tmp_path: Path) -> None:
    red = draw_picture([1])
    red[0, 0] = 255, 0, 0
    save(photos / "Ada" / "0.png", red)
    done = prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=ALIGNER)
    assert len(done) == 3
    assert ("Ada/0.png", "detector") in [(failure.source, failure.reason) for failure in done.failures]


def test_aligned_pictures_are_kept_as_they_are(tmp_path: Path) -> None:
    save(tmp_path / "p" / "Ada" / "1.png", draw_face(1))
    save(tmp_path / "p" / "Ada" / "2.png", draw_face(1, side=96))
    done = prepare(open_data(f"folder:{tmp_path / 'p'}"), tmp_path / "out", aligner=None)
    assert (done.read(0) == draw_face(1)).all()
    assert done.manifest["failures"] == {"not-aligned": 1}


def test_a_prepared_set_opens_again_the_same(photos: Path, tmp_path: Path) -> None:
    data = open_data(f"folder:{photos}")
    done = prepare(data, tmp_path / "out", aligner=ALIGNER)
    again = open_data(tmp_path / "out")
    assert isinstance(again, Prepared)
    assert data_digest(again) == data_digest(done)
    assert again.sha256(0) == data.sha256(0)
    again.check()
    called: list[int] = []
    prepare(data, tmp_path / "out", aligner=ALIGNER, progress=lambda done, total: called.append(done))
    assert not called


def test_another_source_or_policy_is_not_mixed_in(photos: Path, tmp_path: Path) -> None:
    prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=ALIGNER)
    with pytest.raises(ConflictError, match="other pictures, or made by another detector"):
        prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=Aligner(Drawn(), "e" * 64))
    with pytest.raises(ConflictError, match="other pictures"):
        prepare(open_data(f"unlabelled:{photos}"), tmp_path / "out", aligner=ALIGNER)
    with pytest.raises(UsageError, match="one face a picture is kept"):
        Aligner(Drawn(), "d" * 64, Policy.ALL)


def test_changed_bytes_are_noticed(photos: Path, tmp_path: Path) -> None:
    done = prepare(open_data(f"folder:{photos}"), tmp_path / "out", aligner=ALIGNER)
    faces = tmp_path / "out" / "faces.npy"
    with faces.open("r+b") as file:
        file.seek(1000)
        file.write(b"\1\2\3")
    with pytest.raises(StoreCorruptError, match=r"faces\.npy: its bytes have changed"):
        done.check()
    os.truncate(faces, 5000)
    with pytest.raises(StoreCorruptError, match="prepare it again"):
        open_data(tmp_path / "out")
    (tmp_path / "out" / "manifest.json").write_text("{")
    with pytest.raises(StoreCorruptError, match="it is no JSON"):
        open_data(tmp_path / "out")
    with pytest.raises(NotFoundError, match="no prepared faces"):
        open_data(f"prepared:{tmp_path}")


def cut_short(photos: Path, out: Path, after: int) -> None:
    """Stop by an interrupt after so many pictures."""

    def progress(done: int, _total: int) -> None:
        if done >= after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(open_data(f"folder:{photos}"), out, aligner=ALIGNER, threads=1, progress=progress)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(30):
        save(tmp_path / "many" / f"p{number % 5}" / f"{number}.png", draw_picture([number]))
    (tmp_path / "many" / "p0" / "bad.png").write_bytes(b"")
    return tmp_path / "many"


def test_an_interrupt_keeps_what_is_done(many: Path, tmp_path: Path) -> None:
    cut_short(many, tmp_path / "out", after=8)
    lines = (tmp_path / "out" / "journal.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 8
    with pytest.raises(UsageError, match="not finished; the same `mien prepare` goes on"):
        open_data(tmp_path / "out")
    totals: list[int] = []
    data = open_data(f"folder:{many}")
    prepare(data, tmp_path / "out", aligner=ALIGNER, progress=lambda done, total: totals.append(total))
    assert totals[0] == 31 - 8
    prepare(data, tmp_path / "whole", aligner=ALIGNER)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("damage", ["half a line", "half a face", "a face lost", "no line"])
def test_what_a_killed_process_left_is_cut_back(many: Path, tmp_path: Path, damage: str) -> None:
    out = tmp_path / "out"
    cut_short(many, out, after=16)
    journal, faces = out / "journal.jsonl", out / "faces.npy"
    if damage == "half a line":
        os.truncate(journal, journal.stat().st_size - 3)
    elif damage == "half a face":
        with faces.open("ab") as file:
            file.write(b"\7" * 1000)
    elif damage == "a face lost":
        os.truncate(faces, faces.stat().st_size - 1)
    else:
        journal.write_bytes(b"")
        os.truncate(faces, 100)
    data = open_data(f"folder:{many}")
    prepare(data, out, aligner=ALIGNER)
    prepare(data, tmp_path / "whole", aligner=ALIGNER)
    assert files(out) == files(tmp_path / "whole")


def test_other_settings_do_not_go_on_with_it(many: Path, tmp_path: Path) -> None:
    cut_short(many, tmp_path / "out", after=8)
    with pytest.raises(ConflictError, match="begun with other pictures, another detector or other settings"):
        prepare(open_data(f"folder:{many}"), tmp_path / "out", aligner=Aligner(Drawn(), "d" * 64, Policy.LARGEST))


def test_faces_without_their_journal_are_left_alone(many: Path, tmp_path: Path) -> None:
    cut_short(many, tmp_path / "out", after=8)
    (tmp_path / "out" / "journal.jsonl").unlink()
    with pytest.raises(StoreCorruptError, match="faces without a journal"):
        prepare(open_data(f"folder:{many}"), tmp_path / "out", aligner=ALIGNER)


def test_a_full_disk_is_one_line_and_loses_nothing(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = os.fsync, []

    def fsync(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr(journal_file, "FLUSH_S", 0.0)
    monkeypatch.setattr(journal_file.os, "fsync", fsync)
    data = open_data(f"folder:{many}")
    with pytest.raises(StoreFullError, match="no space is left; what was done is kept") as caught:
        prepare(data, tmp_path / "out", aligner=ALIGNER)
    assert "\n" not in caught.value.message
    assert len((tmp_path / "out" / "journal.jsonl").read_text().splitlines()) == 1 + 2
    monkeypatch.undo()
    prepare(data, tmp_path / "out", aligner=ALIGNER)
    prepare(data, tmp_path / "whole", aligner=ALIGNER)
    assert files(tmp_path / "out") == files(tmp_path / "whole")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full")
def test_a_really_full_device_is_reported(many: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "faces.npy").symlink_to("/dev/full")
    with pytest.raises(StoreError):
        prepare(open_data(f"folder:{many}"), out, aligner=ALIGNER)


def test_two_processes_do_not_write_one_folder(many: Path, tmp_path: Path) -> None:
    cut_short(many, tmp_path / "out", after=8)
    header = json.loads((tmp_path / "out" / "journal.jsonl").read_text().splitlines()[0])
    held = journal_file.Journal(tmp_path / "out", header)
    try:
        with pytest.raises(StoreLockedError, match="another process prepares it"):
            prepare(open_data(f"folder:{many}"), tmp_path / "out", aligner=ALIGNER)
    finally:
        held.close()


CHILD = """
import sys, time
from pathlib import Path
from mien.train.data import open_data, prepare
from mien.train.data import journal
journal.FLUSH_S = 0.0
def progress(done, total):
    print(done, flush=True)
    time.sleep(0.02)
prepare(open_data(f"unlabelled:{sys.argv[1]}"), Path(sys.argv[2]), aligner=None, threads=2, progress=progress)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_killed_process_is_taken_up_again(tmp_path: Path) -> None:
    for number in range(120):
        save(tmp_path / "in" / f"{number:03d}.png", draw_face(number))
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "in"), str(tmp_path / "out")], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child, child.stdout:
        child.stdout.readline()
        time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
    done = len((tmp_path / "out" / "journal.jsonl").read_text().splitlines()) - 1
    assert 0 < done < 120
    data = open_data(f"unlabelled:{tmp_path / 'in'}")
    prepare(data, tmp_path / "out", aligner=None)
    prepare(data, tmp_path / "whole", aligner=None)
    assert files(tmp_path / "out") == files(tmp_path / "whole")
