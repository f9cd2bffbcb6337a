"""Where faces come from, one file a kind: a factory takes a path and gives a FaceData."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from mien.errors import NotFoundError, UsageError
from mien.registry import Registry, unknown_name
from mien.train.data.base import FaceData

Source: TypeAlias = Callable[[Path], FaceData]

sources: Registry[Source] = Registry("source", __name__)
"""By kind; an outside package adds its own through the entry-point group ``mien.source``."""

_SUFFIXES = {".csv": "csv", ".rec": "recordio", ".bin": "bin", ".tar": "webdataset"}


def open_data(spec: str | Path) -> FaceData:
    """The faces that a path names.

    Args:
        spec: a path whose kind shows, or ``kind:path``: prepared (what `mien prepare` wrote), lfw, folder (one a
            person), csv (``path,person``), recordio (``train.rec``), bin, webdataset (shards), unlabelled, relabelled
            (what `mien clean` wrote).

    Raises:
        NotFoundError: nothing there.
        UsageError: no such kind, or a folder whose kind does not show.
    """
    kind, colon, rest = str(spec).partition(":")
    if colon and kind.isidentifier() and len(kind) > 1:  # one letter is a drive
        if kind not in sources:
            raise UsageError(unknown_name("source", kind, list(sources)))
        return sources[kind](Path(rest))
    path = Path(spec)
    return sources[kind_of(path)](path)


def kind_of(path: Path) -> str:
    """The kind that a path shows.

    Raises:
        NotFoundError: nothing there.
        UsageError: it could be several, or none.
    """
    if path.suffix in _SUFFIXES:
        return _SUFFIXES[path.suffix]
    if not path.is_dir():
        what = "is no picture list or archive that is known" if path.exists() else "is not there"
        raise NotFoundError(f"{path} {what}; give a folder, or a .csv, .rec, .bin or .tar file", source=str(path))
    marks = {
        "prepared": ("manifest.json", "journal.jsonl"),
        "relabelled": ("labels.json",),
        "recordio": ("train.rec",),
        "lfw": ("pairs.txt", "pairsDevTest.txt"),
    }
    for kind, files in marks.items():
        if any((path / file).is_file() for file in files):
            return kind
    if any(path.glob("*.tar")):
        return "webdataset"
    raise UsageError(
        f"{path}: a folder of photographs; say folder:{path} if each of its folders is a person, "
        f"or unlabelled:{path} if not",
        code="source-kind",
        source=str(path),
    )
