"""Faces drawn onto a copy of their picture, for people to look at."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from mien.types.arrays import FloatArray, Pixels
from mien.types.faces import PIXELS, Face, Faces
from mien.types.image import Image

_BOX = (0, 200, 120)
_POINT = (255, 210, 0)
_INK = (255, 255, 255)


def draw_faces(image: Image, faces: Faces) -> Pixels:
    """A copy of the picture with each face's box, points and detection score, and the points that heads gave.

    Args:
        image: as it was decoded, reduced or not.
        faces: in coordinates of the full upright picture.

    Returns:
        (h, w, 3) uint8 RGB of the size of `image.pixels`.
    """
    canvas = Pil.fromarray(image.pixels)
    pen = ImageDraw.Draw(canvas)
    line = max(1, max(image.size) // 400)  # about as thick on every picture once it fills the screen
    font = ImageFont.load_default(max(10.0, 7.0 * line))
    scaled = faces.scaled(*image.scale, image.size)
    for face in scaled:
        _draw_face(pen, face, line, font)
    for column in scaled.columns.values():
        if column.unit == PIXELS:
            _draw_points(pen, column.values[..., :2].reshape(-1, 2), line)
    return np.array(canvas)


def _draw_points(pen: ImageDraw.ImageDraw, points: FloatArray, line: int) -> None:
    """Points of a head, half as wide as the detector's."""
    half = line / 2
    for x, y in points:
        pen.ellipse((x - half, y - half, x + half, y + half), fill=_POINT)


def _draw_face(
    pen: ImageDraw.ImageDraw, face: Face, line: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> None:
    left, top, right, bottom = face.box
    pen.rectangle((left, top, max(left, right), max(top, bottom)), outline=_BOX, width=line)
    for x, y in face.points:
        pen.ellipse((x - line, y - line, x + line, y + line), fill=_POINT)
    text = f"{face.score:.2f}"
    *_, width, height = pen.textbbox((0, 0), text, font=font)
    corner = (left, max(0.0, top - height - 2 * line))
    pen.rectangle((*corner, corner[0] + width + 2 * line, corner[1] + height + line), fill=_BOX)
    pen.text((corner[0] + line, corner[1]), text, fill=_INK, font=font)
