"""How much of a face, of its eyes, nose and mouth lies behind something.

The network says for every cell of the Tanh-polar square which part of the face lies there and whether it is seen, as
the classes of `mien.geometry.face_parts.OCCLUSION`; the share is area covered over area.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.geometry.face_parts import AMODAL
from mien.models.card import Card
from mien.models.heads import heads
from mien.models.heads.parsing import finite_areas, logits_of
from mien.models.views import Cuts
from mien.types.arrays import AnyArray, FloatArray
from mien.types.faces import Column

if TYPE_CHECKING:
    from mien.runtime import Session

REGIONS = ("face", *AMODAL[2:])
"""Columns of the head's values: the face whole, then its parts."""


@dataclass(frozen=True, slots=True)
class Occlusion:
    """Shares of area that are covered."""

    card: Card
    session: Session
    needs: tuple[str, ...] = ()

    def look(self, cuts: Cuts) -> Column:
        """(n, 4) shares 0..1 as `REGIONS`; NaN for a part that is nowhere seen to lie."""
        return Column(covered_shares(logits_of(self.card, self.session, cuts).argmax(axis=1)))

    def describe(self, column: Column, row: int) -> dict[str, float | None]:
        """Share covered of each region, None where it is not known."""
        shares = column.values[row]
        return {name: None if np.isnan(v) else round(float(v), 4) for name, v in zip(REGIONS, shares, strict=True)}


def covered_shares(classes: AnyArray) -> FloatArray:
    """Shares from maps of classes.

    Args:
        classes: (n, side, side) numbers in `OCCLUSION`, in the Tanh-polar square.

    Returns:
        (n, 4) float32 as `REGIONS`; NaN for a part without a cell.
    """
    area = finite_areas(classes.shape[1])
    hidden = len(AMODAL) - 1
    parts = range(1, len(AMODAL))
    seen = np.stack([((classes == k) * area).sum(axis=(1, 2)) for k in parts], axis=1)
    below = np.stack([((classes == k + hidden) * area).sum(axis=(1, 2)) for k in parts], axis=1)
    covered = np.concatenate([below.sum(axis=1, keepdims=True), below[:, 1:]], axis=1)
    whole = covered + np.concatenate([seen.sum(axis=1, keepdims=True), seen[:, 1:]], axis=1)
    shares: FloatArray = np.divide(covered, whole, out=np.full(whole.shape, np.nan), where=whole > 0).astype(np.float32)
    return shares


@heads.register("occlusion")
def occlusion(card: Card, session: Session) -> Occlusion:
    """The head of a card."""
    return Occlusion(card, session)
