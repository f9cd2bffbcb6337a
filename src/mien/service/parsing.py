"""Masks of the faces in pictures, as files; and material to learn parsing from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.errors import MienError, NotFoundError, UsageError
from mien.evaluate.central_faces import central_faces
from mien.image import encode_jpeg, find_photos, open_photo
from mien.models import load_head
from mien.models.views import Cuts
from mien.parsing.draw import draw_parts
from mien.parsing.mask_folder import Masked, encode_mask, write_mask_folder
from mien.parsing.material import TRUTHS, Making, make
from mien.parsing.parse import BASELINE, parser_of
from mien.service.engine import Models
from mien.types.outcome import Failure

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class ParsedPicture:
    """Where the mask of one picture is.

    Args:
        source: the picture.
        mask: a PNG whose values are numbers of classes; of faces that overlap, the surest found lies on top.
        drawing: a JPEG of the picture with the parts coloured.
        faces: of each face, share of every class of the parts' pixels.
    """

    source: str
    mask: Path
    drawing: Path
    faces: tuple[dict[str, float], ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.source,
            "mask": str(self.mask),
            "drawing": str(self.drawing),
            "faces": [{"shares": shares} for shares in self.faces],
        }


def parse_pictures(
    pictures: Sequence[str], out: Path, head: str = BASELINE, models: Models | None = None
) -> tuple[tuple[str, ...], list[ParsedPicture], list[Failure]]:
    """Write the masks of all faces of pictures.

    Args:
        pictures: paths.
        out: a folder, made if it is not there; ``NAME.png`` and ``NAME.parts.jpg`` are written, a number is added where
            names collide.
        head: a parsing head; landmarks68 draws the parts from points.
        models: the detector, and how everything is run.

    Returns:
        The classes by number, the pictures parsed, and those that cannot be used.

    Raises:
        UsageError: the head tells no parts.
        NotFoundError: no such head.
    """
    models = models or Models()
    classes, parser = parser_of(load_head(head, models.settings))
    detector = models.load_detector()
    out.mkdir(parents=True, exist_ok=True)
    done: list[ParsedPicture] = []
    failures: list[Failure] = []
    for name in pictures:
        try:
            image = open_photo(name, limits=models.limits).decode()
            faces = detector.detect(image)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, name))
            continue
        maps = parser(image, faces) if faces else np.zeros((0, *image.pixels.shape[:2]), np.uint8)
        whole = np.zeros(image.pixels.shape[:2], np.uint8)
        for one in maps[::-1]:
            whole = np.where(one > 0, one, whole)
        mask = _free(out, Path(name).stem, [p.mask for p in done])
        drawing = mask.with_suffix(".parts.jpg")
        mask.write_bytes(encode_mask(whole))
        drawing.write_bytes(encode_jpeg(draw_parts(image.pixels, whole), 90))
        shares = tuple(_shares(one, classes) for one in maps)
        done.append(ParsedPicture(name, mask, drawing, shares))
    return classes, done, failures


def make_masks(
    photos: Path,
    out: Path,
    making: Making,
    *,
    copies: int,
    seed: int,
    subject: str,
    models: Models | None = None,
    progress: Progress | None = None,
) -> tuple[int, list[Failure]]:
    """A folder of pictures and masks from photographs of one face each.

    Args:
        photos: a folder, with all below it; of several faces the one nearest to the middle is meant.
        out: made if it is not there.
        making: what is done to the pictures.
        copies: of each photograph, each another.
        seed: of all that is drawn.
        subject: regular expression; what it matches at the start of a file's name is the person.
        models: the detector, and how everything is run.
        progress: told how far it is.

    Returns:
        How many were written, and photographs that could not be used.

    Raises:
        NotFoundError: no photographs.
        UsageError: no such truth, no regular expression, or masks lie there already.
        StoreError: the folder cannot be written.
    """
    if making.truth not in TRUTHS:
        raise UsageError(f"no truth '{making.truth}'; there are {', '.join(TRUTHS)}")
    try:
        who = re.compile(subject)
    except re.error as error:
        raise UsageError(f"'{subject}' is no regular expression: {error}") from error
    paths = find_photos(photos)[0]
    if not paths:
        raise NotFoundError(f"{photos} has no photographs", source=str(photos))
    failures: list[Failure] = []
    rows = _made(paths, making, copies, seed, who, models or Models(), failures, progress)
    return write_mask_folder(out, TRUTHS[making.truth], rows), failures


def _made(
    paths: Sequence[Path],
    making: Making,
    copies: int,
    seed: int,
    who: re.Pattern[str],
    models: Models,
    failures: list[Failure],
    progress: Progress | None,
) -> Iterator[Masked]:
    detector, landmarks = models.load_detector(), load_head(BASELINE, models.settings)
    random = np.random.default_rng(seed)
    for number, image, face in central_faces(paths, detector, failures, progress):
        points = landmarks.look(Cuts(image, face)).values[0]
        found = who.match(paths[number].name)
        person = found.group() if found else paths[number].stem
        for copy in range(copies):
            made = make(image.pixels, points, face.boxes[0], making, random)
            yield replace(made, name=f"{number:05d}-{copy}", subject=person)


def _free(out: Path, stem: str, taken: Sequence[Path]) -> Path:
    path, number = out / f"{stem}.png", 1
    while path in taken:
        number += 1
        path = out / f"{stem}-{number}.png"
    return path


def _shares(labels: np.ndarray[Any, np.dtype[np.uint8]], classes: tuple[str, ...]) -> dict[str, float]:
    counts = np.bincount(labels.reshape(-1), minlength=len(classes))[1:]
    total = int(counts.sum()) or 1
    return {name: round(int(count) / total, 4) for name, count in zip(classes[1:], counts, strict=True)}
