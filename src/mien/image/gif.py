"""GIF: size and frames by stepping over its blocks; only the first frame is ever decoded."""

from __future__ import annotations

from mien.image.header import Header, truncated
from mien.image.limits import Limits

_IMAGE, _EXTENSION = 0x2C, 0x21


def read_gif(data: bytes, limits: Limits, source: str) -> Header:
    """The header of a GIF.

    Raises:
        ImageError: ``image-truncated``: it ends within the first frame.
    """
    size = int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")
    frames = 0
    try:
        at = 13 + _table(data[10])
        while frames < limits.max_frames and data[at] in (_IMAGE, _EXTENSION):
            if data[at] == _EXTENSION:
                at = _after_blocks(data, at + 2)
                continue
            if frames == 0:
                size = _grown(size, data[at + 1 : at + 9])
            at = _after_blocks(data, at + 11 + _table(data[at + 9]))
            frames += 1
    except IndexError:  # a missing end after the first frame is harmless
        if frames == 0:
            raise truncated(source) from None
    return Header("GIF", size, frames=max(1, frames))


def _table(flags: int) -> int:
    """Bytes of the colour table that follows."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0


def _after_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _grown(size: tuple[int, int], place: bytes) -> tuple[int, int]:
    """The screen, enlarged to hold a frame that passes its border, as Pillow does."""
    x, y, width, height = (int.from_bytes(place[i : i + 2], "little") for i in (0, 2, 4, 6))
    return max(size[0], x + width), max(size[1], y + height)
