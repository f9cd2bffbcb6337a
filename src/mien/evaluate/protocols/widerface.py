"""WIDER FACE, validation (Yang et al., CVPR 2016): pictures, annotated boxes, and which of them each setting asks for.

Two layouts are read:

* ``ground_truth.json`` beside ``images/``: rows of ``file``, ``boxes_xywh`` and, for ``easy``, ``medium`` and ``hard``,
  the 0-based numbers of the boxes that count;
* the official one: ``WIDER_val/images`` with ``wider_face_split/wider_face_val_bbx_gt.txt``, and the lists of the
  settings in ``wider_face_val.mat`` and ``wider_{easy,medium,hard}_val.mat`` of the evaluation tools. Without the .mat
  files only the setting ``all`` can be measured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mien.errors import NotFoundError, UsageError
from mien.evaluate.metrics.detection import F8, Annotated, Mask
from mien.evaluate.metrics.widerface import SETTINGS

ALL = "all"
"""Our own setting: every annotated face that is not marked invalid, whatever its size."""
OFFICIAL_PICTURES = 3226
OFFICIAL_HARD = 31_958
"""Pictures of the whole validation set, and faces that its hard setting asks for."""
_TEXT = "wider_face_val_bbx_gt.txt"
_INVALID = 7
"""Column of a row of the text file: x y w h blur expression illumination invalid occlusion pose."""


@dataclass(frozen=True, slots=True)
class Published:
    """Average precision on the whole validation set as a detector's authors state it, in 0..1, and how they looked."""

    easy: float
    medium: float
    hard: float
    source: str
    conditions: str


PUBLISHED = {
    "yunet": (
        Published(
            0.8845,
            0.8652,
            0.7504,
            "OpenCV Zoo, models/face_detection_yunet/README.md, row 'YuNet block' (the file that mien uses)",
            "one look at each picture in its own size",
        ),
        Published(
            0.8844,
            0.8656,
            0.7503,
            "OpenCV Zoo, models/face_detection_yunet/README.md, row 'YuNet' (2023mar in float32)",
            "one look at each picture in its own size",
        ),
    ),
    "centerface": (
        Published(
            0.935,
            0.924,
            0.875,
            "Xu et al., arXiv:1911.03599, and README of Star-Clouds/CenterFace",
            "several scales, each picture also flipped",
        ),
        Published(0.922, 0.911, 0.782, "README of Star-Clouds/CenterFace", "one look at each picture in its own size"),
    ),
}
"""By name of the card."""


@dataclass(frozen=True, slots=True)
class WiderFace:
    """A data set to find faces in.

    Args:
        images: folder that the sources of the pictures are relative to.
        pictures: with boxes and what counts in each setting.
        settings: that can be measured.
        notes: what could not be read, one line each.
    """

    images: Path
    pictures: tuple[Annotated, ...]
    settings: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether this is the whole official validation set, so that official numbers are comparable."""
        return len(self.pictures) == OFFICIAL_PICTURES


def read_widerface(root: Path) -> WiderFace:
    """The data set in a folder, in either layout.

    Raises:
        NotFoundError: no such folder, or no annotations in it.
        UsageError: annotations that cannot be understood; the message names file and place.
    """
    if not root.is_dir():
        raise NotFoundError(f"no such folder: {root}", source=str(root))
    data = _read(root)
    if not any(len(picture.boxes) for picture in data.pictures):
        raise UsageError(f"{root}: not one face is annotated there; nothing can be measured", source=str(root))
    return data


def _read(root: Path) -> WiderFace:
    plain = root / "ground_truth.json"
    if plain.is_file():
        return WiderFace(_images(root), tuple(_plain(plain)), (*SETTINGS, ALL))
    lists = _find(root, "wider_hard_val.mat")
    if lists is not None:
        return WiderFace(_images(root), tuple(_matlab(lists.parent)), (*SETTINGS, ALL))
    text = _find(root, _TEXT)
    if text is None:
        raise NotFoundError(
            f"{root}: neither ground_truth.json nor {_TEXT} is there; name the folder of WIDER FACE", source=str(root)
        )
    note = "easy, medium and hard are not measured: wider_{face,easy,medium,hard}_val.mat of the tools are missing"
    return WiderFace(_images(root), tuple(_text(text)), (ALL,), (note,))


def inside(name: str, where: str) -> str:
    """A relative path in forward slashes that cannot leave its folder.

    Raises:
        UsageError: it could.
    """
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise UsageError(f"{where}: '{name}' is no path inside the folder of the pictures", source=where)
    return str(path)


def _images(root: Path) -> Path:
    places = [root / "images", root / "WIDER_val" / "images", root]
    return next(place for place in places if place.is_dir())


def _find(root: Path, name: str) -> Path | None:
    folders = [root, *(root / f for f in ("wider_face_split", "ground_truth", "eval_tools/ground_truth"))]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def _boxes(xywh: Sequence[Sequence[float]], where: str) -> F8:
    """(m, 4) x0 y0 x1 y1."""
    try:
        boxes = np.array(xywh, np.float64).reshape(-1, 4)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: boxes must be rows of x y width height", source=where) from error
    if not np.isfinite(boxes).all():
        raise UsageError(f"{where}: a box is not finite", source=where)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _mask(rows: Sequence[int], faces: int, where: str) -> Mask:
    mask = np.zeros(faces, bool)
    try:
        numbers = np.array(rows, np.int64).ravel()
    except (OverflowError, TypeError, ValueError) as error:
        raise UsageError(f"{where}: numbers of boxes expected", source=where) from error
    if ((numbers < 0) | (numbers >= faces)).any():
        raise UsageError(f"{where}: names a box beyond the {faces} there are", source=where)
    mask[numbers] = True
    return mask


def _real(boxes: F8) -> Mask:
    real: Mask = np.all(boxes[:, 2:] > boxes[:, :2], axis=1)
    return real


def _plain(path: Path) -> Iterator[Annotated]:
    try:
        rows: list[dict[str, Any]] = list(json.loads(path.read_text("utf-8")))
        names = [str(row["file"]) for row in rows]
        columns = [(row["boxes_xywh"], [row[setting] for setting in SETTINGS]) for row in rows]
    except (KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
        raise UsageError(
            f"{path}: must be a list of objects with file, boxes_xywh, easy, medium and hard ({error!r})",
            source=str(path),
        ) from error
    for name, (xywh, lists) in zip(names, columns, strict=True):
        where = f"{path}, {name}"
        boxes = _boxes(xywh, where)
        counts = {s: _mask(rows, len(boxes), f"{where}, {s}") for s, rows in zip(SETTINGS, lists, strict=True)}
        yield Annotated(inside(name, where), boxes, {**counts, ALL: _real(boxes)})


def _matlab(folder: Path) -> Iterator[Annotated]:
    """Boxes and lists from the four files of the official tools; lists count from 1."""
    main, *lists = (_load(folder / f"wider_{name}_val.mat") for name in ("face", *SETTINGS))
    try:
        for e, event in enumerate(main["event_list"]):
            for i, file in enumerate(main["file_list"][e][0]):
                name = f"{event[0][0]}/{file[0][0]}.jpg"
                where = f"{folder}, {name}"
                boxes = _boxes(main["face_bbx_list"][e][0][i][0], where)
                rows = [table["gt_list"][e][0][i][0] for table in lists]
                counts = {s: _mask(r.astype(int) - 1, len(boxes), where) for s, r in zip(SETTINGS, rows, strict=True)}
                yield Annotated(inside(name, where), boxes, {**counts, ALL: _real(boxes)})
    except (AttributeError, IndexError, KeyError, TypeError) as error:
        raise UsageError(f"{folder}: the .mat files are not those of WIDER FACE's tools", source=str(folder)) from error


def _load(path: Path) -> Any:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        return loadmat(path)
    except OSError as error:
        raise NotFoundError(f"{path}: cannot be read; the official tools have it", source=str(path)) from error
    except (MatReadError, NotImplementedError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: not a .mat file of the official tools ({error})", source=str(path)) from error


def _text(path: Path) -> Iterator[Annotated]:
    """Blocks of a name, a number of faces, and as many rows; one row of zeros where there is no face."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file", source=str(path)) from error
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        where = f"{path}, line {at + 1}"
        try:
            faces = int(lines[at + 1])
            rows = [[float(v) for v in line.split()] for line in lines[at + 2 : at + 2 + faces]]
            invalid = np.array([row[_INVALID] for row in rows], bool)
        except (IndexError, ValueError) as error:
            raise UsageError(f"{where}: a name, a count and ten numbers a face expected", source=where) from error
        if len(rows) != faces:
            raise UsageError(f"{where}: {faces} faces announced, {len(rows)} rows follow", source=where)
        boxes = _boxes([row[:4] for row in rows], where)
        yield Annotated(inside(lines[at].strip(), where), boxes, {ALL: _real(boxes) & ~invalid})
        at += 2 + max(faces, 1)
