"""Pictures whose people, and the groups they belong to, are known."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mien.errors import NotFoundError, UsageError


@dataclass(frozen=True, slots=True)
class Labelled:
    """A list of pictures.

    Args:
        name: of the data, in words.
        paths: one a picture.
        people: (n,) int64 numbers, 0..people-1.
        groups: by attribute, (n,) str.
    """

    name: str
    paths: tuple[Path, ...]
    people: NDArray[np.int64]
    groups: Mapping[str, NDArray[np.str_]]

    def __len__(self) -> int:
        return len(self.paths)

    def keep(self, rows: NDArray[np.bool_]) -> Labelled:
        """Only some of the pictures; people are numbered anew."""
        people = np.unique(self.people[rows], return_inverse=True)[1].ravel().astype(np.int64)
        paths = tuple(path for path, kept in zip(self.paths, rows, strict=True) if kept)
        groups = {name: column[rows] for name, column in self.groups.items()}
        return replace(self, paths=paths, people=people, groups=groups)

    def attribute(self, names: Sequence[str]) -> NDArray[np.str_]:
        """(n,) groups of one attribute, or of several crossed, such as ``female Black``.

        Raises:
            UsageError: an attribute that the list does not have.
        """
        for name in names:
            if name not in self.groups:
                raise UsageError(f"{self.name} has no groups by '{name}' (it has {', '.join(self.groups) or 'none'})")
        columns = [self.groups[name] for name in names]
        return np.array([" ".join(row) for row in zip(*columns, strict=True)], np.str_)


def read_labelled(path: Path, root: Path) -> Labelled:
    """A CSV list with the header ``file,subject`` and at least one group column; paths relative to `root`.

    Raises:
        NotFoundError: the list, or a picture that it names, is not there.
        UsageError: wrong columns, an empty cell, a picture named twice.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns = [name for name in reader.fieldnames or [] if name not in ("file", "subject")]
            if not {"file", "subject"} <= set(reader.fieldnames or []) or not columns:
                raise UsageError(
                    f"{path}: its first line must be file,subject and group columns such as gender", code="list-columns"
                )
            rows = [_checked(row, path, number) for number, row in enumerate(reader, 2)]
    except FileNotFoundError:
        raise NotFoundError(f"no file {path}", source=str(path)) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no CSV in UTF-8: {error}", code="list-format") from error
    paths = tuple(root / row["file"] for row in rows)
    _require_pictures(paths, path)
    people = np.unique([row["subject"] for row in rows], return_inverse=True)[1].ravel().astype(np.int64)
    return Labelled(path.name, paths, people, {name: np.array([row[name] for row in rows]) for name in columns})


def _checked(row: dict[str, str], path: Path, number: int) -> dict[str, str]:
    if None in row or not all(row.values()):
        raise UsageError(f"{path}, line {number}: a cell is empty or too many", code="list-line")
    return row


def _require_pictures(paths: tuple[Path, ...], where: Path) -> None:
    if not paths:
        raise UsageError(f"{where} names no picture", code="list-empty")
    seen: set[Path] = set()
    for number, path in enumerate(paths, 2):
        if path in seen:
            raise UsageError(f"{where}, line {number}: {path} is named twice", code="list-twice")
        seen.add(path)
        if not path.is_file():
            raise NotFoundError(f"{where}, line {number}: no file {path}; --root names its folder", source=str(path))
