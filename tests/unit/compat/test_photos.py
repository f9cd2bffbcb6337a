"""The forms in which other libraries take pictures."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mien.compat.photos import photo_of, pictures_in
from mien.errors import ImageError, NotFoundError, UsageError

RED = np.zeros((90, 100, 3), np.uint8)
RED[:, :, 0] = 255


def png() -> bytes:
    out = io.BytesIO()
    Image.fromarray(RED).save(out, "PNG")
    return out.getvalue()


def pixels(source: object, *, bgr: bool) -> np.ndarray:
    return photo_of(source, bgr=bgr).decode().pixels


def test_arrays_have_the_originals_channel_order():
    assert (pixels(RED, bgr=False) == RED).all()
    assert (pixels(RED[:, :, ::-1], bgr=True) == RED).all()


@pytest.mark.parametrize("bgr", [False, True])
def test_encoded_pictures_know_their_own_order(tmp_path, bgr):
    path = tmp_path / "red.png"
    path.write_bytes(png())
    uri = "data:image/png;base64," + base64.b64encode(png()).decode()
    for source in (path, str(path), png(), io.BytesIO(png()), uri):
        assert (pixels(source, bgr=bgr) == RED).all()


def test_a_file_that_was_read_is_read_from_its_beginning():
    file = io.BytesIO(png())
    file.read()
    assert (pixels(file, bgr=True) == RED).all()


def test_floats_from_0_to_1_are_pixels():
    assert (pixels(RED / 255, bgr=False) == RED).all()


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan])
def test_other_floats_are_refused(value):
    with pytest.raises(UsageError, match=r"0\.\.1"):
        photo_of(np.full((90, 90, 3), value), bgr=True)


@pytest.mark.parametrize("url", ["http://host/a.jpg", "HTTPS://host/a.jpg", "file:///etc/passwd", "ftp://host/a.jpg"])
def test_urls_are_refused(url):
    with pytest.raises(UsageError, match="fetches no URLs") as caught:
        photo_of(url, bgr=True)
    assert caught.value.code == "url-refused"


@pytest.mark.parametrize("uri", ["data:text/plain;base64,aGk=", "data:image/png,raw", "data:image/png;base64,?!"])
def test_a_bad_data_uri_is_a_bad_picture(uri):
    with pytest.raises(ImageError):
        photo_of(uri, bgr=True)


def test_a_missing_file_and_a_number_are_told_apart():
    with pytest.raises(NotFoundError):
        photo_of("nowhere.jpg", bgr=True)
    with pytest.raises(UsageError, match="got int"):
        photo_of(7, bgr=True)


def test_several_pictures_come_as_a_list_or_as_an_array_of_four_axes():
    assert pictures_in("a.jpg") == (["a.jpg"], False)
    assert pictures_in(["a.jpg", "b.jpg"]) == (["a.jpg", "b.jpg"], True)
    found, several = pictures_in(np.stack([RED, RED]))
    assert several
    assert [picture.shape for picture in found] == [RED.shape] * 2
    assert pictures_in(RED)[1] is False
