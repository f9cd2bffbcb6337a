"""A folder's photographs: sorted, complete, and what cannot be looked at as values."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mien.errors import NotFoundError, UsageError
from mien.image import find_photos


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_photographs_are_found_by_ending_and_sorted(tmp_path: Path) -> None:
    wanted = [touch(tmp_path / name) for name in ("a/z.JPG", "b.jpeg", "a/b/c.Png", "c.webp", "d.TIF", "ü.heic")]
    for name in ("notes.txt", ".hidden.jpg", ".thumbs/a.jpg", "a/.b/c.jpg", "jpg", "a.jpg.part"):
        touch(tmp_path / name)
    assert find_photos(tmp_path) == (tuple(sorted(wanted)), ())


def test_a_hidden_folder_may_be_asked_for_by_name(tmp_path: Path) -> None:
    photo = touch(tmp_path / ".mine" / "a.jpg")
    assert find_photos(tmp_path / ".mine") == ((photo,), ())


def test_a_tree_300_deep_is_walked(tmp_path: Path) -> None:
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        for _ in range(300):
            os.mkdir("d")
            os.chdir("d")
        Path("a.jpg").touch()
    finally:
        os.chdir(here)
    (photo,), failures = find_photos(tmp_path)
    assert len(photo.relative_to(tmp_path).parts) == 301
    assert failures == ()


def test_links_are_followed_once_and_loops_are_failures(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    photo, linked = touch(root / "z" / "a.jpg"), touch(elsewhere / "b.jpg")
    (root / "a").symlink_to(root / "z")  # sorted before the folder it points to
    (root / "out").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(root)
    (root / "z" / "up").symlink_to(root)
    photos, failures = find_photos(root)
    assert photos == (root / "out" / linked.name, photo)
    assert [(f.source, f.reason) for f in failures] == [(str(root / "z" / "up"), "folder-loop")]


def test_special_files_and_dead_links_are_failures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "dead.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    photos, failures = find_photos(tmp_path)
    assert photos == ()
    assert {Path(f.source).name: f.reason for f in failures} == {
        "dead.jpg": "not-found",
        "pipe.jpg": "image-not-a-file",
        "self.jpg": "image-unreadable",
    }
    assert all(f.message.startswith(f.source) for f in failures)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_read_right_is_a_failure(tmp_path: Path) -> None:
    photo = touch(tmp_path / "a.jpg")
    (tmp_path / "locked").mkdir(mode=0)
    photos, (failure,) = find_photos(tmp_path)
    (tmp_path / "locked").chmod(0o700)
    assert photos == (photo,)
    assert failure.reason == "folder-unreadable"


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such folder"):
        find_photos(tmp_path / "missing")
    with pytest.raises(UsageError, match="is a file"):
        find_photos(touch(tmp_path / "a.jpg"))
