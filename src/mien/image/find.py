"""The photographs of a folder, in an order that does not depend on the file system."""

from __future__ import annotations

import os
from pathlib import Path

from mien.errors import NotFoundError, UsageError
from mien.image.photo import SUFFIXES
from mien.types.outcome import Failure


def find_photos(folder: str | os.PathLike[str]) -> tuple[tuple[Path, ...], tuple[Failure, ...]]:
    """Everything in a folder and the folders in it that is named like a picture.

    Hidden files and folders are left out. Links to files and folders are followed; each folder is visited once, in
    its real place rather than through a link to it.

    Args:
        folder: where to begin; its own name may be hidden.

    Returns:
        Paths, sorted, and what could not be looked at: ``image-not-a-file``, ``folder-loop``, ``folder-unreadable``,
        ``not-found`` for a link to nowhere.

    Raises:
        NotFoundError: no such folder.
        UsageError: a file.
    """
    root = Path(folder)
    if not root.exists():
        raise NotFoundError(f"no such folder: {root}", source=str(root))
    if not root.is_dir():
        raise UsageError(f"{root} is a file; give a folder")
    walk = _Walk()
    walk.visit(str(root))
    while walk.links:  # after all that is really there, so that a link never hides the place it points to
        walk.follow(walk.links.pop(0))
    failures = sorted(walk.failures, key=lambda failure: failure.source)
    return tuple(sorted(map(Path, walk.photos))), tuple(failures)


class _Walk:
    def __init__(self) -> None:
        self.photos: list[str] = []
        self.failures: list[Failure] = []
        self.links: list[str] = []
        self._seen: set[tuple[int, int]] = set()

    def visit(self, folder: str) -> None:
        """Look through a folder and those in it; a list instead of recursion, for trees hundreds deep."""
        waiting = [folder]
        while waiting:
            path = waiting.pop()
            try:
                status = os.stat(path)
                if (status.st_dev, status.st_ino) in self._seen:
                    continue
                self._seen.add((status.st_dev, status.st_ino))
                with os.scandir(path) as entries:
                    visible = sorted((e for e in entries if not e.name.startswith(".")), key=lambda e: e.name)
            except OSError as error:
                self._fail(path, "folder-unreadable", f"cannot be looked through ({error.strerror})")
                continue
            for entry in visible:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                else:
                    self._add(entry)

    def follow(self, link: str) -> None:
        """Look through the folder that a link points to, unless the link lies in it."""
        target, place = os.path.realpath(link), os.path.realpath(os.path.dirname(link))
        if os.path.commonpath([target, place]) == target:
            self._fail(link, "folder-loop", "a link to a folder that it lies in; remove it")
        else:
            self.visit(link)

    def _add(self, entry: os.DirEntry[str]) -> None:
        try:
            if entry.is_symlink() and entry.is_dir():
                self.links.append(entry.path)
            elif os.path.splitext(entry.name)[1].lower() not in SUFFIXES:
                return
            elif entry.is_file():
                self.photos.append(entry.path)
            elif entry.is_symlink() and not os.path.exists(entry.path):
                self._fail(entry.path, "not-found", "a link to nowhere; remove it")
            else:
                self._fail(entry.path, "image-not-a-file", "a device, pipe or socket")
        except OSError as error:  # a link that leads to itself
            self._fail(entry.path, "image-unreadable", f"cannot be looked at ({error.strerror})")

    def _fail(self, path: str, reason: str, what: str) -> None:
        self.failures.append(Failure(path, reason, f"{path}: {what}"))
