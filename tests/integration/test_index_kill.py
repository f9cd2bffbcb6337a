"""An index run that is killed loses nothing that it had stored, and the next one finishes the work.

MIEN_KILL_ROUNDS sets how often it is killed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mien.errors import NotFoundError
from mien.gallery import Gallery

pytestmark = [pytest.mark.weights, pytest.mark.data]

ROUNDS = int(os.environ.get("MIEN_KILL_ROUNDS", "5"))
PICTURES = 200 * ROUNDS  # so that most kills hit a run that still has work


@pytest.fixture(scope="module")
def photos(data: Path, tmp_path_factory: pytest.TempPathFactory, weights: None) -> Path:
    del weights
    folder = tmp_path_factory.mktemp("photos")
    for picture in sorted((data / "lfw" / "images").glob("*/*.jpg"))[:PICTURES]:
        (folder / picture.name).symlink_to(picture)
    return folder


def index(gallery: Path, photos: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mien", "index", "-g", str(gallery), str(photos), "--json"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def hear_ctrl_c() -> None:
    """A shell's background job ignores it, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def stored(path: Path) -> list[tuple[str, tuple[float, ...]]]:
    """Picture and box of every face; the gallery must be sound."""
    try:
        with Gallery.open(path) as gallery:
            assert gallery.check() == []
            return [(reference.sha256, reference.face.box) for reference in gallery.references()]
    except NotFoundError:
        return []


def test_killed_at_random_moments_and_resumed_every_face_is_there_once(photos, tmp_path):
    moments = random.Random(19795)
    gallery, before = tmp_path / "killed.mien", set()
    for _ in range(ROUNDS):
        process = index(gallery, photos)
        time.sleep(moments.uniform(0.2, 3.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        faces = stored(gallery)
        assert len(faces) == len(set(faces)), "a face is there twice"
        assert before <= set(faces), "a stored face is gone"
        before = set(faces)
    assert index(gallery, photos).wait() == 0
    whole = tmp_path / "whole.mien"
    assert index(whole, photos).wait() == 0
    assert sorted(stored(gallery)) == sorted(stored(whole))


def test_ctrl_c_says_so_and_keeps_what_was_stored(photos, tmp_path):
    gallery = tmp_path / "interrupted.mien"
    process = subprocess.Popen(
        [sys.executable, "-m", "mien", "index", "-g", str(gallery), str(photos)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        preexec_fn=hear_ctrl_c,
    )
    while not stored(gallery):  # the first commit comes after about a second
        time.sleep(0.2)
        assert process.poll() is None, "finished before it could be interrupted"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"goes on from there" in err
    assert stored(gallery)
