"""Pictures and masks as Tanh-polar squares, and what is changed about them while a network learns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mien.errors import FaceError, UsageError
from mien.evaluate.heads import central
from mien.geometry.face_parts import Labels
from mien.geometry.tanh_polar import warp_faces
from mien.image import Limits, encode_jpeg, open_photo
from mien.models import Detector
from mien.parsing.mask_folder import Masked, MaskFolder
from mien.train.parsing.recipe import Masks
from mien.types.arrays import FloatArray, Pixels
from mien.types.image import Image

SHIFT, GROWTH = 0.08, 0.15
"""Standard deviation of a box's place and size, in its sides: detectors differ about as much."""


@dataclass(frozen=True, slots=True)
class Squares:
    """What is learnt from.

    Args:
        pixels: (n, side, side, 3) uint8.
        labels: (n, side, side) uint8.
    """

    pixels: Pixels
    labels: Labels

    def batches(self, size: int, seed: int, *, mirror: bool = True) -> Iterator[tuple[Tensor, Tensor]]:
        """(b, 3, side, side) float32 in -1..1 and (b, side, side) int64, without end, each changed anew."""
        random = np.random.default_rng(seed)
        while True:
            order = random.permutation(len(self.pixels))
            for start in range(0, max(1, len(order) - size + 1), size):
                rows = order[start : start + size]
                yield changed(self.pixels[rows], self.labels[rows], random, mirror=mirror)


def changed(
    pixels: Pixels, labels: Labels, random: np.random.Generator, *, mirror: bool = True
) -> tuple[Tensor, Tensor]:
    """Turned and mirrored, which move rows only; then lit, tinted and made noisy."""
    count, side = labels.shape[:2]
    values = pixels.astype(np.float32) / 255
    labels = labels.astype(np.int64)
    for row in range(count):
        if mirror and random.random() < 0.5:  # a mirror about the vertical: angle t becomes half a turn less t
            values[row], labels[row] = (np.roll(a[row, ::-1], side // 2, axis=0) for a in (values, labels))
        turn = round(random.normal(0, 0.03) * side)
        values[row], labels[row] = (np.roll(a[row], turn, axis=0) for a in (values, labels))
    one = (count, 1, 1, 1)
    values = np.clip(values, 0, 1) ** np.exp(random.normal(0, 0.35, one))
    gain = np.exp(random.normal(0, 0.25, one) + random.normal(0, 0.08, (count, 1, 1, 3)))
    light = np.sin(2 * np.pi * (np.arange(side) / side + random.random((count, 1))))[:, :, None, None]
    light = 1 + 0.35 * random.random(one) * light * np.linspace(0, 1, side)[None, None, :, None]
    values = values * gain * light
    grey = random.random(one) < 0.15
    values = np.where(grey, values.mean(axis=3, keepdims=True), values)
    values += random.normal(0, 1, values.shape) * 0.03 * random.random(one)
    tensor = torch.from_numpy(np.clip(values, 0, 1).astype(np.float32).transpose(0, 3, 1, 2).copy())
    return tensor * 2 - 1, torch.from_numpy(labels)


def held_out(folder: MaskFolder, settings: Masks, seed: int) -> NDArray[np.bool_]:
    """(n,) which pictures are measured on: all of some people.

    Raises:
        UsageError: nobody is left on one of the sides.
    """
    people = np.unique(folder.subjects)
    count = round(settings.holdout * len(people))
    if not 0 < count < len(people):
        raise UsageError(f"{settings.root}: {len(people)} people cannot be parted by 'data.holdout' {settings.holdout}")
    chosen = np.random.default_rng(seed).permutation(people)[:count]
    return np.isin(folder.subjects, chosen)


def read_squares(
    folder: MaskFolder,
    rows: NDArray[np.int64],
    settings: Masks,
    side: int,
    seed: int,
    find: Detector | None,
) -> Squares:
    """Every picture of `rows` as its face sees it, `views` times.

    Args:
        folder: pictures and masks.
        rows: which.
        settings: say how often, each time with another box and sharpness.
        side: of a square.
        seed: of those.
        find: gives the boxes that no list has; None where a list has them.

    Raises:
        ImageError: a picture or a mask cannot be read, or no face is found.
    """
    views = settings.views
    pixels = np.empty((len(rows) * views, side, side, 3), np.uint8)
    labels = np.empty((len(rows) * views, side, side), np.uint8)
    random = np.random.default_rng(seed)
    for number, row in enumerate(rows):
        masked = folder.read(int(row))
        box = box_of(masked, find)
        for view in range(views):
            moved, place = jittered(box, random), number * views + view
            pixels[place] = warp_faces(blurred(masked.pixels, box, random), moved[None], side)[0]
            labels[place] = warp_faces(masked.labels, moved[None], side, labels=True)[0]
    return Squares(pixels, labels)


def box_of(masked: Masked, find: Detector | None) -> FloatArray:
    """The face's box, from the list or of the face nearest to the middle.

    Raises:
        ImageError: neither has one.
    """
    if masked.box is not None:
        return masked.box
    face = central(find.detect(Image(masked.pixels, source=masked.name))) if find else None
    if face is None:
        raise FaceError(f"{masked.name}: no face found; a faces.csv beside the pictures can say where it is")
    return np.asarray(face.boxes[0])


def jittered(box: FloatArray, random: np.random.Generator) -> FloatArray:
    """The box moved and resized."""
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    middle = middle + SHIFT * 2 * half * random.normal(0, 1, 2)
    half = half * np.exp(random.normal(0, GROWTH) + random.normal(0, 0.05, 2))
    return np.concatenate([middle - half, middle + half]).astype(np.float32)


def blurred(pixels: Pixels, box: FloatArray, random: np.random.Generator) -> Pixels:
    """Two pictures in five as small or as compressed as pictures of crowds are."""
    if random.random() > 0.4:
        return pixels
    factor = random.uniform(24, 80) / float((box[2:] - box[:2]).max())
    small = pixels
    if factor < 1:
        small = np.asarray(cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
    coded = encode_jpeg(small, int(random.integers(30, 90)))
    read = open_photo(coded, limits=Limits(min_side=1)).decode().pixels
    return np.asarray(cv2.resize(read, pixels.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)
