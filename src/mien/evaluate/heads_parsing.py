"""A parsing head on a folder of pictures and masks: IoU and F1 of every class."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mien.errors import MienError, UsageError
from mien.evaluate.heads import Progress, central
from mien.evaluate.metrics.segmentation import Agreement, confusion
from mien.evaluate.report import UNDEFINED, Report, Section, Table
from mien.models import Card, Detector
from mien.parsing.mask_folder import Masked, MaskFolder
from mien.parsing.parse import Parser
from mien.types.faces import Faces
from mien.types.image import Image
from mien.types.outcome import Failure

METHOD = """
Classes are compared by name, pixel by pixel at the picture's resolution; what the folder does not label (255) is left
out, and what the head says of classes that the folder does not have counts as background, the first class. The face's
box is that of faces.csv, or else of the face that the detector finds nearest to the middle. IoU is both over either,
F1 twice both over the sum, with the pixels of all pictures counted together; mean IoU is over all classes that occur,
mean F1 over all but the background. Intervals: 95 %, bootstrap over people. Time is of processor, one face at a time,
from the decoded picture to the mask at its resolution.
"""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a head said of pictures with masks.

    Args:
        card: of the head.
        classes: of the folder.
        pictures: that could be used.
        agreement: over their people, each with all pictures of theirs.
        ms: median processor milliseconds a face; None without one.
        failures: pictures without a face, or that cannot be read.
    """

    card: Card
    classes: tuple[str, ...]
    pictures: int
    agreement: Agreement
    ms: float | None
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "head": self.card.name,
            "sha256": self.card.file.sha256,
            "ms": self.ms,
            "pictures": self.pictures,
            **self.agreement.to_dict(self.classes),
            "failures": [failure.to_dict() for failure in self.failures],
        }


def measure_masks(
    card: Card,
    said: tuple[str, ...],
    parser: Parser,
    folder: MaskFolder,
    rows: Sequence[int],
    detector: Detector | None,
    progress: Progress | None = None,
) -> Parsed:
    """Parse pictures of a folder and compare with its masks.

    Args:
        card: of the head, for the answer.
        said: the head's classes.
        parser: what it does.
        folder: pictures and masks.
        rows: which of them.
        detector: finds the face where the folder has no list; None where it has one.
        progress: told how far it is.

    Raises:
        UsageError: no class is in both, or no picture could be used.
    """
    renumber = renumbering(said, folder.classes)
    counts, people, seconds, failures = [], [], [], []
    for done, row in enumerate(rows, 1):
        try:
            masked = folder.read(row)
        except MienError as error:
            if error.exit_code not in (3, 4):  # not about this picture
                raise
            failures.append(Failure.of(error, str(folder.pictures[row])))
            continue
        image = Image(masked.pixels, source=masked.name)
        face = face_of(masked, image, detector)
        if face is None:
            failures.append(Failure(masked.name, "no-face", f"{masked.name}: no face found"))
            continue
        start = time.process_time()
        labels = renumber[parser(image, face)[0]]
        seconds.append(time.process_time() - start)
        people.append(masked.subject)
        counts.append(confusion(masked.labels, labels, len(folder.classes)))
        if progress:
            progress(done, len(rows))
    if not counts:
        raise UsageError("no picture with a mask could be used", code="no-face")
    ms = 1000 * float(np.median(seconds))
    numbers = np.unique(people, return_inverse=True)[1]
    whole = np.zeros((int(numbers.max()) + 1, *counts[0].shape), np.int64)
    np.add.at(whole, numbers, np.stack(counts))
    return Parsed(card, folder.classes, len(counts), Agreement(whole), ms, tuple(failures))


def face_of(masked: Masked, image: Image, detector: Detector | None) -> Faces | None:
    """The face that the list names, or the one nearest to the middle."""
    if masked.box is None:
        return central(detector.detect(image)) if detector else None
    f4 = np.float32
    return Faces(masked.box[None].astype(f4), np.ones(1, f4), np.zeros((1, 5, 2), f4), image.size, masked.name)


def renumbering(said: tuple[str, ...], wanted: tuple[str, ...]) -> NDArray[np.uint8]:
    """(k,) the folder's number of each of the head's classes; 0 for those that it does not have.

    Raises:
        UsageError: none but the first is in both.
    """
    known = {name: number for number, name in enumerate(wanted)}
    if not any(name in known for name in said[1:]):
        raise UsageError(f"the head knows {', '.join(said)}, the folder {', '.join(wanted)}: no class is in both")
    return np.array([known.get(name, 0) for name in said], np.uint8)


def parsing_report(result: Parsed, data_name: str, command: str) -> Report:
    """The report."""
    data = {"dataset": data_name, **result.to_dict()}
    of = result.agreement
    rows = [(name, str(of.iou(i)), str(of.f1(i))) for i, name in enumerate(result.classes)]
    rows.append(("mean", str(of.mean_iou()), str(of.mean_f1())))
    ms = UNDEFINED if result.ms is None else f"{result.ms:.1f}"
    table = Table(f"{result.card.name} ({ms} ms a face)", ("class", "IoU", "F1"), tuple(rows))
    text = f"{data['pictures']:,} pictures; {len(result.failures):,} could not be used."
    sections = (Section("Parts of the face", text, (table,)), Section("How it was measured", METHOD))
    return Report(f"Parsing on {data_name}", sections, data, command)
