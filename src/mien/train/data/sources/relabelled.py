"""Other labels for faces that lie elsewhere: a folder with a list, and no picture copied or deleted.

labels.csv      row,name,person: which faces of the source, and who they are; an empty person is unlabelled
labels.json     the source, and how many faces it had
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from mien.errors import ConflictError, NotFoundError, StoreCorruptError, StoreError, UsageError
from mien.train.data.base import FaceData, Rows, number_people
from mien.train.data.sets import View
from mien.train.data.sources import open_data, sources

LABELS: Final = "labels.csv"
ABOUT: Final = "labels.json"
COLUMNS: Final = ("row", "name", "person")


@sources.register("relabelled")
def read_relabelled(path: Path) -> View:
    """The faces of a list, under its labels.

    Raises:
        NotFoundError: no list there, or its source is gone.
        StoreCorruptError: it is none of ours.
        ConflictError: the source no longer holds those faces.
    """
    try:
        about = json.loads((path / ABOUT).read_text("utf-8"))
        with (path / LABELS).open(newline="", encoding="utf-8") as file:
            cells = [(int(line["row"]), line["name"], line["person"]) for line in csv.DictReader(file, strict=True)]
        source, faces, facts = about["source"], int(about["faces"]), dict(about["facts"])
    except FileNotFoundError as error:
        raise NotFoundError(f"{error.filename} is not there; {path} holds no labels", source=str(path)) from None
    except (ValueError, KeyError, TypeError, csv.Error, OSError) as error:
        raise StoreCorruptError(f"{path}: no list of labels: {error!r}", source=str(path)) from error
    data = open_data(source)
    if len(data) != faces or any(not 0 <= row < faces or data.names[row] != name for row, name, _ in cells):
        raise ConflictError(f"{path}: {source} no longer holds the faces that were labelled", source=str(path))
    labels, people = number_people(person for _, _, person in cells)
    return View(data, np.array([row for row, _, _ in cells], np.int64), labels, people, facts)


def write_labels(folder: Path, source: str | Path, data: FaceData, rows: Rows, labels: Rows, **facts: str) -> None:
    """Write a list that `read_relabelled` opens.

    Args:
        folder: made if it is not there.
        source: what `open_data` takes for `data`.
        data: the faces.
        rows: (n,) int64 rows of `data`, in the order wanted.
        labels: (n,) int64 rows of `data.people`; -1 = unlabelled.
        facts: what to note about the labels.

    Raises:
        StoreError: it cannot be written.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row, label in zip(rows.tolist(), labels.tolist(), strict=True):
        writer.writerow((row, data.names[row], data.people[label] if label >= 0 else ""))
    about: Mapping[str, Any] = {"source": resolved(source), "faces": len(data), "facts": facts}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / LABELS).write_text(out.getvalue(), "utf-8", newline="")
        (folder / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", "utf-8")
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror or error}; choose a place that can be written") from error


def resolved(source: str | Path) -> str:
    """The source with an absolute path, so that the list can be opened from anywhere.

    Raises:
        UsageError: nothing is named.
    """
    kind, colon, rest = str(source).partition(":")
    if not str(source):
        raise UsageError("labels need a source to point at; name the faces")
    if colon and kind in sources:
        return f"{kind}:{Path(rest).resolve()}"
    return str(Path(source).resolve())
