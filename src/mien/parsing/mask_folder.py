"""A folder of pictures and masks: what a parsing head learns from and is measured on.

    FOLDER/classes.txt        a name a line; its place, from 0, is its number in the masks
    FOLDER/images/NAME.jpg
    FOLDER/masks/NAME.png     8 bits a pixel, as large as the picture; 255 = not labelled
    FOLDER/faces.csv          may be absent: file,subject,x0,y0,x1,y1; file is NAME.jpg, the box is the face's

EasyPortrait's masks are of this form already; CelebAMask-HQ's, one file a part, are joined into one by their parts'
numbers first.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import UnidentifiedImageError

from mien.errors import ImageError, NotFoundError, StoreError, UsageError
from mien.geometry.face_parts import Labels
from mien.image import Limits, encode_jpeg, open_photo
from mien.types.arrays import FloatArray, Pixels

IGNORED = 255
"""In a mask: nobody said what this pixel is."""
LEAST_SIDE = 16
"""Pixels of a picture: research sets hold smaller ones than a user's photographs may be."""
CLASSES, FACES = "classes.txt", "faces.csv"
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_COLUMNS = ("file", "subject", "x0", "y0", "x1", "y1")


@dataclass(frozen=True, slots=True)
class Masked:
    """A picture with its mask.

    Args:
        name: of the picture's file.
        subject: who it is; the name where nobody said.
        pixels: (h, w, 3) uint8 RGB.
        labels: (h, w) uint8.
        box: (4,) of the face, None where nobody said.
    """

    name: str
    subject: str
    pixels: Pixels
    labels: Labels
    box: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class MaskFolder:
    """What lies in a folder of masks.

    Args:
        classes: names by number; the first is the background.
        pictures, masks: paths, in one order.
        subjects: (n,) whose picture it is.
        boxes: (n, 4) float32, or None where no list is there.
    """

    classes: tuple[str, ...]
    pictures: tuple[Path, ...]
    masks: tuple[Path, ...]
    subjects: NDArray[np.str_]
    boxes: FloatArray | None

    def __len__(self) -> int:
        return len(self.pictures)

    def read(self, row: int) -> Masked:
        """One picture with its mask.

        Raises:
            ImageError: one of the two cannot be read, or the mask is of another size or has unknown classes.
        """
        path = self.pictures[row]
        pixels = open_photo(path, limits=Limits(min_side=LEAST_SIDE)).decode().pixels
        labels = read_mask(self.masks[row], len(self.classes))
        if labels.shape != pixels.shape[:2]:
            raise ImageError(f"{self.masks[row]}: is {labels.shape[::-1]}, its picture {pixels.shape[1::-1]}")
        box = None if self.boxes is None else self.boxes[row]
        return Masked(path.name, str(self.subjects[row]), pixels, labels, box)


def read_mask_folder(root: Path, images: str = "images", masks: str = "masks") -> MaskFolder:
    """The pictures of a folder that have a mask of the same name.

    Args:
        root: the folder.
        images: the folder of pictures in it.
        masks: the folder of masks in it.

    Raises:
        NotFoundError: no class list, or no picture with a mask.
        UsageError: fewer than two classes, or a list of faces that leaves a picture out.
    """
    try:
        classes = tuple(line.strip() for line in (root / CLASSES).read_text("utf-8").splitlines() if line.strip())
    except OSError as error:
        raise NotFoundError(f"{root / CLASSES}: {error.strerror}; it names the classes, one a line") from error
    if not 2 <= len(classes) <= IGNORED:
        raise UsageError(f"{root / CLASSES}: must name 2 to {IGNORED} classes, background first, got {len(classes)}")
    found = sorted(path for path in (root / images).glob("*") if path.suffix.lower() in _SUFFIXES)
    pairs = [(path, mask) for path in found if (mask := root / masks / f"{path.stem}.png").is_file()]
    if not pairs:
        raise NotFoundError(f"{root}: no picture in {images}/ has a mask of its name in {masks}/", source=str(root))
    pictures, paths = zip(*pairs, strict=True)
    subjects, boxes = [path.stem for path in pictures], None
    if (root / FACES).is_file():
        rows = _faces(root / FACES)
        if missing := [path.name for path in pictures if path.name not in rows]:
            raise UsageError(f"{root / FACES}: has no line for {missing[0]}", code="list-line")
        subjects = [rows[path.name][0] for path in pictures]
        boxes = np.array([rows[path.name][1] for path in pictures], np.float32)
    return MaskFolder(classes, tuple(pictures), tuple(paths), np.array(subjects), boxes)


def write_mask_folder(root: Path, classes: tuple[str, ...], rows: Iterable[Masked]) -> int:
    """Writes pictures as JPEG and masks as PNG, and the lists beside them.

    Args:
        root: made if it is not there; must hold no class list yet.
        classes: names by number.
        rows: each with a box.

    Returns:
        How many were written.

    Raises:
        UsageError: there is a folder of masks already.
        StoreError: it cannot be written.
    """
    if (root / CLASSES).exists():
        raise UsageError(f"{root} holds masks already; name another folder")
    lines: list[tuple[str, ...]] = [_COLUMNS]
    try:
        for folder in ("images", "masks"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for row in rows:
            stem = Path(row.name).stem
            (root / "images" / f"{stem}.jpg").write_bytes(encode_jpeg(row.pixels, 95))
            (root / "masks" / f"{stem}.png").write_bytes(encode_mask(row.labels))
            box = [f"{v:.2f}" for v in row.box] if row.box is not None else [""] * 4
            lines.append((f"{stem}.jpg", row.subject, *box))
        with (root / FACES).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(lines)
        (root / CLASSES).write_text("\n".join(classes) + "\n", "utf-8")  # last: now the folder is whole
    except OSError as error:
        raise StoreError(f"{root}: {error.strerror or error}; choose a place that can be written") from error
    return len(lines) - 1


def encode_mask(labels: Labels) -> bytes:
    """A grey PNG whose values are the numbers of the classes."""
    out = BytesIO()
    Pil.fromarray(labels).save(out, "PNG")
    return out.getvalue()


def read_mask(path: Path, classes: int) -> Labels:
    """(h, w) uint8 of a grey or palette PNG.

    Raises:
        ImageError: it cannot be read, has colours, or numbers beyond `classes` that are not `IGNORED`.
    """
    try:
        with Pil.open(path) as image:
            if image.mode not in ("L", "P", "1"):
                raise ImageError(f"{path}: a mask has one number a pixel, this has the colours {image.mode}")
            labels: Labels = np.array(image, np.uint8)
    except (OSError, UnidentifiedImageError) as error:
        raise ImageError(f"{path}: the mask cannot be read: {error}", source=str(path)) from error
    worst = int(labels[labels != IGNORED].max(initial=0))
    if worst >= classes:
        raise ImageError(f"{path}: has the number {worst}, but there are {classes} classes", source=str(path))
    return labels


def _faces(path: Path) -> dict[str, tuple[str, list[float]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            rows = {r["file"]: (r["subject"], [float(r[c]) for c in _COLUMNS[2:]]) for r in csv.DictReader(stream)}
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: its columns must be {','.join(_COLUMNS)}: {error}", code="list-columns") from error
    return rows
