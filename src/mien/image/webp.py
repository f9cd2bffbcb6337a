"""WebP: size, frames, profile and orientation from its RIFF chunks; the decoder would allocate the canvas first."""

from __future__ import annotations

from collections.abc import Iterator

from mien.image.exif import read_orientation
from mien.image.header import Header, too_much_metadata, truncated
from mien.image.limits import Limits


def read_webp(data: bytes, limits: Limits, source: str) -> Header:
    """The header of a WebP file.

    Raises:
        ImageError: ``image-truncated``, ``image-metadata-limit``.
    """
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise truncated(source)
    size, frames, extra = (0, 0), 0, 0
    found: dict[bytes, bytes] = {}
    for name, start, end in _chunks(data):
        extra += name != b"ANMF"
        if extra > limits.max_metadata:
            raise too_much_metadata(source, limits)
        if size == (0, 0):
            size = _size(name, data[start : min(end, start + 10)])
        if name in (b"EXIF", b"ICCP"):
            found.setdefault(name, data[start:end])
        frames += name == b"ANMF"
        if frames >= limits.max_frames:
            break
    if size == (0, 0):
        raise truncated(source)
    orientation, warning = read_orientation(found.get(b"EXIF", b""))
    profile = found.get(b"ICCP", b"")
    return Header("WebP", size, orientation, profile, max(1, frames), warnings=(warning,) if warning else ())


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    while at + 8 <= len(data):
        start = at + 8
        end = start + int.from_bytes(data[at + 4 : start], "little")
        yield data[at : at + 4], start, end
        at = end + end % 2


def _size(name: bytes, body: bytes) -> tuple[int, int]:
    """(width, height) of a VP8X, VP8 or VP8L chunk (RFC 9649, 2.5 to 2.7); (0, 0) of any other."""
    if name == b"VP8X" and len(body) == 10:
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if name == b"VP8 " and len(body) == 10:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if name == b"VP8L" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return 0, 0
