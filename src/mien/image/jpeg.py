"""JPEG: its segments, its scans, and its pixels at the cheapest scale. A file with a missing part is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import numpy as np
import simplejpeg

from mien.errors import ImageError
from mien.image.exif import read_orientation
from mien.image.header import Header, too_much_metadata, truncated
from mien.image.limits import Limits
from mien.image.pillow import load, open_as
from mien.types.arrays import AnyArray

_SOI, _EOI, _SOS, _DRI, _TEM = 0xD8, 0xD9, 0xDA, 0xDD, 0x01
_APP1, _APP2 = 0xE1, 0xE2
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SMALLEST = 128  # bytes; the tables of the smallest JPEG take more
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# What a single scan cannot hold: anything but stuffing, fill, EOI, DNL, and restarts if they were announced.
_STRAY = re.compile(rb"\xff[^\x00\xff\xd9\xdc]")
_STRAY_BUT_RESTART = re.compile(rb"\xff[^\x00\xff\xd9\xdc\xd0-\xd7]")
_SCAN = re.compile(rb"\xff\xda\x00(?:\x08\x01|\x0a\x02|\x0c\x03|\x0e\x04)(?=.{11})", re.DOTALL)
_MISSING = (
    0.03  # share of rows: a file cut before that is refused; 20 flipped bytes leave 0 rows empty in 99 % of files
)


def read_jpeg(data: bytes, limits: Limits, source: str, allow_truncated: bool) -> Header:
    """The header of a JPEG.

    Raises:
        ImageError: ``image-unrecognised``, ``image-truncated``, ``image-format`` (12 bits a sample),
            ``image-metadata-limit``, ``image-too-many-scans``.
    """
    size, channels, exif, profile, scan = (0, 0), 3, b"", [], 0
    for count, (marker, start, end) in enumerate(_segments(data)):
        if count > limits.max_metadata:
            raise too_much_metadata(source, limits)
        body = data[start:end]
        if marker in _FRAMES and len(body) >= 6 and end <= len(data):
            size = int.from_bytes(body[3:5]), int.from_bytes(body[1:3])
            channels = body[5]
            if body[0] != 8:
                hint = f"JPEG with {body[0]} bits a sample; convert it to 8"
                raise ImageError(f"{source}: {hint}", code="image-format", source=source)
        elif marker == _APP1 and not exif and body.startswith(b"Exif\0\0"):
            exif = body
        elif marker == _APP2 and body.startswith(b"ICC_PROFILE\0"):
            profile.append(body[12:])  # two bytes: which part, of how many
        elif marker == _SOS:
            scan = start
            break
    _check_whole(data, size, scan, source, allow_truncated)
    _check_scans(data, scan, limits, source)
    orientation, warning = read_orientation(exif)
    joined = b"".join(part[2:] for part in sorted(profile))
    return Header("JPEG", size, orientation, joined, channels=channels, warnings=(warning,) if warning else ())


def decode_jpeg(data: bytes, header: Header, side: int | None, allow_truncated: bool, source: str) -> AnyArray:
    """The pixels as stored, at the smallest of 1/1, 1/2, 1/4, 1/8 whose long side is still at least `side`.

    Args:
        data: the file.
        header: of the same file.
        side: pixels; None for all of them.
        allow_truncated: give what there is of a cut file, the rest grey.
        source: for messages.

    Returns:
        (h, w, 3) uint8 RGB, or (h, w, 4) uint8 CMYK as Pillow counts ink.

    Raises:
        ImageError: ``image-truncated`` or ``image-damaged``.
    """
    width, height = header.size
    factor = _reduction(max(header.size), side)
    space = "CMYK" if header.channels == 4 else "RGB"
    try:
        pixels = _call(data, space, header, factor)
    except ValueError as error:
        pixels = _decode_damaged(data, space, header, factor, source)
        if not allow_truncated and (_empty_rows(pixels) > _MISSING or not _all_coefficients(data)):
            raise truncated(source) from error
    if header.channels == 4:
        pixels = ~pixels  # every CMYK JPEG is taken as Adobe writes it: ink inverted
    # The last block may reach past the picture; rounding keeps coordinates within half a pixel after any turn.
    return np.asarray(pixels[: max(1, (height + factor // 2) // factor), : max(1, (width + factor // 2) // factor)])


def _reduction(long: int, side: int | None) -> int:
    if side is None:
        return 1
    return next((f for f in (8, 4, 2) if (long + f // 2) // f >= side), 1)


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, start, end) of each segment's content up to the end of the picture; scans are stepped over."""
    at = 2
    while found := _MARKER.search(data, at):
        marker, at = data[found.end() - 1], found.end()
        if marker == _EOI:
            return
        if marker in (_SOI, _TEM):
            continue
        start, at = at + 2, at + max(2, int.from_bytes(data[at : at + 2]))
        yield marker, start, at


def _check_whole(data: bytes, size: tuple[int, int], scan: int, source: str, allow_truncated: bool) -> None:
    if not all(size) and len(data) < _SMALLEST:
        hint = "a JPEG without a picture in it; replace the file"
        raise ImageError(f"{source}: {hint}", code="image-unrecognised", source=source)
    if not (all(size) and scan and (allow_truncated or data.rfind(b"\xff\xd9", scan) > 0)):
        raise truncated(source)


def _check_scans(data: bytes, scan: int, limits: Limits, source: str) -> None:
    if 1 + data.count(b"\xff\xda", scan) <= limits.max_scans:
        return  # an upper bound: the two bytes may stand in a thumbnail or after the end
    scans = (1 for marker, _, _ in _segments(data) if marker == _SOS)
    if sum(islice(scans, limits.max_scans + 1)) > limits.max_scans:
        hint = f"JPEG with more than {limits.max_scans} scans; save it again as an ordinary JPEG"
        raise ImageError(f"{source}: {hint}", code="image-too-many-scans", source=source)


def _call(data: bytes, space: str, header: Header, factor: int, strict: bool = True) -> AnyArray:
    width, height = header.size
    # 1/1 must not be asked for by size, it would allow enlarging; ratios such as 3/8 are slower, without vector code.
    smallest = {"min_width": -(-width // factor), "min_height": -(-height // factor)} if factor > 1 else {}
    pixels: AnyArray = simplejpeg.decode_jpeg(data, space, strict=strict, **smallest)
    return pixels


def _decode_damaged(data: bytes, space: str, header: Header, factor: int, source: str) -> AnyArray:
    """As much as can be decoded; where nothing arrived the pixels are grey."""
    try:
        return _call(_without_strays(data), space, header, factor, strict=False)
    except ValueError:  # sampling factors that TurboJPEG has no name for; Pillow calls libjpeg without it
        image = open_as("JPEG", data, source)
    image.draft(None, (max(1, header.size[0] // factor), max(1, header.size[1] // factor)))
    image = load(image, source)
    return ~np.asarray(image) if image.mode == "CMYK" else np.asarray(image.convert("RGB"))


def _without_strays(data: bytes) -> bytes:
    """The same file without the false markers that a flipped byte makes; each would end the picture."""
    frame, restarts = b"", False
    for marker, start, end in _segments(data):
        if marker in _FRAMES:
            frame = data[start - 3 : end]
        elif marker == _SOS:
            break
        restarts |= marker == _DRI
    # Only a sequential picture with all its channels in its first scan is known to have no other segment after it.
    if frame[:1] not in (b"\xc0", b"\xc1") or data[start : start + 1] != frame[8:9]:
        return data
    stray = _STRAY_BUT_RESTART if restarts else _STRAY
    return data[:end] + stray.sub(b"\xff\x00", data[end:])


def _empty_rows(pixels: AnyArray) -> float:
    """Share of the rows, from the bottom up, that are the grey which libjpeg leaves where no data arrived."""
    grey = ((pixels == 128) | (pixels == 127)).all(axis=(1, 2))
    full = np.flatnonzero(~grey)
    return 1 - (full[-1] + 1) / len(grey) if len(full) else 1.0


def _all_coefficients(data: bytes) -> bool:
    """Whether the scans together bring every coefficient of every channel to its last bit (T.81, G.1.1.1)."""
    frame = next(data[start:end] for marker, start, end in _segments(data) if marker in _FRAMES)
    missing = {(channel, k) for channel in frame[6::3] for k in range(64)}
    for scan in _SCAN.finditer(data):  # by pattern: in a damaged file the walk from segment to segment can get lost
        at, end = scan.end(), scan.end() + 2 * data[scan.end() - 1]
        channels, (first, last, bits) = data[at:end:2], data[end : end + 3]
        if bits & 15 == 0:
            missing -= {(channel, k) for channel in channels for k in range(first, last + 1)}
    return not missing
