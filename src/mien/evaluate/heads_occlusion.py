"""An occlusion head on faces that were covered here: IoU of what is covered, error of the shares, by kind and group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mien.evaluate.central_faces import central_faces
from mien.evaluate.heads import Mean, Progress, central
from mien.evaluate.metrics.segmentation import Agreement, confusion
from mien.evaluate.protocols.labelled import Labelled
from mien.evaluate.report import Report, Section, Table
from mien.geometry.face_parts import AMODAL, Labels
from mien.models import Card, Detector, Head
from mien.models.heads.occlusion import REGIONS
from mien.models.views import Cuts
from mien.parsing.material import Making, make
from mien.parsing.occluders import OCCLUDERS, UNSEEN, Random
from mien.parsing.parse import parser_of
from mien.types.image import Image
from mien.types.outcome import Failure

F8: TypeAlias = NDArray[np.float64]
BARE = "nothing"
METHOD = """
Every face is measured twice, as it is and with something drawn over it; kinds take turns, and colours, places and
shapes come from the seed. The truth of what is covered is exact; where eyes, nose and mouth lie is what 68 landmarks
said of the bare face. The detector looks at the covered face too; one that it misses is counted and left out. IoU: both
over either, of the pixels covered, those of all faces of a kind together. Error of a share: absolute difference between
the head's and the true share of the region that is covered. Faces as they are count as uncovered, which is not true of
all: hair, glasses and hands on real pictures make errors of what is none. Intervals: 95 %, bootstrap over faces. Groups
are the labels of the data set. Occluders are drawings: real things may be told worse.
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One face, bare or covered.

    Args:
        row: of the list.
        kind: of the occluder, or `BARE`.
        truth, said: (4,) shares as `REGIONS`; NaN for a region without a pixel.
        counts: (2, 2) pixels not covered or covered, by truth (rows) and answer (columns).
    """

    row: int
    kind: str
    truth: F8
    said: F8
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Covered:
    """What an occlusion head said of faces that were covered.

    Args:
        card: of the head.
        data: the pictures and their groups.
        seen: one a face that was found.
        missed: kinds of the faces that the detector did not find.
        failures: pictures that cannot be read, or have no face when bare.
    """

    card: Card
    data: Labelled
    seen: tuple[Seen, ...]
    missed: tuple[str, ...]
    failures: tuple[Failure, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        kinds = [kind for kind in (BARE, *OCCLUDERS) if any(s.kind == kind for s in self.seen)]
        groups: list[tuple[str, NDArray[np.bool_]]] = [("all", np.ones(len(self.data), np.bool_))]
        for attribute, column in self.data.groups.items():
            groups += [(f"{attribute}: {name}", column == name) for name in np.unique(column)]
        return {
            "head": self.card.name,
            "sha256": self.card.digest,
            "pictures": len(self.data),
            "kinds": [self._row(kind, [s for s in self.seen if s.kind == kind]) for kind in kinds],
            "groups": [self._group(name, [s for s in self.seen if rows[s.row]]) for name, rows in groups],
            "failures": [failure.to_dict() for failure in self.failures],
        }

    def _row(self, kind: str, seen: list[Seen]) -> dict[str, Any]:
        covered = kind != BARE
        of = Agreement(np.stack([s.counts for s in seen]))
        errors = errors_of(seen)
        return {
            "kind": kind,
            "unseen": kind == UNSEEN,
            "faces": len(seen),
            "missed": self.missed.count(kind),
            "iou": of.iou(1).to_dict() if covered else None,
            "covered": Mean.of(np.array([s.truth[0] for s in seen])).value,
            "errors": {name: Mean.of(_there(errors[:, i])).to_dict() for i, name in enumerate(REGIONS)},
        }

    def _group(self, name: str, seen: list[Seen]) -> dict[str, Any]:
        bare, covered = ([s for s in seen if (s.kind == BARE) == b] for b in (True, False))
        of = Agreement(np.stack([s.counts for s in covered])) if covered else None
        return {
            "group": name,
            "faces": len(bare),
            "false": Mean.of(_there(errors_of(bare)[:, 0])).to_dict(),
            "iou": of.iou(1).to_dict() if of else None,
            "error": Mean.of(_there(errors_of(covered)[:, 0])).to_dict(),
        }


def errors_of(seen: Sequence[Seen]) -> F8:
    """(n, 4) absolute errors of the shares; NaN where one of the two is not known."""
    return np.array([np.abs(s.said - s.truth) for s in seen], np.float64).reshape(-1, len(REGIONS))


def cover_all(
    head: Head,
    landmarks: Head,
    detector: Detector,
    data: Labelled,
    kinds: Sequence[str],
    seed: int,
    progress: Progress | None = None,
) -> Covered:
    """Every face bare, and with an occluder, through detector and head.

    Args:
        head: of family occlusion.
        landmarks: places the parts of the bare face.
        detector: finds the faces.
        data: pictures of one face each.
        kinds: names of `OCCLUDERS`, taken in turn.
        seed: of what is drawn.
        progress: told how far it is.
    """
    _, parse = parser_of(head)
    random, seen, missed = np.random.default_rng(seed), [], []
    failures: list[Failure] = []
    for row, image, face in central_faces(data.paths, detector, failures, progress):
        points = landmarks.look(Cuts(image, face)).values[0]
        for kind in (BARE, kinds[row % len(kinds)]):
            picture, truth = _made(image, points, face.boxes[0], kind, random)
            found = central(detector.detect(picture))
            if found is None:
                missed.append(kind)
                continue
            said = parse(picture, found)[0]
            counts = confusion(_covered(truth), _covered(said), 2)
            column = head.look(Cuts(picture, found)).values[0].astype(np.float64)
            seen.append(Seen(row, kind, shares_of(truth), column, counts))
    return Covered(head.card, data, tuple(seen), tuple(missed), tuple(failures))


def shares_of(labels: Labels) -> F8:
    """(4,) shares of `REGIONS` that are covered, counted in pixels of a map of `OCCLUSION` classes."""
    counts = np.bincount(labels.reshape(-1), minlength=2 * len(AMODAL) - 1).astype(np.float64)
    seen, below = counts[1 : len(AMODAL)], counts[len(AMODAL) :]
    covered = np.array([below.sum(), *below[1:]])
    whole = covered + np.array([seen.sum(), *seen[1:]])
    found: F8 = np.divide(covered, whole, out=np.full(len(REGIONS), np.nan), where=whole > 0)
    return found


def _made(
    image: Image, points: NDArray[np.float32], box: NDArray[np.float32], kind: str, random: Random
) -> tuple[Image, Labels]:
    bare = 1.0 if kind == BARE else 0.0
    making = Making("occlusion", () if kind == BARE else (kind,), bare=bare, moved=0.0, backdrops=0.0)
    made = make(image.pixels, points, box, making, random)
    return Image(made.pixels), made.labels


def _covered(labels: Labels) -> Labels:
    return (labels >= len(AMODAL)).astype(np.uint8)


def _there(values: F8) -> F8:
    return values[~np.isnan(values)]


def occlusion_report(result: Covered, data_name: str, seed: int, command: str) -> Report:
    """The report."""
    data = {"dataset": data_name, "seed": seed, **result.to_dict()}
    kinds = tuple(
        (
            f"{row['kind']} (a kind not trained with)" if row["unseen"] else row["kind"],
            f"{row['faces']:,}",
            f"{row['missed']:,}",
            _share(row["covered"]),
            _spread(row["iou"]),
            *(_mean(row["errors"][name]) for name in REGIONS),
        )
        for row in data["kinds"]
    )
    groups = tuple(
        (row["group"], _mean(row["false"]), _spread(row["iou"]), _mean(row["error"])) for row in data["groups"]
    )
    columns = ("over the face", "faces", "not found", "covered", "IoU", *(f"error: {name}" for name in REGIONS))
    tables = (
        Table(f"{result.card.name}: mean absolute error of the covered share", columns, kinds),
        Table("By group", ("group", "said of bare faces", "IoU when covered", "error when covered"), groups),
    )
    text = f"{data['pictures']:,} pictures, seed {seed}; {len(result.failures):,} could not be used."
    sections = (Section("What is covered", text, tables), Section("How it was measured", METHOD))
    return Report(f"Occlusion on {data_name}", sections, data, command)


def _mean(row: dict[str, Any]) -> str:
    return (
        str(Mean(row["value"], row["low"], row["high"], row["faces"]))
        if row["value"] is None
        else (f"{row['value']:.3f} ({row['faces']:,}; {row['low']:.3f} to {row['high']:.3f})")
    )


def _spread(row: dict[str, Any] | None) -> str:
    return "–" if row is None or row["value"] is None else f"{row['value']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
