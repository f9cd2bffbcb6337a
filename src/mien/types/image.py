"""A decoded picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.types.arrays import Pixels


@dataclass(frozen=True, slots=True)
class Image:
    """Upright RGB pixels, and how they relate to the full picture.

    Args:
        pixels: (h, w, 3) uint8 RGB, orientation applied, C-contiguous.
        full_size: (width, height) of the full upright picture; larger than the pixels after a reduced decode.
        source: path or name, for messages.
    """

    pixels: Pixels
    full_size: tuple[int, int] = (0, 0)
    source: str = ""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"pixels must be (h, w, 3) uint8 RGB, got {self.pixels.shape} {self.pixels.dtype}")
        if self.full_size == (0, 0):
            object.__setattr__(self, "full_size", self.size)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels here for one pixel of the full picture, in x and y; (1, 1) for a full decode."""
        return self.size[0] / self.full_size[0], self.size[1] / self.full_size[1]
