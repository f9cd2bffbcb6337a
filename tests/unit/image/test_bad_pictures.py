"""Every row of the table of bad pictures: what is refused, with which stable code, and what is accepted."""

from __future__ import annotations

import io
import tracemalloc
import zlib

import drawn_pictures as pictures
import numpy as np
import pytest
from drawn_pictures import save, scene
from PIL import Image

from mien.errors import ImageError
from mien.image import Limits, open_photo

JPEG = save(scene(), quality=90)
BASELINE_CUT = JPEG[: len(JPEG) // 2]
PROGRESSIVE = save(scene(), progressive=True)
RESTARTS = save(scene(), restart_marker_rows=1)
PNG = save(scene(), "PNG")
EOI = b"\xff\xd9"

REFUSED = {
    "empty file": ("image-empty", lambda: b""),
    "jpeg cut in half": ("image-truncated", lambda: BASELINE_CUT),
    "jpeg cut in half, end marker added": ("image-truncated", lambda: BASELINE_CUT + EOI),
    "progressive cut in half, end marker added": (
        "image-truncated",
        lambda: PROGRESSIVE[: len(PROGRESSIVE) // 2] + EOI,
    ),
    "restarts, cut in half, end marker added": ("image-truncated", lambda: RESTARTS[: len(RESTARTS) // 2] + EOI),
    "cmyk cut in half, end marker added": (
        "image-truncated",
        lambda: (d := save(scene().convert("CMYK")))[: len(d) // 2] + EOI,
    ),
    "jpeg without its last 2 bytes": ("image-truncated", lambda: JPEG[:-2]),
    "jpeg cut within its tables": ("image-truncated", lambda: JPEG[:200]),
    "jpeg header only": ("image-unrecognised", lambda: JPEG[:20]),
    "png cut in half": ("image-truncated", lambda: PNG[: len(PNG) // 2]),
    "png without its end": ("image-truncated", lambda: PNG[:-12]),
    "webp cut in half": ("image-truncated", lambda: (d := save(scene(), "WEBP"))[: len(d) // 2]),
    "gif cut in half": ("image-truncated", lambda: (d := save(scene(), "GIF"))[: len(d) // 2]),
    "bmp cut in half": ("image-truncated", lambda: (d := save(scene(), "BMP"))[: len(d) // 2]),
    "tiff with pixels missing": ("image-truncated", lambda: _tiff_without_pixels()),
    "1 x 1": ("image-too-small", lambda: save(scene().resize((1, 1)), "PNG")),
    "2 x 2": ("image-too-small", lambda: save(scene().resize((2, 2)))),
    "79 x 79": ("image-too-small", lambda: save(scene().resize((79, 79)))),
    "100000 x 1": ("image-shape", lambda: pictures.flat_png(100_000, 1, 1, 0)),
    "1 x 100000": ("image-shape", lambda: pictures.flat_png(1, 100_000, 1, 0)),
    "20001 x 1001": ("image-shape", lambda: pictures.flat_png(20_001, 1_001, 1, 0)),
    "50000 x 50000, 1 bit": ("image-too-many-pixels", lambda: pictures.flat_png(50_000, 50_000, 1, 0)),
    "13000 x 13000, rgb": ("image-too-many-pixels", lambda: pictures.flat_png(13_000, 13_000, 8, 2)),
    "2000 scans": ("image-too-many-scans", lambda: pictures.many_scans(2_000)),
    "10000 text chunks": ("image-metadata-limit", lambda: _with_chunks(b"tEXt", b"a\0b", 10_000)),
    "html named jpg": ("image-unrecognised", lambda: b"<!doctype html><script>alert(1)</script>" * 9),
    "svg": ("image-unrecognised", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>' * 9),
    "pdf": ("image-unrecognised", lambda: b"%PDF-1.7\n" + bytes(300)),
    "eps": ("image-unrecognised", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n" * 9),
    "text that begins like a bitmap": ("image-unrecognised", lambda: b"BMW is a car maker. " * 20),
    "run-length bitmap": ("image-format", lambda: _run_length_bmp()),
    "floating-point tiff": ("image-format", lambda: save(scene().convert("L").convert("F"), "TIFF")),
    "png with a broken checksum": ("image-damaged", lambda: _png_with_wrong_checksum()),
    "palette png without its palette": ("image-damaged", lambda: _png_without_palette()),
    "truncated avif": ("image-truncated", lambda: (d := save(scene(), "AVIF"))[: len(d) // 2]),
}


def _with_chunks(name: bytes, body: bytes, count: int) -> bytes:
    return pictures.flat_png(100, 100, 8, 0, extra=pictures.chunk(name, body) * count)


def _tiff_without_pixels() -> bytes:
    data = bytearray(save(scene(), "TIFF"))
    at = data.index(b"\x11\x01")  # StripOffsets
    data[at + 8 : at + 12] = (len(data) - 100).to_bytes(4, "little")
    return bytes(data)


def _png_without_palette() -> bytes:
    data = save(scene().quantize(16), "PNG")
    at = data.index(b"PLTE")
    return data[: at - 4] + data[at + 8 + int.from_bytes(data[at - 4 : at]) :]


def _run_length_bmp() -> bytes:
    data = bytearray(save(scene().quantize(16), "BMP"))
    data[30] = 1
    return bytes(data)


def _png_with_wrong_checksum() -> bytes:
    at = PNG.index(b"IDAT") + 30
    return PNG[:at] + bytes([PNG[at] ^ 1]) + PNG[at + 1 :]


@pytest.mark.parametrize("row", REFUSED)
def test_a_bad_picture_is_refused_with_its_code_and_one_line(row: str) -> None:
    code, make = REFUSED[row]
    with pytest.raises(ImageError) as caught:
        open_photo(make(), name="bad.jpg").decode()
    assert caught.value.code == code
    assert caught.value.exit_code == 3
    assert caught.value.source == "bad.jpg"
    assert str(caught.value).startswith("bad.jpg")
    assert "\n" not in str(caught.value)


ACCEPTED = {
    "polyglot jpeg + zip": JPEG + b"PK\x03\x04" + bytes(100),
    "polyglot jpeg + html": JPEG + b"<script>alert(1)</script>",
    "1 MB comment": JPEG[:2] + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 16 + JPEG[2:],
    "exif with a script and a place": save(scene(), exif=b"Exif\0\0<script>" + bytes(60_000)),
    "jpeg + second jpeg": JPEG + JPEG,
    "80 x 80": save(scene().resize((80, 80))),
    "100 scans": pictures.many_scans(90),
    "cyclic tiff": pictures.cyclic_tiff(),
}


@pytest.mark.parametrize("row", ACCEPTED)
def test_an_odd_but_sound_picture_is_decoded(row: str) -> None:
    photo = open_photo(ACCEPTED[row])
    assert photo.decode().size == photo.size


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}], ids=str)
def test_twenty_flipped_bytes_still_decode(options: dict[str, object]) -> None:
    data = save(scene(960, 720), quality=90, **options)
    refused = 0
    for seed in range(40):
        try:
            assert open_photo(pictures.flipped(data, seed)).decode().size == (960, 720)
        except ImageError:
            refused += 1
    assert refused <= 2  # a flip can make an end marker, or a table that no decoder takes


def test_a_cut_picture_is_decoded_when_asked_for() -> None:
    whole = np.asarray(scene())
    for data in (BASELINE_CUT, BASELINE_CUT + EOI, PNG[: len(PNG) // 2]):
        pixels = open_photo(data, allow_truncated=True).decode().pixels
        assert pixels.shape == whole.shape
        assert np.abs(pixels[:30].astype(int) - whole[:30]).mean() < 8


@pytest.mark.parametrize(
    ("row", "mebibytes"), [("50000 x 50000, 1 bit", 50), ("13000 x 13000, rgb", 50), ("2000 scans", 50)]
)
def test_a_bomb_is_refused_without_being_unpacked(row: str, mebibytes: int) -> None:
    data = REFUSED[row][1]()
    tracemalloc.start()
    with pytest.raises(ImageError):
        open_photo(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < mebibytes << 20


def test_a_compressed_text_bomb_is_never_unpacked() -> None:
    bomb = b"a\0\0" + zlib.compress(bytes(64 << 20), 9)
    tracemalloc.start()
    open_photo(_with_chunks(b"zTXt", bomb, 3)).decode()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_the_limits_are_values_of_the_caller() -> None:
    small = save(scene().resize((48, 48)))
    assert open_photo(small, limits=Limits(min_side=48)).decode().size == (48, 48)
    with pytest.raises(ImageError, match="at least 48"):
        open_photo(save(scene().resize((47, 48))), limits=Limits(min_side=48))


@pytest.mark.parametrize(
    ("limits", "refused"),
    [
        (Limits(max_pixels=160 * 120), False),
        (Limits(max_pixels=160 * 120 - 1), True),
        (Limits(max_side=160), False),
        (Limits(max_side=159), True),
        (Limits(max_bytes=len(JPEG)), False),
        (Limits(max_bytes=len(JPEG) - 1), True),
    ],
)
def test_both_sides_of_a_limit(limits: Limits, refused: bool) -> None:
    if refused:
        with pytest.raises(ImageError):
            open_photo(JPEG, limits=limits)
    else:
        assert open_photo(JPEG, limits=limits).size == (160, 120)


def test_scans_are_counted_exactly_at_the_limit() -> None:
    scans = PROGRESSIVE.count(b"\xff\xda")
    thumbnails = PROGRESSIVE + b"\xff\xda" * 500  # after the end: not scans
    assert open_photo(thumbnails, limits=Limits(max_scans=scans)).format == "JPEG"
    with pytest.raises(ImageError, match="scans"):
        open_photo(PROGRESSIVE, limits=Limits(max_scans=scans - 1))


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_frame_is_decoded_and_the_frames_are_counted(form: str) -> None:
    first, second = scene(), Image.new("RGB", (160, 120), "red")
    options = {"lossless": True} if form == "WEBP" else {}
    frames = [im.quantize(64) for im in (first, second)] if form == "GIF" else [first, second]
    data = save(frames[0], form, save_all=True, append_images=frames[1:], **options)
    photo = open_photo(data)
    assert photo.frames == 2
    assert np.array_equal(photo.decode().pixels, np.asarray(frames[0].convert("RGB")))


def test_frames_are_counted_up_to_the_limit() -> None:
    photo = open_photo(pictures.long_gif(50_000))
    assert photo.frames == Limits().max_frames
    assert photo.decode().size == (160, 120)


def test_a_cyclic_tiff_has_one_page() -> None:
    assert open_photo(pictures.cyclic_tiff()).frames == 1


def test_the_content_decides_not_the_name() -> None:
    photo = open_photo(JPEG, name="portrait.png")
    assert photo.format == "JPEG"
    assert photo.warnings == ("named .png, but it is a JPEG picture",)


@pytest.mark.parametrize("colour", ["black", "white"])
def test_an_empty_scene_is_a_picture(colour: str) -> None:
    pixels = open_photo(save(Image.new("RGB", (100, 100), colour))).decode().pixels
    assert (pixels == (0 if colour == "black" else 255)).all()


def test_a_profile_of_4_megabytes_is_ignored_with_a_warning() -> None:
    data = save(scene(), "PNG", icc_profile=bytes(4 << 20))
    photo = open_photo(data)
    assert photo.warnings == ("the colour profile is larger than 2097152 bytes: ignored",)
    assert np.array_equal(photo.decode().pixels, np.asarray(scene()))


def test_a_broken_profile_is_ignored_with_a_warning() -> None:
    photo = open_photo(save(scene(), quality=90, icc_profile=b"not a profile" * 20))
    assert photo.warnings == ("the colour profile cannot be read: ignored",)
    assert np.array_equal(photo.decode().pixels, np.asarray(Image.open(io.BytesIO(JPEG))))


def test_heic_is_decoded_where_the_extra_is_installed() -> None:
    heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    heif.from_pillow(scene()).save(out, quality=90)
    photo = open_photo(out.getvalue())
    assert photo.format == "HEIC"
    assert np.abs(photo.decode().pixels.astype(int) - np.asarray(scene())).mean() < 6
    with pytest.raises(ImageError):
        open_photo(out.getvalue()[: len(out.getvalue()) // 2]).decode()


def test_heic_without_the_extra_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"pip install 'mien\[heic\]'") as caught:
        open_photo(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    assert caught.value.code == "image-format"


SOUND = {
    "baseline": JPEG,
    "progressive": PROGRESSIVE,
    "cmyk": save(scene().convert("CMYK")),
    "png": PNG,
    "palette": save(scene().quantize(16), "PNG"),
    "webp": save(scene(), "WEBP"),
    "gif": save(scene(), "GIF"),
    "bmp": save(scene(), "BMP"),
    "tiff": save(scene(), "TIFF"),
    "lzw": save(scene(), "TIFF", compression="tiff_lzw"),
    "avif": save(scene(), "AVIF"),
}


@pytest.mark.parametrize("kind", SOUND)
@pytest.mark.parametrize("allow", [False, True], ids=["strict", "allow-truncated"])
def test_no_damage_raises_anything_but_a_picture_error(kind: str, allow: bool) -> None:
    rng = np.random.default_rng(11)
    codes = set()
    for _ in range(150):
        data = bytearray(SOUND[kind])
        for at in rng.integers(0, min(len(data), rng.choice([400, len(data)])), rng.choice([1, 4, 30])):
            data[at] = rng.integers(0, 256)
        try:
            photo = open_photo(bytes(data[: rng.choice([len(data), rng.integers(len(data))])]), allow_truncated=allow)
            assert photo.decode().size == photo.size
        except ImageError as error:
            codes.add(error.code)
    assert codes
    assert all(code.startswith("image-") for code in codes)
