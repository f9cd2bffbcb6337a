"""No attack: the photograph through the same light and camera, so that a detector cannot tell attacks by those."""

from __future__ import annotations

import cv2
import numpy as np

from mien.presentation.maker import Maker
from mien.presentation.scene import Hold, camera, hold, light, linear, room
from mien.presentation.species import species
from mien.types.arrays import AnyArray, FloatArray, Pixels

PLAIN = 0.2
"""Distance in sRGB, 0 to 1, from the colour of the background at which a pixel is wholly of the person."""


def person(photo: Pixels) -> FloatArray:
    """How much each pixel belongs to a person before a plain light background, (h, w) float32.

    By its distance from the background, which is taken to run evenly from the left border to the right one; the lowest
    part, clothes as light as the background, counts wholly as person between the shoulders.
    """
    values = cv2.GaussianBlur(photo, (0, 0), 1.0).astype(np.float32) / 255
    side = len(photo)
    across = np.linspace(0, 1, side, dtype=np.float32)[None, :, None]
    left, right = (
        cv2.blur(values[:, edge], (1, side // 8)).mean(axis=1)[:, None] for edge in (slice(20), slice(-20, None))
    )
    apart = np.abs(values - left * (1 - across) - right * across).max(axis=2)
    rows, columns = np.linspace(0, 1, side)[:, None], np.linspace(-1, 1, side)[None]
    shoulders = np.clip((rows - 0.8) * 20, 0, 1) * np.clip((0.75 - np.abs(columns)) * 8, 0, 1)
    shape = np.maximum(np.clip(apart / PLAIN - 0.3, 0, 1), shoulders).astype(np.float32)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (35, 35))
    found: AnyArray = cv2.GaussianBlur(cv2.morphologyEx(shape, cv2.MORPH_CLOSE, kernel), (0, 0), 1.5)
    return found


@species.register("bona-fide")
def bona_fide(photo: Pixels, points: FloatArray, maker: Maker, draw: np.random.Generator) -> Pixels:
    """The photograph itself, framed anew, before its own background or, for half of them, before a room."""
    del points, maker
    held: Hold = hold(draw)
    u, v = held.places()
    half = len(photo) / 2
    places = u * half + half - 0.5, v * half + half - 0.5
    framed: AnyArray = cv2.remap(photo, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    picture = linear(framed)
    if draw.uniform() < 0.5:
        shape = cv2.remap(person(photo), *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[..., None]
        picture = picture * shape + room(draw) * (1 - shape)
    return camera(light(picture, draw), draw)
