"""A picture written again in the format it came in, with nothing of its metadata."""

from __future__ import annotations

import importlib
from io import BytesIO
from typing import Any, Final

from PIL import Image as Pil

from mien.errors import ImageError
from mien.image.encode import encode_jpeg
from mien.types.arrays import Pixels

QUALITY: Final = 95
"""Of lossy formats: what was not touched should look untouched."""
_OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "PNG": {},
    "WebP": {"quality": QUALITY},
    "BMP": {},
    "GIF": {},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {"quality": QUALITY},
}


def encode_as(pixels: Pixels, form: str, source: str = "") -> bytes:
    """The bytes of a picture: no EXIF, no thumbnail, no profile (the pixels are sRGB), no second frame.

    Args:
        pixels: (h, w, 3) uint8 RGB, upright.
        form: format as `Photo.format` names it; ``pixels`` becomes PNG.
        source: for messages.

    Raises:
        ImageError: ``image-format``: the format cannot be written here.
    """
    if form == "JPEG":
        return encode_jpeg(pixels, QUALITY)
    form = "PNG" if form == "pixels" else form
    out = BytesIO()
    try:
        if form == "HEIC":
            height, width = pixels.shape[:2]
            heif = importlib.import_module("pillow_heif")
            heif.from_bytes("RGB", (width, height), pixels.tobytes()).save(out, quality=QUALITY)
        else:
            Pil.fromarray(pixels).save(out, form, **_OPTIONS[form])
    except (ImportError, KeyError, OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        hint = f"cannot be written as {form} ({reason}); convert it to JPEG or PNG first"
        raise ImageError(f"{source}: {hint}", code="image-format", source=source) from error
    return out.getvalue()
