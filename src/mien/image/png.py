"""PNG: the chunks that make the picture are kept, all others dropped unread; that is where the bombs are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from mien.image.exif import read_orientation
from mien.image.header import Header, too_much_metadata, truncated
from mien.image.limits import Limits

_PICTURE = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_FRAMES = (b"IDAT", b"fdAT", b"fcTL")
_CHUNKS = 100_000  # pieces of 8 KiB, the usual size, of a file larger than is read


def read_png(data: bytes, limits: Limits, source: str, allow_truncated: bool) -> tuple[Header, bytes]:
    """The header of a PNG, and the file without its metadata and further frames.

    Raises:
        ImageError: ``image-truncated``, ``image-metadata-limit``.
    """
    kept, ended, extra = [data[:8]], False, 0
    found: dict[bytes, bytes] = {}
    for count, (name, start, end) in enumerate(_chunks(data)):
        extra += name not in _FRAMES
        if extra > limits.max_metadata or count > _CHUNKS:
            raise too_much_metadata(source, limits)
        if name in _PICTURE:
            kept.append(data[start - 8 : end + 4])
        if name not in _FRAMES:
            found.setdefault(name, data[start:end])
        ended |= name == b"IEND" and end + 4 <= len(data)
    head = found.get(b"IHDR", b"")
    if len(head) != 13 or not (ended or allow_truncated):
        raise truncated(source)
    orientation, warning = read_orientation(found.get(b"eXIf", b""))
    header = Header(
        "PNG",
        (int.from_bytes(head[:4]), int.from_bytes(head[4:8])),
        orientation,
        _profile(found.get(b"iCCP", b""), limits),
        max(1, min(int.from_bytes(found.get(b"acTL", b"")[:4]), limits.max_frames)),
        warnings=(warning,) if warning else (),
    )
    return header, b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, start, end) of each chunk's content; the last may pass the end of the data."""
    at = 8
    while at + 8 <= len(data):
        start, name = at + 8, data[at + 4 : at + 8]
        end = start + int.from_bytes(data[at : at + 4])
        yield name, start, end
        if name == b"IEND":
            return
        at = end + 4


def _profile(chunk: bytes, limits: Limits) -> bytes:
    """The unpacked profile, or one byte more than the limit of it; a broken one as its packed bytes."""
    packed = chunk.partition(b"\0")[2][1:]
    try:
        return zlib.decompressobj().decompress(packed, limits.max_profile + 1)
    except zlib.error:
        return packed
