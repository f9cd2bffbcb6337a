"""CenterFace: faces as points of a heat map (Xu et al., arXiv:1911.03599, 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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

STRIDE = 4


@dataclass(frozen=True, slots=True)
class CenterFace:
    """CenterFace on a session.

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

    def with_side(self, side: int) -> CenterFace:
        """The same detector with another `side`."""
        return replace(self, side=side)

    def with_score(self, score: float, *, most: int = MOST) -> CenterFace:
        """The same detector that reports faces from another score up, at most so many in a picture."""
        return replace(self, score=score, most=most)

    def find(self, pictures: Sequence[Pixels]) -> list[Found]:
        """Everything with a high enough score in each of these pictures of one size, repeats included."""
        heat, sizes, offsets, points = run(self.session, pictures, self.contract)
        return [decode(*maps, self.score) for maps in zip(heat[:, 0], sizes, offsets, points, strict=True)]


def decode(heat: FloatArray, sizes: FloatArray, offsets: FloatArray, points: FloatArray, score: float) -> Found:
    """Faces from the four maps, whose cells are 4 px wide. The network puts y before x everywhere.

    Args:
        heat: (h, w) score that a face has its centre in the cell.
        sizes: (2, h, w) logarithms of height and width, in cells.
        offsets: (2, h, w) y and x of the centre from the middle of the cell, in cells.
        points: (10, h, w) five times y and x, from the top left corner of the box, in heights and widths of it.
        score: lowest score that is kept.
    """
    rows, columns = np.nonzero(heat >= score)
    cell = np.stack([columns, rows], axis=1).astype(np.float32)
    size = np.exp(sizes[::-1, rows, columns].T) * STRIDE
    corner = (cell + offsets[::-1, rows, columns].T + 0.5) * STRIDE - size / 2
    inside = points[:, rows, columns].T.reshape(-1, 5, 2)[:, :, ::-1]
    boxes = np.concatenate([corner, corner + size], axis=1)
    return Found(boxes, heat[rows, columns], corner[:, None] + inside * size[:, None])


@detectors.register("centerface")
def centerface(card: Card, session: Session) -> CenterFace:
    """The detector of a card."""
    return CenterFace(card.name, session, input_of(card), card.least_score)
