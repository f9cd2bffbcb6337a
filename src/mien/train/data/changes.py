"""What can be done to an aligned face of 112 x 112 pixels: functions of the pixels and of numbers drawn elsewhere.

A face is (112, 112, 3) uint8 RGB; numbers in 0..1 are called u. Every function gives a new array.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import Final

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from mien.geometry.align import ARCFACE
from mien.image import encode_jpeg
from mien.types.arrays import AnyArray, Pixels

METHODS: Final = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_AREA, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
"""Of which the low-resolution augmentation of AdaFace takes one to reduce and one to enlarge."""
GREY: Final = np.array([0.299, 0.587, 0.114])
TRIES: Final = 10
"""Rectangles that are tried before the whole picture is taken, as in torchvision's RandomResizedCrop."""
RECTANGLE_DRAWS: Final = 4 * TRIES
MASK_DRAWS: Final = 12
MASK_COLOURS: Final = ((173, 205, 224), (240, 240, 238), (38, 38, 42), (150, 156, 160), (120, 165, 140))
"""Surgical blue, white, black, grey, green."""
ORDERS: Final = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))

Numbers = NDArray[np.float64]


def black_outside(face: Pixels, u: Numbers, least_area: float) -> Pixels:
    """Only a random rectangle is left, the rest is black (AdaFace's crop: not enlarged, so the face keeps its place).

    Args:
        face: the face.
        u: (40,) for ten tries.
        least_area: share of the picture that the rectangle has at least; its sides differ by at most a third.
    """
    side = face.shape[0]
    left, top, width, height = _rectangle(u, side, least_area)
    out = np.zeros_like(face)
    out[top : top + height, left : left + width] = face[top : top + height, left : left + width]
    return out


def _rectangle(u: Numbers, side: int, least_area: float) -> tuple[int, int, int, int]:
    for area, ratio, x, y in u.reshape(TRIES, 4).tolist():
        pixels = side * side * (least_area + area * (1 - least_area))
        aspect = exp(log(3 / 4) + ratio * (log(4 / 3) - log(3 / 4)))
        width, height = round(sqrt(pixels * aspect)), round(sqrt(pixels / aspect))
        if 0 < width <= side and 0 < height <= side:
            return int(x * (side - width + 1)), int(y * (side - height + 1)), width, height
    return 0, 0, side, side


def zoom(face: Pixels, u: Numbers, least_side: float) -> Pixels:
    """A random square of at least this share of the side, enlarged to the whole: another place and scale.

    Args:
        face: the face.
        u: (3,) for side, left and top.
        least_side: 160/182 are the random crops with which FaceNet's public implementation trains.
    """
    side = face.shape[0]
    part = side * (least_side + u[0] * (1 - least_side))
    left, top = u[1] * (side - part), u[2] * (side - part)
    scale = side / part
    matrix = np.array([[scale, 0, scale * (0.5 - left) - 0.5], [0, scale, scale * (0.5 - top) - 0.5]])
    return _pixels(cv2.warpAffine(face, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def low_resolution(face: Pixels, side: int, reduce: int = cv2.INTER_AREA, enlarge: int = cv2.INTER_CUBIC) -> Pixels:
    """Reduced to `side` pixels and enlarged to what it was."""
    small = cv2.resize(face, (side, side), interpolation=reduce)
    return _pixels(cv2.resize(small, face.shape[1::-1], interpolation=enlarge))


def blur(face: Pixels, sigma: float) -> Pixels:
    """A Gaussian blur; sigma in pixels."""
    return _pixels(cv2.GaussianBlur(face, (0, 0), sigma))


def jpeg(face: Pixels, quality: int) -> Pixels:
    """Saved as a JPEG, quality 1 to 100, and read again."""
    return _pixels(simplejpeg.decode_jpeg(encode_jpeg(face, quality), "RGB"))


def photometric(face: Pixels, u: Numbers, strength: float) -> Pixels:
    """Brightness, contrast and saturation, each times a factor in 1 - strength .. 1 + strength, in a random order.

    Args:
        face: the face.
        u: (4,) for the factors and the order.
        strength: 0..1.
    """
    steps = (brightness, contrast, saturation)
    for number in ORDERS[int(u[3] * len(ORDERS))]:
        face = steps[number](face, 1 + strength * (2 * float(u[number]) - 1))
    return face


def brightness(face: Pixels, factor: float) -> Pixels:
    """Every value times the factor."""
    return _mapped(face, np.arange(256) * factor)


def contrast(face: Pixels, factor: float) -> Pixels:
    """Distances from the mean of the grey picture times the factor."""
    mean = round(float(face.reshape(-1, 3).mean(axis=0) @ GREY))
    return _mapped(face, mean + (np.arange(256) - mean) * factor)


def saturation(face: Pixels, factor: float) -> Pixels:
    """Distances from the grey picture times the factor."""
    grey = cv2.cvtColor(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return _pixels(cv2.addWeighted(face, factor, grey, 1 - factor, 0))


def wear_mask(face: Pixels, u: Numbers) -> Pixels:
    """A mask of cloth over nose, mouth and chin, drawn from where an aligned face has its five points.

    After Anwar & Raychowdhury, "Masked Face Recognition for Secure Authentication" (arXiv:2008.11104), who warp
    photographs of masks; here the shape is a polygon with folds and shade.

    Args:
        face: aligned to the ArcFace template, any side.
        u: (12,) for shape, colour and shade.
    """
    side = face.shape[0]
    alpha = np.zeros((side, side), np.uint8)
    outline = np.round(mask_outline(u[:6]) * (side / 112 * 16)).astype(np.int32)
    cv2.fillPoly(alpha, [outline], 255, lineType=cv2.LINE_AA, shift=4)
    cover = alpha[:, :, None].astype(np.uint16)
    cloth = _cloth(side, u[6:]).astype(np.uint16)
    return ((face * (255 - cover) + cloth * cover + 127) // 255).astype(np.uint8)


def mask_outline(u: Numbers) -> NDArray[np.float64]:
    """(8, 2) corners in pixels of a face of 112 x 112: from ear to ear over the nose, and back under the chin.

    Args:
        u: (6,) for the height on the nose, of the sides and of the jaw, and the width of cheeks and chin.
    """
    left, right, nose, mouth_left, mouth_right = ARCFACE.astype(np.float64)
    eyes, mouth = (left[1] + right[1]) / 2, (mouth_left[1] + mouth_right[1]) / 2
    bridge = eyes + (nose[1] - eyes) * (0.25 + 0.5 * u[0])
    cheek = eyes + (nose[1] - eyes) * (0.6 + 0.4 * u[1])
    wide = 18 + 6 * u[2]
    jaw = mouth + 2 + 8 * u[3]
    chin = mouth + 22 + 8 * u[4]
    narrow = 6 + 8 * u[5]
    return np.array(
        [
            (left[0] - wide, cheek),
            (nose[0] - 12, bridge + 3),
            (nose[0], bridge),
            (nose[0] + 12, bridge + 3),
            (right[0] + wide, cheek),
            (right[0] + wide - narrow, jaw),
            (nose[0], chin),
            (left[0] - wide + narrow, jaw),
        ]
    )


def _cloth(side: int, u: Numbers) -> Pixels:
    """(side, side, 3) uint8: a colour, darker to one side, with folds across."""
    colour = np.array(MASK_COLOURS[int(u[0] * len(MASK_COLOURS))]) * (0.85 + 0.3 * u[1])
    across = 1 + 0.3 * (u[2] - 0.5) * np.linspace(-1, 1, side)
    folds = 1 - 0.12 * u[3] * (np.sin(np.linspace(0, (6 + 10 * u[4]) * np.pi, side) + 7 * u[5]) > 0.8)
    return _pixels(np.clip(folds[:, None, None] * across[None, :, None] * colour, 0, 255).astype(np.uint8))


def _mapped(face: Pixels, values: AnyArray) -> Pixels:
    return _pixels(cv2.LUT(face, np.clip(values, 0, 255).astype(np.uint8)))


def _pixels(array: object) -> Pixels:
    return np.asarray(array, np.uint8)
