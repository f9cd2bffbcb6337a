"""The head ``quality``: every component and the score of each face, from pixels and the columns of other heads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mien.models.card import Card
from mien.models.views import Cuts
from mien.quality.components import components
from mien.quality.portrait import Portrait
from mien.quality.score import Verdict, assess
from mien.types.arrays import FloatArray
from mien.types.faces import Column, Faces

if TYPE_CHECKING:
    from mien.runtime import Session

LANDMARKS, POSE, EYES, OCCLUSION = "landmarks68", "pose", "eyes", "occlusion"
NAMES: Final = tuple(components)
"""Of the components, in the order of the column."""
NATIVE, QUALITY = 0, 1


@dataclass(frozen=True, slots=True)
class Quality:
    """Arithmetic only; the weights of the score are the card's parameters."""

    card: Card
    needs: tuple[str, ...] = (LANDMARKS, POSE, EYES)

    @property
    def session(self) -> Session | None:
        """There is no network."""
        return None

    @property
    def weights(self) -> Mapping[str, float]:
        """Loss of each component at quality 0."""
        return self.card.head.parameters if self.card.head else {}

    def look(self, cuts: Cuts) -> Column:
        """(n, 1 + k, 2): native value and quality, of the score (loss, 0..100) and then of each component."""
        rows = np.array([self._row(portrait) for portrait in portraits(cuts)], np.float32)
        return Column(rows)

    def describe(self, column: Column, row: int) -> dict[str, Any]:
        """Score, advice, and of each component that could be measured its native value, quality and cost."""
        values = column.values[row]
        found = verdict(values, self.weights)
        return {
            "unified": None if isnan(found.score) else found.score,
            "advice": list(found.advice),
            "components": {
                name: {
                    "native": float(f"{native:.4g}"),
                    "unit": components[name].unit,
                    "quality": float(quality),
                    "cost": round(found.costs.get(name, 0.0), 1),
                }
                for name, (native, quality) in zip(NAMES, values[1:], strict=True)
                if not isnan(quality)
            },
        }

    def _row(self, portrait: Portrait) -> list[tuple[float, float]]:
        natives = [components[name].measure(portrait) for name in NAMES]
        pairs = [(native, components[name].convert(native)) for name, native in zip(NAMES, natives, strict=True)]
        found = assess({name: quality for name, (_, quality) in zip(NAMES, pairs, strict=True)}, self.weights)
        return [(nan, found.score), *pairs]


def verdict(values: FloatArray, weights: Mapping[str, float]) -> Verdict:
    """Score and advice of one face's (1 + k, 2) values."""
    return assess(dict(zip(NAMES, map(float, values[1:, QUALITY]), strict=True)), weights)


def scores(column: Column) -> FloatArray:
    """(n,) unified scores of the head's column, 0..100."""
    values: FloatArray = column.values[:, 0, QUALITY]
    return values


def portraits(cuts: Cuts) -> list[Portrait]:
    """Each face of a picture with what the columns say of it; landmarks are there, other columns may be."""
    faces, n = cuts.faces, len(cuts.faces)
    columns = {
        "landmarks": faces.columns[LANDMARKS].values.astype(np.float64),
        "angles": _values(faces, POSE, (n, 3)).tolist(),
        "open_eyes": _values(faces, EYES, (n, 2)).tolist(),
        "rival": largest_other(faces).tolist(),
        "occluded": _covered(faces).tolist(),
    }
    return [Portrait(cuts.image, **dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]


def largest_other(faces: Faces) -> FloatArray:
    """(n,) area of the largest other face over that of each; 0 for a face alone."""
    areas = np.maximum(faces.widths, 0) * np.maximum(faces.heights, 0)
    if len(areas) < 2:
        return np.zeros(len(areas), np.float32)
    order = np.argsort(areas)
    others = np.full(len(areas), areas[order[-1]])
    others[order[-1]] = areas[order[-2]]
    shares: FloatArray = (others / np.maximum(areas, 1)).astype(np.float32)
    return shares


def _covered(faces: Faces) -> FloatArray:
    """(n,) share of the face that lies behind something, the first region that the head tells; NaN without it."""
    column = faces.columns.get(OCCLUSION)
    return np.full(len(faces), np.nan, np.float32) if column is None else column.values.reshape(len(faces), -1)[:, 0]


def _values(faces: Faces, name: str, shape: tuple[int, ...]) -> FloatArray:
    """A column, or NaN of this shape where it is not there."""
    column = faces.columns.get(name)
    return np.full(shape, np.nan, np.float32) if column is None else column.values.reshape(shape)
