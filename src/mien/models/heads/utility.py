"""How well an aligned face will be recognised, by a network that was trained to say it (CR-FIQA, ViT-FIQA).

Boutros et al., "CR-FIQA", CVPR 2023, and Atzori et al., "ViT-FIQA", 2025. `mien export` writes such a network and its
card beside an embedder that was trained with one of these terms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import ModelInvalidError
from mien.geometry.align import align_faces
from mien.models.blob import input_of
from mien.models.card import Card
from mien.models.heads import heads
from mien.models.network import answers
from mien.models.views import Cuts
from mien.types.faces import Column

if TYPE_CHECKING:
    from mien.runtime import Session

SIDE = 112


@dataclass(frozen=True, slots=True)
class Utility:
    """The network's one number, on a scale of its own."""

    card: Card
    session: Session
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n,) higher for faces that will be recognised better."""
        points = cuts.faces.scaled(*cuts.image.scale, cuts.image.size).points
        (quality,) = answers(self.card, self.session, align_faces(cuts.image.pixels, points, SIDE))
        return Column(quality.reshape(len(points), -1)[:, 0])

    def describe(self, column: Column, row: int) -> float:
        """Four digits of it."""
        return float(np.format_float_positional(column.values[row], precision=4))


@heads.register("utility")
def utility(card: Card, session: Session) -> Utility:
    """The head of a card.

    Raises:
        ModelInvalidError: the card asks for another input than an aligned face.
    """
    size = input_of(card).size
    if size != (SIDE, SIDE):
        raise ModelInvalidError(f"{card.path}: 'input.size' of a utility head must be [{SIDE}, {SIDE}], got {size}")
    return Utility(card, session)
