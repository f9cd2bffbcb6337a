"""Pixels as a network takes them."""

from __future__ import annotations

import numpy as np

from mien.models.card import Card, InputContract
from mien.types.arrays import AnyArray, FloatArray


def blob(pixels: AnyArray, contract: InputContract) -> FloatArray:
    """Pictures of one size in the colour order and range of a card, padded to its multiple.

    Args:
        pixels: (n, h, w, 3) uint8 RGB.
        contract: the input part of the card.

    Returns:
        (n, 3, H, W) float32, (pixel - mean) * scale; H and W are h and w rounded up to `contract.multiple`, with zeros
        at the right and at the bottom.
    """
    n, h, w, _ = pixels.shape
    height, width = (-(-side // contract.multiple) * contract.multiple for side in (h, w))
    planes = np.zeros((n, 3, height, width), np.float32)
    inside = planes[:, :, :h, :w]
    order = slice(None) if contract.colour == "RGB" else slice(None, None, -1)
    inside[:] = pixels.transpose(0, 3, 1, 2)[:, order]
    if any(contract.mean):
        inside -= np.array(contract.mean, np.float32).reshape(3, 1, 1)
    if contract.scale != 1:
        inside *= np.float32(contract.scale)
    return planes


def input_of(card: Card) -> InputContract:
    """The input part of a card that has a network.

    Raises:
        ValueError: the card has none, as those of samples and of fused embedders.
    """
    if card.input is None:
        raise ValueError(f"'{card.name}' has no input contract, so no network to run")
    return card.input
