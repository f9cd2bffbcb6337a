"""Pixels as every backbone takes them; the same numbers stand in the card that an export writes."""

from __future__ import annotations

import torch
from torch import Tensor

MEAN = 127.5
SCALE = 1 / 127.5


def normalised(pixels: Tensor) -> Tensor:
    """(b, 3, h, w) uint8 RGB to float32 in -1..1; what is float already is passed on."""
    return pixels if pixels.is_floating_point() else (pixels.to(torch.float32) - MEAN) * SCALE
