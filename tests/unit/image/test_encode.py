"""Pictures out: bytes, thumbnails, previews and drawings."""

from __future__ import annotations

import io

import numpy as np
import pytest
from drawn_pictures import exif, save, scene
from PIL import Image as Pil

from mien.errors import UsageError
from mien.image import draw_faces, encode_jpeg, encode_webp, load_image, open_photo, preview, thumbnail
from mien.types.faces import Faces
from mien.types.image import Image

PIXELS = np.asarray(scene(320, 240))


@pytest.mark.parametrize(("encode", "form"), [(encode_jpeg, "JPEG"), (encode_webp, "WEBP")])
def test_encoded_pixels_come_back(encode: object, form: str) -> None:
    data = encode(PIXELS, 95)  # type: ignore[operator]
    image = Pil.open(io.BytesIO(data))
    assert image.format == form
    assert np.abs(np.asarray(image.convert("RGB")).astype(int) - PIXELS).mean() < 3
    with pytest.raises(UsageError, match="1 to 100"):
        encode(PIXELS, 0)  # type: ignore[operator]


def test_nothing_of_the_metadata_survives() -> None:
    data = save(scene(), exif=exif(1), comment=b"<script>") + b"PK\x03\x04<script>"
    again = encode_jpeg(load_image(data).pixels)
    assert b"Exif" not in again
    assert b"script" not in again


def test_a_thumbnail_is_square_and_shows_the_face() -> None:
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[80:120, 130:170] = 255
    small = thumbnail(pixels, (130, 80, 170, 120), size=96, margin=0.5)
    assert small.shape == (96, 96, 3)
    bright = small[..., 0] > 127  # the face takes the middle half: 40 of 80 pixels
    assert np.abs(bright.sum(0).max() - 48) <= 1
    assert bright[48, 48]
    assert not bright[10, 10]


@pytest.mark.parametrize("box", [(-20, -20, 40, 40), (280, 180, 340, 260), (-50, -50, 400, 300), (5, 5, 5.2, 5.2)])
def test_a_thumbnail_at_the_border_stays_in_the_picture(box: tuple[float, float, float, float]) -> None:
    white = np.full((200, 300, 3), 255, np.uint8)
    small = thumbnail(white, box)
    assert small.shape == (96, 96, 3)
    assert (small == 255).all()


def test_a_box_without_an_area_is_refused() -> None:
    with pytest.raises(UsageError, match="area"):
        thumbnail(PIXELS, (10, 10, 10, 20))


def test_a_preview_keeps_the_shape_and_never_enlarges() -> None:
    assert preview(PIXELS, 160).shape == (120, 160, 3)
    assert preview(PIXELS, 1000) is PIXELS


def test_faces_are_drawn_on_a_copy_where_they_are() -> None:
    image = open_photo(save(scene(640, 480), "PNG")).decode()
    half = Image(np.ascontiguousarray(image.pixels[::2, ::2]), image.full_size)
    before = half.pixels.copy()
    points = np.array([[[240, 200], [300, 200], [270, 240], [245, 270], [295, 270]]], np.float32)
    faces = Faces(np.array([[200, 160, 340, 320]], np.float32), np.array([0.93], np.float32), points, image.size)
    drawn = draw_faces(half, faces)
    assert np.array_equal(half.pixels, before)
    y, x = np.nonzero((drawn != before).any(axis=2))
    assert (drawn[80:161, 170] != before[80:161, 170]).any(axis=1).mean() > 0.9  # right edge at x = 340 / 2
    assert (drawn[100, 120] == (255, 210, 0)).all()  # an eye
    assert x.max() <= 171
    assert y.max() <= 161


def test_no_faces_draw_nothing() -> None:
    assert np.array_equal(draw_faces(Image(PIXELS), Faces.none((320, 240))), PIXELS)
