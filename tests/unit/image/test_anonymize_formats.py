"""A picture goes out in the format it came in, without what stood beside its pixels."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image as Pil

from mien.errors import ImageError
from mien.image import open_photo
from mien.image.formats import encode_as

PIXELS = np.full((90, 120, 3), (200, 100, 50), np.uint8)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "AVIF", "HEIC"])
def test_format_size_and_colour_stay(form: str) -> None:
    if form == "HEIC":
        pytest.importorskip("pillow_heif")
    photo = open_photo(encode_as(PIXELS, form))
    assert (photo.format, photo.size) == (form, (120, 90))
    assert np.abs(photo.decode().pixels.astype(int) - PIXELS).max() <= 6


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WebP", "TIFF"])
def test_no_metadata_is_written(form: str) -> None:
    with Pil.open(BytesIO(encode_as(PIXELS, form))) as image:
        names = {0x010E, 0x0112, 0x0132, 0x8769, 0x8825}  # description, orientation, date, EXIF, GPS
        assert not names & set(image.getexif()) - ({0x0112} if form == "TIFF" else set())
        assert "icc_profile" not in image.info


def test_a_format_that_cannot_be_written_is_an_error() -> None:
    with pytest.raises(ImageError, match=r"a\.psd: cannot be written as PSD"):
        encode_as(PIXELS, "PSD", "a.psd")
