"""YuNet: an anchor-free detector of three strides (Wu, Peng and Yu, Machine Intelligence Research 20, 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING

import numpy as np

from mien.models.blob import input_of, run
from mien.models.card import Card, InputContract
from mien.models.detectors import detectors
from mien.models.pyramid import MOST, SIDE, Found, look
from mien.types.arrays import FloatArray, Pixels
from mien.types.faces import Faces
from mien.types.image import Image

if TYPE_CHECKING:
    from mien.runtime import Session

STRIDES = (8, 16, 32)


@dataclass(frozen=True, slots=True)
class YuNet:
    """YuNet on a session whose graph went through `merge_yunet_heads`.

    Args:
        name: of the card.
        session: the network.
        contract: how pixels go in.
        score: lowest score of a face that is reported, in (0, 1).
        side: long side of the finest look at a picture, in pixels; larger finds smaller faces and costs its square.
        most: of more faces than this, the surest are kept.
    """

    name: str
    session: Session
    contract: InputContract
    score: float
    side: int = SIDE
    most: int = MOST

    def detect(self, image: Image) -> Faces:
        """The faces of a picture, surest first, in pixels of the full upright picture."""
        return self.detect_many([image])[0]

    def detect_many(self, images: Sequence[Image]) -> list[Faces]:
        """The faces of each picture; small pictures of one size go through the network together."""
        return look(images, self.find, side=self.side, most=self.most)

    def with_side(self, side: int) -> YuNet:
        """The same detector with another `side`."""
        return replace(self, side=side)

    def with_score(self, score: float, *, most: int = MOST) -> YuNet:
        """The same detector that reports faces from another score up, at most so many in a picture."""
        return replace(self, score=score, most=most)

    def find(self, pictures: Sequence[Pixels]) -> list[Found]:
        """Everything with a high enough score in each of these pictures of one size, repeats included."""
        strides = run(self.session, pictures, self.contract)
        return [decode(cells, self.score) for cells in zip(*strides, strict=True)]


def decode(strides: Sequence[FloatArray], score: float) -> Found:
    """Faces from the merged heads.

    Args:
        strides: three arrays (16, h, w): the logits cls and obj, four numbers of the box, ten of the points; the
            layout is described in `merge_yunet_heads`.
        score: lowest score that is kept, in (0, 1).
    """
    # score = sqrt(p * q) and neither p nor q is above 1, so both are at least score**2: few cells pass this cheap test
    lowest = log(score**2 / (1 - score**2))
    parts = [_likely(cells, stride, lowest) for cells, stride in zip(strides, STRIDES, strict=True)]
    values, corners, steps = (np.concatenate(column) for column in zip(*parts, strict=True))
    scores = 1 / np.sqrt((1 + np.exp(-values[:, 0])) * (1 + np.exp(-values[:, 1])))
    kept = scores >= score
    values, corners, steps = values[kept], corners[kept], steps[kept]
    centre, half = (corners + values[:, 2:4]) * steps, np.exp(values[:, 4:6]) * (steps / 2)
    points = (corners[:, None] + values[:, 6:].reshape(-1, 5, 2)) * steps[:, None]
    return Found(np.concatenate([centre - half, centre + half], axis=1), scores[kept], points)


def _likely(cells: FloatArray, stride: int, lowest: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Of the cells whose both logits are high enough: (n, 16) values, (n, 2) column and row, (n, 1) stride."""
    width = cells.shape[2]
    cells = cells.reshape(16, -1)
    numbers = np.flatnonzero((cells[0] >= lowest) & (cells[1] >= lowest))
    corners = np.stack([numbers % width, numbers // width], axis=1).astype(np.float32)
    return cells[:, numbers].T, corners, np.full((len(numbers), 1), stride, np.float32)


@detectors.register("yunet")
def yunet(card: Card, session: Session) -> YuNet:
    """The detector of a card."""
    return YuNet(card.name, session, input_of(card), card.least_score)
