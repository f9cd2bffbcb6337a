"""The formats that Pillow decodes, each by its own plug-in class.

`PIL.Image.open` is not used: it tries every plug-in that any library has registered, and its warning about large
pictures is global to the process. The limits have been checked before anything here decodes.
"""

from __future__ import annotations

import importlib
import struct
import zlib
from io import BytesIO

from PIL import Image as Pil
from PIL import ImageFile

from mien.errors import ImageError
from mien.image.exif import count_pages
from mien.image.header import Header, is_cut, truncated
from mien.image.limits import Limits

_CLASSES = {
    "JPEG": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WebP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIC": ("pillow_heif", "HeifImageFile"),
}
# What the plug-ins raise on broken files; the warnings only where they were made errors.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,
    UserWarning,
    struct.error,
    zlib.error,
    Pil.DecompressionBombError,
)


def open_as(form: str, data: bytes, source: str) -> ImageFile.ImageFile:
    """Open, without decoding, as one format.

    Raises:
        ImageError: ``image-format`` when the decoder is not installed, ``image-truncated``, ``image-damaged``.
    """
    module, name = _CLASSES[form]
    try:
        plugin = getattr(importlib.import_module(module), name)
    except ImportError as error:
        hint = f"{form} needs a decoder that is not installed; pip install 'mien[heic]', or convert it to JPEG"
        raise ImageError(f"{source}: {hint}", code="image-format", source=source) from error
    try:
        image: ImageFile.ImageFile = plugin(BytesIO(data))
    except _BROKEN as error:
        raise _damage(error, source) from error
    return image


def load(image: ImageFile.ImageFile, source: str, allow_truncated: bool = False) -> ImageFile.ImageFile:
    """Decode the first frame.

    Raises:
        ImageError: ``image-truncated`` or ``image-damaged``.
    """
    try:
        image.load()
    except _BROKEN as error:
        if not (allow_truncated and _keeps_its_rows(image)):
            raise _damage(error, source) from error
    if image.mode in ("P", "PA") and image.palette is None:
        raise _damage(ValueError("a palette picture without its palette"), source)
    return image


def _keeps_its_rows(image: ImageFile.ImageFile) -> bool:
    """Whether rows were decoded before the failure; from now on they are the picture, the rest is black."""
    image.tile = []
    try:
        image.load()
    except _BROKEN:
        return False
    return True


def read_opened(form: str, data: bytes, limits: Limits, source: str) -> Header:
    """The header of a BMP, TIFF, AVIF or HEIC file, as its plug-in reads it.

    TIFF and HEIC come upright from their decoders; orientation 1 is right for them.
    """
    if form in ("AVIF", "HEIC") and is_cut(data):
        raise truncated(source)
    with open_as(form, data, source) as image:
        if form == "BMP" and image.info.get("compression", 0) in (1, 2):
            hint = "run-length coded BMP; convert it to PNG"
            raise ImageError(f"{source}: {hint}", code="image-format", source=source)
        frames = count_pages(data, limits.max_frames) if form == "TIFF" else int(getattr(image, "n_frames", 1))
        orientation = image.getexif().get(0x0112, 1) if form == "AVIF" else 1
        profile = image.info.get("icc_profile") or b""
        return Header(form, image.size, orientation if orientation in range(1, 9) else 1, profile, frames)


def _damage(error: BaseException, source: str) -> ImageError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    if "truncated" in reason.lower() or isinstance(error, EOFError):
        return truncated(source)
    return ImageError(f"{source}: cannot be decoded ({reason}); replace the file", code="image-damaged", source=source)
