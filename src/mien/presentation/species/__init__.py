"""Species of attack material, one a file, and the bona fide picture that is made beside them."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from mien.presentation.maker import Maker
from mien.registry import Registry
from mien.types.arrays import FloatArray, Pixels


class Species(Protocol):
    """Makes one presentation of a photograph."""

    def __call__(self, photo: Pixels, points: FloatArray, maker: Maker, draw: np.random.Generator) -> Pixels:
        """What the camera sees.

        Args:
            photo: (810, 810, 3) uint8 RGB.
            points: (5, 2) of the face in it, pixels, in the order of `Faces.points`.
            maker: whose press or display is used.
            draw: everything that differs from one presentation to the next.

        Returns:
            (810, 810, 3) uint8 RGB.
        """
        ...


species: Registry[Species] = Registry("species", __name__)
"""By name; an outside package adds its own through the entry-point group ``mien.species``."""
