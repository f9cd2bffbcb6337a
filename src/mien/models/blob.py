"""Pixels as a network takes them, or as a session does that prepares them itself."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mien.models.card import Card, InputContract
from mien.runtime.session import PixelInput, Session
from mien.types.arrays import FloatArray, Pixels


def run(session: Session, pictures: Sequence[Pixels], contract: InputContract) -> tuple[FloatArray, ...]:
    """What the network answers to pictures of one size, each (h, w, 3) uint8 RGB, at least one."""
    takes_bytes = session.pixels is not None
    return session.run(padded(pictures, contract.multiple) if takes_bytes else blob(pictures, contract))


def blob(pixels: Sequence[Pixels] | Pixels, contract: InputContract) -> FloatArray:
    """Pictures of one size in the colour order and range of a card, padded to its multiple.

    Args:
        pixels: (n, h, w, 3) uint8 RGB, or n arrays (h, w, 3), at least one.
        contract: the input part of the card.

    Returns:
        (n, 3, H, W) float32, (pixel - mean) * scale; H and W are h and w rounded up to `contract.multiple`, with black
        at the right and at the bottom.
    """
    h, w = pixels[0].shape[:2]
    height, width = _rounded(h, contract.multiple), _rounded(w, contract.multiple)
    planes = np.empty((len(pixels), 3, height, width), np.float32)
    planes[:, :, h:] = 0
    planes[:, :, :h, w:] = 0
    inside = planes[:, :, :h, :w]
    # pulling the channels apart as bytes first takes two thirds of the time of NumPy's conversion with a transpose
    bytewise = np.empty((3, h, w), np.uint8)
    pairs = [0, 0, 1, 1, 2, 2] if contract.colour == "RGB" else [0, 2, 1, 1, 2, 0]
    for picture, target in zip(pixels, inside, strict=True):
        cv2.mixChannels([picture], list(bytewise), pairs)
        target[:] = bytewise
    if any(contract.mean):
        planes -= np.array(contract.mean, np.float32).reshape(3, 1, 1)
    if contract.scale != 1:
        planes *= np.float32(contract.scale)
    return planes


def padded(pictures: Sequence[Pixels], multiple: int) -> Pixels:
    """Pictures of one size in one array, with black at the right and at the bottom.

    Args:
        pictures: (h, w, 3) uint8 each, at least one.
        multiple: of which both sides become multiples.

    Returns:
        (n, H, W, 3) uint8; of one picture that fits already the same memory.
    """
    h, w = pictures[0].shape[:2]
    height, width = _rounded(h, multiple), _rounded(w, multiple)
    if len(pictures) == 1 and (height, width) == (h, w):
        return pictures[0][None]
    whole = np.empty((len(pictures), height, width, 3), np.uint8)
    whole[:, h:] = 0
    whole[:, :h, w:] = 0
    for picture, target in zip(pictures, whole, strict=True):
        target[:h, :w] = picture
    return whole


def pixel_input(card: Card) -> PixelInput:
    """How the card's network wants bytes prepared.

    Raises:
        ValueError: the card has no network.
    """
    contract = input_of(card)
    return PixelInput(contract.mean, contract.scale, reverse=contract.colour == "BGR")


def input_of(card: Card) -> InputContract:
    """The input part of a card that has a network.

    Raises:
        ValueError: the card has none, as those of samples and of fused embedders.
    """
    if card.input is None:
        raise ValueError(f"'{card.name}' has no input contract, so no network to run")
    return card.input


def _rounded(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple
