"""Pixels against Pillow, the right way up, at reduced scale, from every kind of source."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from drawn_pictures import exif, flat_png, save, scene
from PIL import Image, ImageOps

from mien.errors import ImageError, NotFoundError, UsageError
from mien.image import Limits, Photo, load_image, open_photo, reading

WHOLE = np.asarray(scene())
TURN = {  # what a camera does to the pixels so that undoing the orientation gives the scene
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


def turned(orientation: int) -> Image.Image:
    image = scene()
    for step in TURN.get(orientation, []):
        image = image.transpose(step)
    return image


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("form", ["PNG", "WEBP", "TIFF"])
def test_all_orientations_give_the_same_upright_pixels(orientation: int, form: str) -> None:
    options = {"lossless": True, "exact": True} if form == "WEBP" else {}
    if form == "TIFF":
        data = save(turned(orientation), form, tiffinfo={0x0112: orientation})
    else:
        data = save(turned(orientation), form, exif=exif(orientation), **options)
    photo = open_photo(data)
    assert photo.size == (160, 120)
    assert photo.warnings == ()
    assert np.array_equal(photo.decode().pixels, WHOLE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("side", [None, 60])
def test_a_jpeg_is_turned_as_pillow_turns_it(orientation: int, side: int | None) -> None:
    data = save(turned(orientation), quality=95, exif=exif(orientation))
    photo = open_photo(data)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    pixels = photo.decode(side).pixels
    assert photo.size == upright.size == (160, 120)
    if side is None:
        assert np.array_equal(pixels, np.asarray(upright))
    else:
        half = np.asarray(upright.reduce(2)).astype(int)
        assert pixels.shape == half.shape
        assert np.abs(pixels - half).mean() < 3


@pytest.mark.parametrize(("value", "kind"), [(9, 3), (0, 3), (6, 2)], ids=["9", "0", "text"])
def test_an_unknown_orientation_is_upright_with_a_warning(value: int, kind: int) -> None:
    photo = open_photo(save(scene(), "PNG", exif=exif(value, kind)))
    assert photo.warnings == ("EXIF orientation is not one of 1 to 8: taken as upright",)
    assert np.array_equal(photo.decode().pixels, WHOLE)


@pytest.mark.parametrize("broken", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0<script>"])
def test_broken_exif_is_upright(broken: bytes) -> None:
    assert np.array_equal(open_photo(save(scene(), "PNG", exif=broken)).decode().pixels, WHOLE)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"keep_rgb": True}], ids=str)
def test_a_full_jpeg_is_what_libjpeg_gives(options: dict[str, object]) -> None:
    data = save(scene(), quality=90, **options)
    assert np.array_equal(load_image(data).pixels, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(("side", "factor"), [(None, 1), (500, 2), (125, 8)])
def test_sampling_without_a_name_is_decoded_by_pillow(side: int | None, factor: int) -> None:
    data = bytearray(save(scene(1001, 707), quality=90, subsampling=2))
    frame = data.index(b"\xff\xc0")
    data[frame + 11], data[frame + 14] = 0x21, 0x12  # luma 2x1, blue 1x2: legal, unusual
    expected = Image.open(io.BytesIO(bytes(data)))
    expected.draft(None, (1001 // factor, 707 // factor))
    pixels = open_photo(bytes(data), allow_truncated=True).decode(side).pixels
    height, width = pixels.shape[:2]
    assert (width, height) == ((1001 + factor // 2) // factor, (707 + factor // 2) // factor)
    assert np.array_equal(pixels, np.asarray(expected)[:height, :width])


@pytest.mark.parametrize(
    ("side", "long"),
    [(None, 1601), (1601, 1601), (802, 1601), (801, 801), (800, 801), (401, 801), (400, 400), (200, 200), (9, 200)],
)
def test_the_cheapest_scale_that_is_large_enough(side: int | None, long: int) -> None:
    # 1601 halves to 800.5: rounded up, the long side may be 801 at 1/2, 400 at 1/4 and 200 at 1/8
    image = open_photo(save(scene(1601, 1000), subsampling=0)).decode(side)
    assert image.size[0] == long
    assert image.full_size == (1601, 1000)


def test_a_reduced_decode_keeps_places_to_half_a_pixel() -> None:
    canvas = np.zeros((1003, 1501, 3), np.uint8)
    canvas[600:664, 1200:1264] = 255
    for orientation in (1, 3):
        stored = canvas if orientation == 1 else canvas[::-1, ::-1]
        image = open_photo(save(Image.fromarray(stored), exif=exif(orientation))).decode(370)
        y, x = np.nonzero(image.pixels[..., 1] > 127)
        centre = np.array([x.mean(), y.mean()]) + 0.5
        assert image.size == (375, 251)
        assert np.abs(centre / image.scale - (1232, 632)).max() < 3  # a pixel here is 4 there


def test_side_below_one_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        open_photo(save(scene())).decode(0)


# --- sources


def test_every_kind_of_source_gives_the_same(tmp_path: Path) -> None:
    data = save(scene(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data)):
        photo = open_photo(source)
        assert photo.sha256 == hashlib.sha256(data).hexdigest()
        assert np.array_equal(photo.decode().pixels, WHOLE)
    with path.open("rb") as file:
        assert open_photo(file).source == str(path)
    assert open_photo(path).source == str(path)
    assert open_photo(data).source == "<bytes>"
    assert open_photo(data, name="ada").decode().source == "ada"


@pytest.mark.parametrize("source", [io.StringIO("text"), 7, None], ids=["text", "number", "none"])
def test_what_is_no_source_is_refused(source: object) -> None:
    with pytest.raises(UsageError, match="a picture is a path, bytes"):
        open_photo(source)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["missing.jpg", "a/b.jpg", "nul\0.jpg", "\ud800.jpg"])
def test_a_missing_file_is_not_found(tmp_path: Path, name: str) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(NotFoundError):
        open_photo(str(tmp_path / name))


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.jpg"))
        for source in (tmp_path / "pipe.jpg", tmp_path / "s.jpg", tmp_path, "/dev/zero"):
            with pytest.raises(ImageError) as caught:
                open_photo(source)
            assert caught.value.code == "image-not-a-file"


def test_a_link_to_itself_and_a_name_too_long_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    for source in (tmp_path / "loop.jpg", tmp_path / ("a" * 300)):
        with pytest.raises(ImageError) as caught:
            open_photo(source)
        assert caught.value.code == "image-unreadable"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_right_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(save(scene()))
    (tmp_path / "a.jpg").chmod(0)
    with pytest.raises(ImageError, match="Permission denied"):
        open_photo(tmp_path / "a.jpg")


@pytest.mark.parametrize("change", [-10, 10], ids=["shrinks", "grows"])
def test_a_file_that_changes_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(save(scene()))
    size = path.stat().st_size
    check = reading._check_length

    def change_then_check(*arguments: object) -> None:
        path.write_bytes(bytes(size + change))
        check(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(reading, "_check_length", change_then_check)
    with pytest.raises(ImageError, match=r"a\.jpg: changed while it was read"):
        open_photo(path)


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(ImageError, match="more than 200 MiB"):
        open_photo(tmp_path / "a.jpg")


# --- arrays


def test_pixels_are_copied_and_grey_is_spread() -> None:
    array = WHOLE.copy()
    photo = Photo.from_pixels(array, "frame 7")
    array[:] = 0
    assert np.array_equal(photo.decode(10).pixels, WHOLE)
    assert photo.source == "frame 7"
    grey = Photo.from_pixels(WHOLE[..., 0]).decode()
    assert np.array_equal(grey.pixels, np.dstack([WHOLE[..., 0]] * 3))


@pytest.mark.parametrize(
    "array", [np.zeros((4, 4), "f4"), np.zeros((4, 4, 4), "u1"), np.zeros(4, "u1"), np.zeros((0, 4, 3), "u1")]
)
def test_other_arrays_are_refused(array: np.ndarray) -> None:
    with pytest.raises(UsageError, match="pixels must be"):
        Photo.from_pixels(array)


# --- the process


def test_large_pictures_leave_no_warning_and_no_global_change() -> None:
    before = Image.MAX_IMAGE_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = open_photo(flat_png(10_000, 10_000, 1, 0), limits=Limits(max_pixels=100_000_000))
    assert photo.size == (10_000, 10_000)
    assert before == Image.MAX_IMAGE_PIXELS


def test_threads_decode_the_same() -> None:
    sources = [save(scene(), quality=90), save(scene(), "PNG"), save(scene().convert("CMYK")), save(scene(), "GIF")]
    alone = [load_image(data).pixels for data in sources]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: load_image(sources[i % 4]).pixels, range(64)))
    assert all(np.array_equal(pixels, alone[i % 4]) for i, pixels in enumerate(together))


def test_real_photographs_decode_as_pillow_decodes_them(data: Path) -> None:
    files = sorted((data / "widerface").rglob("*.jpg"))[::20]
    assert files
    for file in files:
        photo = open_photo(file)
        assert photo.warnings == ()
        assert np.array_equal(photo.decode().pixels, np.asarray(Image.open(file).convert("RGB")))
