"""Every kind of colour becomes the same 8-bit sRGB."""

from __future__ import annotations

import io

import numpy as np
import pytest
from drawn_pictures import chunk, flat_png, save, scene
from PIL import Image, ImageCms

from mien.image import load_image, open_photo
from mien.image.colour import profile_transform

RGB = np.asarray(scene())
GREY = np.asarray(scene().convert("L"))
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def spread(grey: np.ndarray) -> np.ndarray:
    return np.dstack([grey] * 3)


def swapped_profile() -> bytes:
    """sRGB with its red and green primaries exchanged: a profile whose effect is easy to foretell."""
    return SRGB.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")


def test_grey_pictures() -> None:
    for form in ("PNG", "TIFF", "BMP", "GIF"):
        assert np.array_equal(load_image(save(scene().convert("L"), form)).pixels, spread(GREY))
    jpeg = save(scene().convert("L"), quality=95)
    assert np.array_equal(load_image(jpeg).pixels, spread(np.asarray(Image.open(io.BytesIO(jpeg)))))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_16_bit_grey_is_scaled_not_clipped(form: str) -> None:
    deep = Image.fromarray(GREY.astype(np.uint16) * 257)
    assert np.array_equal(load_image(save(deep, form)).pixels, spread(GREY))


def test_12_bits_in_16_are_scaled_by_the_range_in_use() -> None:
    twelve = (GREY.astype(np.uint16) << 4) | (GREY >> 4)
    assert np.array_equal(load_image(save(Image.fromarray(twelve), "PNG")).pixels, spread(GREY))


def test_one_bit_and_palette() -> None:
    bits = scene().convert("1")
    assert np.array_equal(load_image(save(bits, "PNG")).pixels, spread(np.asarray(bits) * np.uint8(255)))
    palette = scene().quantize(32)
    assert np.array_equal(load_image(save(palette, "PNG")).pixels, np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_alpha_is_laid_over_white(form: str) -> None:
    alpha = np.where(np.arange(160) < 80, 255, 0).astype(np.uint8)[None].repeat(120, 0)
    image = scene()
    image.putalpha(Image.fromarray(alpha))
    pixels = load_image(save(image, form, **({"lossless": True} if form == "WEBP" else {}))).pixels
    assert np.array_equal(pixels[:, :80], RGB[:, :80])
    assert (pixels[:, 80:] == 255).all()


def test_half_transparent_grey_is_half_way_to_white() -> None:
    image = Image.new("LA", (100, 100), (100, 128))
    expected = round((100 * 128 + 255 * 127) / 255)
    assert (np.abs(load_image(save(image, "PNG")).pixels.astype(int) - expected) <= 1).all()


def test_a_transparent_palette_entry_is_white() -> None:
    palette = scene().quantize(16)
    pixels = load_image(save(palette, "PNG", transparency=3)).pixels
    assert (pixels[np.asarray(palette) == 3] == 255).all()
    assert np.array_equal(
        pixels[np.asarray(palette) != 3], np.asarray(palette.convert("RGB"))[np.asarray(palette) != 3]
    )


@pytest.mark.parametrize("side", [None, 80])
def test_cmyk_jpeg_has_the_colours_of_its_rgb(side: int | None) -> None:
    cmyk = open_photo(save(scene().convert("CMYK"), quality=95)).decode(side).pixels.astype(int)
    rgb = open_photo(save(scene(), quality=95, subsampling=0)).decode(side).pixels
    assert cmyk.shape == rgb.shape
    assert np.abs(cmyk - rgb).mean() < 3


@pytest.mark.parametrize("transform", [0, 2], ids=["CMYK", "YCCK"])
def test_four_channels_are_read_as_pillow_reads_them(transform: int) -> None:
    data = bytearray(save(scene().convert("CMYK"), quality=95))
    data[data.index(b"Adobe") + 11] = transform
    assert np.array_equal(
        load_image(bytes(data)).pixels, np.asarray(Image.open(io.BytesIO(bytes(data))).convert("RGB"))
    )


def test_an_srgb_profile_costs_nothing() -> None:
    assert profile_transform(SRGB, 1 << 20) == (None, "")
    assert profile_transform(b"", 1 << 20) == (None, "")


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_another_profile_is_applied(form: str) -> None:
    options = {"PNG": {}, "JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}, "TIFF": {}}[form]
    pixels = load_image(save(scene(), form, icc_profile=swapped_profile(), **options)).pixels.astype(int)
    assert np.abs(pixels - RGB[..., [1, 0, 2]]).mean() < 3
    assert np.abs(pixels - RGB).mean() > 10


def test_a_profile_of_another_colour_space_is_left_alone() -> None:
    jpeg = save(scene().convert("L"), quality=95, icc_profile=swapped_profile())
    pixels = load_image(jpeg).pixels
    assert np.abs(pixels.astype(int) - spread(GREY)).mean() < 3


def test_a_profile_bomb_is_unpacked_only_to_the_limit() -> None:
    import zlib

    bomb = chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(64 << 20)))
    photo = open_photo(flat_png(100, 100, 8, 2, extra=bomb))
    assert "larger than" in photo.warnings[0]
