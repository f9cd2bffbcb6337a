"""Labeled Faces in the Wild (Huang, Ramesh, Berg, Learned-Miller 2007): the official pair lists.

View 1 is for development, view 2 for reporting: ten folds, and nothing may be chosen on it. Accuracy with a model that
was trained on other data falls under "unrestricted, labelled outside data".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.errors import NotFoundError, UsageError
from mien.evaluate.protocols.pairs import PairList

LISTS = {1: "pairsDevTest.txt", 2: "pairs.txt"}
FOLDERS = ("images", "lfw-deepfunneled", "lfw_funneled", "lfw", ".")
"""Where archives of the set put the pictures, below the root."""


def read_lfw(root: Path, view: int = 2) -> PairList:
    """The pairs of a view.

    Args:
        root: folder with the pair list, and the pictures below it as ``images/NAME/NAME_0001.jpg``.
        view: 1 (its test part, one fold) or 2 (ten folds).

    Raises:
        NotFoundError: the list or the pictures are not there.
        UsageError: the list is no LFW pair list, or names a picture that is missing.
    """
    path = root / LISTS[view]
    if not path.is_file():
        raise NotFoundError(
            f"{root}: no {path.name} there; --root is the folder of the LFW pair lists", source=str(root)
        )
    pairs, folds = read_list(path)
    names = sorted({name for pair in pairs for name in pair})
    images = next((root / folder for folder in FOLDERS if (root / folder / names[0]).is_file()), None)
    if images is None:
        raise NotFoundError(f"{root}: no pictures such as {names[0]} below {', '.join(FOLDERS)}", source=str(root))
    for name in names:
        if not (images / name).is_file():
            raise UsageError(f"{path} names {name}, which is not in {images}", source=name)
    rows = {name: row for row, name in enumerate(names)}
    people = {name.split("/")[0]: 0 for name in names}
    numbers = {person: number for number, person in enumerate(people)}
    sides = np.array([[rows[a], rows[b]] for a, b in pairs], np.int64)
    subjects = np.array([numbers[name.split("/")[0]] for name in names], np.int64)
    return PairList(
        name=f"LFW view {view}",
        samples=tuple(names),
        sources=[images / name for name in names],
        a=sides[:, 0],
        b=sides[:, 1],
        mated=subjects[sides[:, 0]] == subjects[sides[:, 1]],
        fold=np.array(folds, np.int64) if view == 2 else None,
        subjects=subjects,
    )


def read_list(path: Path) -> tuple[list[tuple[str, str]], list[int]]:
    """The pairs of an official list, as paths below the pictures' folder, and the fold of each.

    The first line is 'folds TAB n' or 'n'; then come n mated and n non-mated pairs a fold.

    Raises:
        UsageError: it is no such list.
    """
    header, *lines = path.read_text("utf-8").splitlines() or [""]
    words = header.split()
    if not (1 <= len(words) <= 2 and all(word.isdecimal() for word in words)):
        raise UsageError(f"{path}: the first line must be 'folds n' or 'n', got '{header[:40]}'", source=str(path))
    size = 2 * int(words[-1])
    if len(lines) != size * (int(words[0]) if len(words) == 2 else 1):
        raise UsageError(f"{path}: {len(lines)} pairs where the first line announces others", source=str(path))
    pairs = []
    for number, line in enumerate(lines):
        cells = line.split("\t")
        if len(cells) == 3:
            cells.insert(2, cells[0])
        if len(cells) != 4 or not (cells[1].isdecimal() and cells[3].isdecimal()):
            raise UsageError(f"{path}, line {number + 2}: no pair of pictures: '{line[:60]}'", source=str(path))
        pairs.append((_picture(cells[0], cells[1]), _picture(cells[2], cells[3])))
    return pairs, [number // size for number in range(len(lines))]


def _picture(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"
