"""What of EXIF and TIFF directories matters here: which way is up, and how many pages there are."""

from __future__ import annotations

import struct

import numpy as np

from mien.types.arrays import Pixels

_ORIENTATION = 0x0112
_SHORT = 3


def read_orientation(exif: bytes) -> tuple[int, str]:
    """The orientation in a block of EXIF.

    Args:
        exif: a TIFF structure, with or without the ``Exif`` prefix; may be empty or broken.

    Returns:
        1 to 8 (TIFF 6.0, page 36), and a warning, or "" when all is well.
    """
    exif = exif.removeprefix(b"Exif\0\0")
    try:
        order = _byte_order(exif)
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for at in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, at)
            if tag == _ORIENTATION:
                if kind == _SHORT and 1 <= value <= 8:
                    return value, ""
                return 1, "EXIF orientation is not one of 1 to 8: taken as upright"
    except (struct.error, ValueError):
        return 1, "EXIF cannot be read: taken as upright" if exif else ""
    return 1, ""


def count_pages(tiff: bytes, at_most: int) -> int:
    """Directories in the chain of a TIFF file; a chain that bites its tail ends there."""
    order = _byte_order(tiff)
    seen: set[int] = set()
    at = 4
    while len(seen) < at_most and at + 4 <= len(tiff):
        (start,) = struct.unpack_from(order + "I", tiff, at)
        if start == 0 or start in seen or start + 2 > len(tiff):
            break
        seen.add(start)
        (entries,) = struct.unpack_from(order + "H", tiff, start)
        at = start + 2 + 12 * entries
    return max(1, len(seen))


def turn_upright(pixels: Pixels, orientation: int) -> Pixels:
    """(h, w, 3) pixels with the orientation undone; 5 to 8 swap the sides."""
    if orientation == 1:
        return np.ascontiguousarray(pixels)
    import cv2  # six times as fast as a strided copy: 20 ms instead of 125 for 12 million pixels

    if orientation in (2, 4):
        turned = cv2.flip(pixels, 1 if orientation == 2 else 0)
    elif orientation in (5, 7):
        turned = cv2.transpose(pixels)
        turned = turned if orientation == 5 else cv2.flip(turned, -1)
    else:
        turn = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
        turned = cv2.rotate(pixels, turn[orientation])
    return np.asarray(turned, np.uint8)


def upright_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """(width, height) after `turn_upright`."""
    return size if orientation < 5 else (size[1], size[0])


def _byte_order(tiff: bytes) -> str:
    orders = {b"II*\0": "<", b"MM\0*": ">"}
    if tiff[:4] not in orders:
        raise ValueError("not a TIFF structure")
    return orders[tiff[:4]]
