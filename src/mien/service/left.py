"""What is still to be found in a picture whose faces were hidden: looked at as somebody would who searches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mien.compare.decision import matches
from mien.compare.similarity import similarity
from mien.geometry.align import align_faces
from mien.image import open_photo
from mien.models import Detector, Embedder
from mien.pipeline.hide import Cover, How, covered_share
from mien.types.anonymized import Recognised
from mien.types.arrays import Crops, Embeddings
from mien.types.faces import Face, Faces
from mien.types.score import OperatingPoint

HIDDEN = 0.5
"""A face of which at least this share was hidden is one that was found again; any other was missed."""


@dataclass(frozen=True, slots=True)
class Originals:
    """The faces of all the originals of a run.

    Args:
        vectors: (n, d) float32, rows of length 1.
        sources: the picture of each.
        point: the threshold against so many; None when there are none.
    """

    vectors: Embeddings
    sources: tuple[str, ...]
    point: OperatingPoint | None


@dataclass(frozen=True, slots=True)
class Left:
    """What is left in one picture, as in `mien.types.anonymized.Anonymized`; `again` says which covers failed."""

    missed: tuple[Face, ...]
    found: tuple[Face, ...]
    recognised: tuple[Recognised, ...]
    again: tuple[bool, ...]

    @property
    def findable(self) -> bool:
        """Whether anything of it counts."""
        return bool(self.missed or self.recognised or any(self.again))


@dataclass(frozen=True, slots=True)
class Checker:
    """Detection and recognition on what was written.

    Args:
        detector: with its score lowered below that of finding.
        embedder: of the originals' templates.
        originals: what every face is compared with.
        how: decides whether a face that is found again counts.
    """

    detector: Detector
    embedder: Embedder
    originals: Originals
    how: How

    def left(self, data: bytes, source: str, covers: Sequence[Cover]) -> Left:
        """What is left in the encoded picture of `source`, whose faces lie under `covers`.

        Every hidden face is compared at the five points it had before, though no detector may find it there: whoever
        knows the place is not helped by it either.
        """
        image = open_photo(data, name=source).decode()
        finds = self.detector.detect(image)
        shares = covered_share(finds.boxes, covers, image.size)
        missed, found = finds[shares < HIDDEN], finds[shares >= HIDDEN]
        faces = [cover.face for cover in covers] + list(found)
        points = np.array([face.points for face in faces], np.float32).reshape(-1, 5, 2)
        matched = self._matches(align_faces(image.pixels, points), faces, source)
        again = self._again(covers, found, matched, image.size)
        return Left(tuple(missed), tuple(found), tuple(m for m in matched if m), again)

    def _matches(self, crops: Crops, faces: Sequence[Face], source: str) -> list[Recognised | None]:
        point = self.originals.point
        if point is None or not faces:
            return [None] * len(faces)
        scores = similarity(self.embedder.embed(crops), self.originals.vectors)
        best = scores.argmax(axis=1)
        return [
            Recognised(face, self.originals.sources[b], self.originals.sources[b] == source, float(row[b]))
            if matches(float(row[b]), point)
            else None
            for face, row, b in zip(faces, scores, best, strict=True)
        ]

    def _again(
        self, covers: Sequence[Cover], found: Faces, matched: Sequence[Recognised | None], size: tuple[int, int]
    ) -> tuple[bool, ...]:
        """Which covers were not enough: they match at their points, or a face is found on them that counts."""
        counted = [self.how is How.FILL or match is not None for match in matched[len(covers) :]]
        boxes = found.boxes[np.array(counted, bool)]
        return tuple(
            match is not None or bool((covered_share(boxes, [cover], size) > 0).any())
            for cover, match in zip(covers, matched, strict=False)
        )
