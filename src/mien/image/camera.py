"""The frames of a camera of this machine, as they come."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from mien.errors import NotFoundError
from mien.image.video import Frame
from mien.types.image import Image


@contextmanager
def open_camera(number: int = 0, *, side: int = 640) -> Iterator[Iterator[Frame]]:
    """Frames without end, timed by the clock of this machine; a frame that nobody took in time is lost.

    Args:
        number: of the camera, from 0.
        side: frames whose long side is longer are reduced to it.

    Raises:
        NotFoundError: ``camera``: there is no such camera, or it is in use.
    """
    camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            text = f"camera {number} cannot be opened: none is there, another program has it, or it may not be used"
            raise NotFoundError(f"{text}; try another number, or --clip", code="camera", source=f"camera {number}")
        camera.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        yield _frames(camera, f"camera {number}", side)
    finally:
        camera.release()


def _frames(camera: cv2.VideoCapture, source: str, side: int) -> Iterator[Frame]:
    start, number = time.monotonic(), 0
    while True:
        got, pixels = camera.read()
        if not got:
            return
        height, width = pixels.shape[:2]
        if side < max(width, height):
            scale = side / max(width, height)
            pixels = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
        rgb = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
        yield Frame(number, time.monotonic() - start, Image(rgb, (width, height), source))
        number += 1
