"""A photograph that is known to be decodable within the limits, and its upright RGB pixels when asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pil

from mien.errors import ImageError, UsageError
from mien.image.colour import profile_transform, to_rgb
from mien.image.exif import turn_upright
from mien.image.gif import read_gif
from mien.image.header import Header, sniff, truncated
from mien.image.jpeg import decode_jpeg, read_jpeg
from mien.image.limits import Limits
from mien.image.pillow import load, open_as, read_opened
from mien.image.png import read_png
from mien.image.reading import PhotoSource, read_bytes
from mien.image.webp import read_webp
from mien.types.arrays import AnyArray, Pixels
from mien.types.image import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

_LIMITS = Limits()
_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png", ".apng"),
    "WebP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "HEIC": (".heic", ".heif", ".hif"),
    "AVIF": (".avif", ".avifs"),
}
SUFFIXES = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
"""Lower-case endings of files that are worth opening."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A checked picture, not yet decoded. Of its metadata only what is listed here is kept.

    Args:
        source: path or name, for messages.
        size: (width, height) of the upright full picture, pixels.
        format: ``JPEG``, ``PNG``, …; ``pixels`` for an array.
        sha256: of the file; of the array's bytes for an array.
        frames: of an animation or pages; only the first is decoded.
        warnings: what was odd but harmless, one line each.
    """

    source: str
    size: tuple[int, int]
    format: str
    sha256: str
    frames: int = 1
    warnings: tuple[str, ...] = ()
    _pixels: Callable[[int | None], Pixels] = field(kw_only=True, repr=False, compare=False)

    def decode(self, side: int | None = None) -> Image:
        """Upright RGB pixels.

        Args:
            side: give the cheapest decode whose long side is at least this many pixels; None for the full picture.

        Raises:
            ImageError: ``image-truncated``, ``image-damaged`` or ``image-format``.
        """
        if side is not None and side < 1:
            raise UsageError(f"side must be at least 1 pixel, got {side}")
        return Image(self._pixels(side), self.size, self.source)

    @classmethod
    def from_pixels(cls, array: AnyArray, name: str = "<array>") -> Photo:
        """A picture that is decoded already: (h, w, 3) uint8 RGB or (h, w) uint8 grey; copied."""
        if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)) or not array.size:
            raise UsageError(
                f"{name}: pixels must be (h, w, 3) RGB or (h, w) grey, uint8, got {array.shape} {array.dtype}"
            )
        rgb = array if array.ndim == 3 else np.repeat(array[:, :, None], 3, axis=2)
        pixels = np.array(rgb, order="C")
        digest = hashlib.sha256(pixels.data).hexdigest()
        return cls(name, (pixels.shape[1], pixels.shape[0]), "pixels", digest, _pixels=lambda _: pixels)


def open_photo(
    source: PhotoSource, *, name: str = "", limits: Limits = _LIMITS, allow_truncated: bool = False
) -> Photo:
    """Read a picture and check it against the limits, without decoding it.

    Args:
        source: path, bytes, a file opened for bytes, or an array (h, w, 3) RGB or (h, w) grey, uint8.
        name: for messages; the path where there is one.
        limits: sizes and counts that are accepted.
        allow_truncated: decode what there is of a file that is cut off.

    Raises:
        NotFoundError: no such file.
        ImageError: anything else; `code` says what.
    """
    if isinstance(source, np.ndarray):
        photo = Photo.from_pixels(source, name or "<array>")
        limits.check_size(photo.size, photo.source)
        return photo
    data, name = read_bytes(source, name, limits)
    digest = hashlib.sha256(data).hexdigest()
    header, data = _read_header(data, limits, name, allow_truncated)
    limits.check_size(header.size, name)
    transform, warning = profile_transform(header.profile, limits.max_profile)
    decode = partial(_decode, data, header, transform, allow_truncated, name)
    warnings = (*header.warnings, *filter(None, (_misnamed(name, header.format), warning)))
    return Photo(name, header.upright, header.format, digest, header.frames, warnings, _pixels=decode)


def load_image(source: PhotoSource) -> Image:
    """The full upright RGB picture in one call; raises as `open_photo` does."""
    return open_photo(source).decode()


def _read_header(data: bytes, limits: Limits, source: str, allow_truncated: bool) -> tuple[Header, bytes]:
    """The header, and the bytes that are needed to decode the first frame."""
    match sniff(data):
        case "JPEG":
            return read_jpeg(data, limits, source, allow_truncated), data
        case "PNG":
            return read_png(data, limits, source, allow_truncated)
        case "WebP":
            return read_webp(data, limits, source), data
        case "GIF":
            return read_gif(data, limits, source), data
        case "BMP" | "TIFF" | "AVIF" | "HEIC" as form:
            return read_opened(form, data, limits, source), data
        case _:
            hint = "not a JPEG, PNG, WebP, BMP, GIF, TIFF, HEIC or AVIF picture; convert it to JPEG"
            raise ImageError(f"{source}: {hint}", code="image-unrecognised", source=source)


def _decode(
    data: bytes,
    header: Header,
    transform: ImageCmsTransform | None,
    allow_truncated: bool,
    source: str,
    side: int | None,
) -> Pixels:
    if header.format == "JPEG":
        pixels = decode_jpeg(data, header, side, allow_truncated, source)
        if header.channels == 4:
            pixels = np.asarray(to_rgb(Pil.fromarray(pixels, "CMYK"), transform, source))
        elif transform is not None:
            pixels = np.asarray(to_rgb(Pil.fromarray(pixels), transform, source))
    else:
        with open_as(header.format, data, source) as image:
            if image.size != header.size:
                raise truncated(source)
            pixels = np.asarray(to_rgb(load(image, source, allow_truncated), transform, source))
    return turn_upright(pixels, header.orientation)


def _misnamed(name: str, form: str) -> str:
    suffix = PurePath(name).suffix.lower()
    if suffix not in SUFFIXES or suffix in _SUFFIXES[form]:
        return ""
    return f"named {suffix}, but it is a {form} picture"
