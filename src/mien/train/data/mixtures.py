"""Faces that nobody has, mixed of two: no label fits them, but a teacher has an answer to every one.

A network that learns from few pictures learns those pictures. Shown mixtures too, with what the teacher makes of each,
it has the teacher's function to learn instead (Beyer et al., Knowledge distillation: a good teacher is patient and
consistent, CVPR 2022, arXiv 2106.05237, who mix the same way for teacher and student).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mien.image import PhotoSource
from mien.train.data import changes
from mien.train.data.base import UNLABELLED, FaceData, Rows
from mien.train.data.draws import uniform
from mien.train.data.sets import Picked
from mien.types.arrays import Crops, Pixels
from mien.types.outcome import Failure

DRAWS: Final = 12
BLENDED: Final = 0.4
"""Share of mixtures where both faces show through everywhere; in the others one passes into the other at a line."""
LEAST: Final = 0.2
"""Of a face that shows through."""
ZOOM: Final = 0.85
"""Least side of the part that is enlarged to the whole."""


@dataclass(frozen=True, slots=True)
class Mixtures:
    """A set, and behind it `count` mixtures of each of its faces with another one.

    Args:
        data: n faces.
        count: of mixtures for each.
        seed: of what is mixed with what, and how.
    """

    data: FaceData
    count: int
    seed: int = 0

    def __len__(self) -> int:
        return len(self.data) * (1 + self.count)

    @property
    def labels(self) -> Rows:
        """(n (1 + count),) int64: those of the faces, and -1 for mixtures."""
        mixed = np.full(len(self.data) * self.count, UNLABELLED, np.int64)
        return np.concatenate([self.data.labels, mixed])

    @property
    def people(self) -> Sequence[str]:
        """As in the other set."""
        return self.data.people

    @property
    def names(self) -> Sequence[str]:
        """Of the first face of each."""
        return Picked(self.data.names, np.arange(len(self)) % len(self.data))

    @property
    def aligned(self) -> bool:
        """As in the other set."""
        return self.data.aligned

    @property
    def facts(self) -> Mapping[str, str]:
        """Those of the other set, and how many mixtures."""
        return {**self.data.facts, "mixtures": f"{self.count} by seed {self.seed}"}

    @property
    def failures(self) -> Sequence[Failure]:
        """As in the other set."""
        return self.data.failures

    def photo(self, row: int) -> PhotoSource:
        """The crop itself."""
        return self.read(row)

    def read(self, row: int) -> Pixels:
        """(112, 112, 3) uint8 RGB; raises ImageError."""
        pixels: Pixels = self.crops(np.array([row]))[0]
        return pixels

    def crops(self, rows: Rows) -> Crops:
        """(b, 112, 112, 3) uint8 RGB; raises ImageError."""
        count = len(self.data)
        crops = self.data.crops(rows % count)
        mixed = np.flatnonzero(rows >= count)
        if not len(mixed):
            return crops
        drawn = uniform(self.seed, 0, rows[mixed], "mixture", DRAWS)
        others = self.data.crops((drawn[:, 0] * count).astype(np.int64))
        for place, other, u in zip(mixed.tolist(), others, drawn, strict=True):
            crops[place] = changes.zoom(mixture(crops[place], other, u), u[9:], ZOOM)
        return crops

    def sha256(self, row: int) -> str:
        """Hexadecimal SHA-256 of the first face's picture as it was found."""
        return self.data.sha256(row % len(self.data))


def mixture(face: Pixels, other: Pixels, u: changes.Numbers) -> Pixels:
    """(112, 112, 3) uint8 of two, by (9,) or more numbers in 0..1; the first is not used."""
    if u[1] < 0.5:
        face = face[:, ::-1]
    if u[2] < 0.5:
        other = other[:, ::-1]
    side = face.shape[0]
    if u[3] < BLENDED:
        share = np.full((1, 1), LEAST + u[4] * (1 - 2 * LEAST))
    else:
        across = np.arange(side) / (side - 1) - 0.5
        angle, place, width = 2 * np.pi * u[5], (u[6] - 0.5) / 2, 0.05 + 0.4 * u[7]
        line = (across * np.cos(angle))[None] + (across * np.sin(angle))[:, None]
        share = np.clip((line - place) / width + 0.5, 0, 1)
    weight = np.round(256 * share).astype(np.uint16)[:, :, None]
    mixed = (face * weight + other * (256 - weight) + 128) >> 8  # at most 255 * 256 + 128: it fits
    return mixed.astype(np.uint8)
