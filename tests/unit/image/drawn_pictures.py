"""Pictures drawn for the tests, sound and broken. Seeded, so every run sees the same."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache

import numpy as np
from PIL import Image


def scene(width: int = 160, height: int = 120) -> Image.Image:
    """A coloured scene without symmetry: blurred noise, a bright disc, a dark corner."""
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 256, (height // 8, width // 8, 3), np.uint8))
    pixels = np.asarray(noise.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    y, x = np.mgrid[:height, :width]
    pixels[(x - width * 0.7) ** 2 + (y - height * 0.3) ** 2 < (height * 0.2) ** 2] += 90
    pixels[: height // 5, : width // 5] = (20, 40, 10)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def save(image: Image.Image, form: str = "JPEG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def exif(value: int, kind: int = 3) -> bytes:
    """EXIF with one entry, the orientation."""
    entry = struct.pack("<HHIHH", 0x0112, kind, 1, value, 0)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + struct.pack("<I", 0)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


@cache
def flat_png(width: int, height: int, depth: int, colour: int, *, extra: bytes = b"") -> bytes:
    """A PNG of zeros, built without ever holding its pixels."""
    channels = {0: 1, 2: 3}[colour]
    row = b"\0" + bytes((width * depth * channels + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def many_scans(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    data = save(scene(), progressive=True, quality=50)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + b"\xff\xd9"


def long_gif(frames: int) -> bytes:
    """A GIF with many further frames of one pixel each."""
    dot = b"," + struct.pack("<HHHHBB", 0, 0, 1, 1, 0, 2) + b"\x02\x44\x01\x00"
    return save(scene().quantize(16), "GIF")[:-1] + dot * (frames - 1) + b";"


def cyclic_tiff() -> bytes:
    """A TIFF whose directory names itself as the next."""
    data = bytearray(save(scene(), "TIFF"))
    (start,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * entries, start)
    return bytes(data)


def flipped(data: bytes, seed: int, count: int = 20) -> bytes:
    """`count` bytes of the scan replaced at random."""
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    for at in rng.integers(data.index(b"\xff\xda") + 14, len(data) - 2, count):
        damaged[at] = rng.integers(0, 256)
    return bytes(damaged)
