"""Every kind of colour to 8-bit sRGB."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pil

from mien.errors import ImageError

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

_MODES = {b"RGB ": "RGB", b"CMYK": "CMYK"}  # grey profiles only change the gamma a little; they are left alone
_DEPTHS = (8, 10, 12, 14, 16, 24, 32)
_SAME = 3  # of 255: profiles named sRGB differ by less among each other


@lru_cache(maxsize=32)
def profile_transform(profile: bytes, max_profile: int) -> tuple[ImageCmsTransform | None, str]:
    """What takes pixels from an ICC profile to sRGB.

    Args:
        profile: ICC profile; empty for none.
        max_profile: bytes; a larger one is ignored.

    Returns:
        The transform, None where the pixels can stay as they are, and a warning, or "" when all is well.
    """
    mode = _MODES.get(profile[16:20])
    if len(profile) > max_profile:
        return None, f"the colour profile is larger than {max_profile} bytes: ignored"
    if profile and profile[36:40] != b"acsp":
        return None, "the colour profile cannot be read: ignored"
    if mode is None:
        return None, ""
    from PIL import ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(BytesIO(profile)), ImageCms.createProfile("sRGB"), mode, "RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None, "the colour profile cannot be read: ignored"
    return (None if mode == "RGB" and _changes_nothing(transform) else transform), ""


def _changes_nothing(transform: ImageCmsTransform) -> bool:
    """Whether a grid of colours stays where it is: the profile is sRGB, whatever its name."""
    levels = np.arange(0, 256, 51, dtype=np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(6, 36, 3)
    moved = np.asarray(transform.apply(Pil.fromarray(grid)), np.int16)
    return bool(np.abs(moved - grid).max() <= _SAME)


def to_rgb(image: Pil.Image, transform: ImageCmsTransform | None, source: str) -> Pil.Image:
    """8-bit sRGB of a picture of any mode: alpha over white, more bits by their range, the profile applied.

    Raises:
        ImageError: ``image-format``: floating-point samples or Lab, which have no agreed white.
    """
    if image.mode.startswith("I"):
        image = _eight_bits(image)
    if image.mode in ("F", "LAB"):
        hint = f"samples of kind {image.mode}; convert it to 8-bit RGB"
        raise ImageError(f"{source}: {hint}", code="image-format", source=source)
    if image.has_transparency_data:
        image = _over_white(image)
    if transform is not None and image.mode == transform.input_mode:
        return transform.apply(image)
    return image.convert("RGB")


def _eight_bits(image: Pil.Image) -> Pil.Image:
    """Grey of more than 8 bits, divided by the range that is in use: cameras put 10 to 14 bits into 16."""
    grey = np.maximum(np.asarray(image).astype(np.int64), 0)
    bits = next(bits for bits in _DEPTHS if int(grey.max()) < 1 << bits)
    return Pil.fromarray(np.rint(grey * (255 / ((1 << bits) - 1))).astype(np.uint8))


def _over_white(image: Pil.Image) -> Pil.Image:
    layer = image.convert("RGBA")
    white = Pil.new("RGBA", layer.size, "white")
    return Pil.alpha_composite(white, layer).convert("RGB")
