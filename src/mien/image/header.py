"""What a picture says about itself, read without decoding a pixel: format, size, orientation, profile, frames."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from mien.errors import ImageError
from mien.image.exif import upright_size
from mien.image.limits import Limits

_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)  # sizes in bytes; "BM" alone also begins text


@dataclass(frozen=True, slots=True)
class Header:
    """What a file's first bytes declare.

    Args:
        format: ``JPEG``, ``PNG``, ``WebP``, ``BMP``, ``GIF``, ``TIFF``, ``HEIC`` or ``AVIF``.
        size: (width, height) in pixels, as stored.
        orientation: EXIF orientation 1 to 8 that is still to be undone.
        profile: ICC profile; empty for none.
        frames: of an animation, or pages; counted up to the limit.
        channels: 4 for a CMYK JPEG.
        warnings: what was odd but harmless.
    """

    format: str
    size: tuple[int, int]
    orientation: int = 1
    profile: bytes = b""
    frames: int = 1
    channels: int = 3
    warnings: tuple[str, ...] = ()

    @property
    def upright(self) -> tuple[int, int]:
        """(width, height) with the orientation undone."""
        return upright_size(self.size, self.orientation)


def sniff(data: bytes) -> str | None:
    """The format by content, never by name; None for anything that is not on the list.

    PostScript, PDF, SVG and the many others that Pillow could open are not on it: some run programs.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "GIF"
    if data[:4] in (b"II*\0", b"MM\0*"):
        return "TIFF"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if data[4:8] == b"ftyp":
        return _sniff_brand(data)
    return None


def _sniff_brand(data: bytes) -> str | None:
    (length,) = struct.unpack_from(">I", data)
    brands = {data[8:12]} | {data[i : i + 4] for i in range(16, min(length, 256), 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if brands & {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}:
        return "HEIC"
    return None


def is_cut(data: bytes) -> bool:
    """Whether a HEIC or AVIF file ends before its last box does (ISO 14496-12, 4.2)."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4])
        if length == 1:
            length = int.from_bytes(data[at + 8 : at + 16])
        if length < 8:
            return length != 0  # 0: to the end of the file
        at += length
    return at != len(data)


def truncated(source: str) -> ImageError:
    """The error for a file that ends too early."""
    hint = "the file is cut off; copy it again from where it came"
    return ImageError(f"{source}: {hint}", code="image-truncated", source=source)


def too_much_metadata(source: str, limits: Limits) -> ImageError:
    """The error for a file that is mostly metadata."""
    hint = f"more than {limits.max_metadata} pieces of metadata; save it again without them"
    return ImageError(f"{source}: {hint}", code="image-metadata-limit", source=source)
