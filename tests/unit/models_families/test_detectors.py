from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from toy_sessions import ToySession

from mien.geometry.boxes import nms
from mien.image import open_photo
from mien.models import LoadSettings, Store, find_card, load_detector
from mien.models.blob import blob, input_of
from mien.models.card import InputContract
from mien.models.detectors import centerface, detectors, yunet
from mien.models.pyramid import MOST
from mien.types.arrays import FloatArray
from mien.types.image import Image

Maps = Callable[[FloatArray], tuple[FloatArray, ...]]


def sigmoid(x: float) -> float:
    return 1 / (1 + float(np.exp(-x)))


def quiet_strides(height: int = 64, width: int = 96) -> list[FloatArray]:
    """YuNet's outputs for a picture without faces."""
    return [np.full((1, 16, height // s, width // s), -9, np.float32) for s in (8, 16, 32)]


def test_a_yunet_cell_becomes_the_face_worked_out_by_hand() -> None:
    strides = quiet_strides()
    points = [1, 1, 2, 1, 1.5, 1.5, 1, 2, 2, 2]
    strides[1][0, :, 3, 5] = [2, 1, 0.5, 0.25, np.log(2), np.log(3), *points]
    found = yunet.decode([cells[0] for cells in strides], 0.5)
    # centre (5.5, 3.25) * 16 = (88, 52), size (2, 3) * 16 = (32, 48), points (5, 3) * 16 + 16 * (dx, dy)
    np.testing.assert_allclose(found.boxes, [[72, 28, 104, 76]], rtol=1e-6)
    np.testing.assert_allclose(found.points, [[[96, 64], [112, 64], [104, 72], [96, 80], [112, 80]]], rtol=1e-6)
    assert found.scores == pytest.approx(np.sqrt(sigmoid(2) * sigmoid(1)))


@pytest.mark.parametrize("score", [0.02, 0.5, 0.7, 0.99])
def test_the_cheap_test_on_logits_loses_no_yunet_face(score: float) -> None:
    random = np.random.default_rng(1)
    strides = tuple(random.normal(1, 3, s.shape).astype(np.float32) for s in quiet_strides(256, 256))
    every = np.concatenate(
        [[np.sqrt(sigmoid(c) * sigmoid(o)) for c, o in zip(*s[0, :2].reshape(2, -1), strict=True)] for s in strides]
    )
    found = yunet.decode([cells[0] for cells in strides], score)
    np.testing.assert_allclose(found.scores, every[every >= score], rtol=1e-5)


def test_a_centerface_cell_becomes_the_face_worked_out_by_hand() -> None:
    heat, sizes, offsets, points = (np.zeros((n, 8, 8), np.float32) for n in (1, 2, 2, 10))
    heat[0, 2, 5] = 0.8
    sizes[:, 2, 5] = np.log(3), np.log(2)  # height 12 px, width 8 px
    offsets[:, 2, 5] = 0.25, -0.5
    points[:, 2, 5] = [0.25, 0.25, 0.25, 0.75, 0.5, 0.5, 0.75, 0.25, 0.75, 0.75]
    found = centerface.decode(heat[0], sizes, offsets, points, 0.5)
    # centre ((5 - 0.5 + 0.5) * 4, (2 + 0.25 + 0.5) * 4) = (20, 11)
    np.testing.assert_allclose(found.boxes, [[16, 5, 24, 17]], rtol=1e-6)
    np.testing.assert_allclose(found.points, [[[18, 8], [22, 8], [20, 11], [18, 14], [22, 14]]], rtol=1e-6)
    assert found.scores.tolist() == [pytest.approx(0.8)]


def centerface_maps(pixels: FloatArray) -> tuple[FloatArray, ...]:
    height, width = pixels.shape[2] // 4, pixels.shape[3] // 4
    return tuple(np.zeros((1, n, height, width), np.float32) for n in (1, 2, 2, 10))


def yunet_strides(pixels: FloatArray) -> tuple[FloatArray, ...]:
    return tuple(quiet_strides(pixels.shape[2], pixels.shape[3]))


@pytest.mark.parametrize(("name", "maps", "stride"), [("yunet", yunet_strides, 8), ("centerface", centerface_maps, 4)])
def test_each_picture_of_a_call_is_decoded_from_its_own_part(name: str, maps: Maps, stride: int) -> None:
    def answer(pixels: FloatArray) -> tuple[FloatArray, ...]:
        """A face, whose other numbers are zero, in the cell of the one bright pixel of each picture."""
        parts = [np.repeat(part, len(pixels), axis=0) for part in maps(pixels)]
        for picture, y, x in np.argwhere(pixels[:, 0] > 0):
            parts[0][picture, :, y // stride, x // stride] = 0
            parts[0][picture, :2, y // stride, x // stride] = 0.99 if name == "centerface" else 3
        return tuple(parts)

    places = 16, 96, 200
    images = [Image(np.zeros((256, 256, 3), np.uint8)) for _ in places]
    for image, place in zip(images, places, strict=True):
        image.pixels[place, place] = 255
    session = ToySession(answer)
    many = detectors[name](find_card(name), session).detect_many(images)
    assert session.shapes == [(3, 3, 256, 256)]
    for faces, place in zip(many, places, strict=True):
        assert len(faces) == 1
        np.testing.assert_allclose((faces.boxes[0, :2] + faces.boxes[0, 2:]) / 2, [place, place], atol=stride)


@pytest.mark.parametrize(("name", "answer"), [("yunet", yunet_strides), ("centerface", centerface_maps)])
def test_a_picture_without_a_face_gives_no_faces(name: str, answer: object) -> None:
    session = ToySession(answer)  # type: ignore[arg-type]
    detector = detectors[name](find_card(name), session)
    faces = detector.detect(Image(np.zeros((250, 250, 3), np.uint8), source="black"))
    assert (len(faces), faces.size, faces.source, detector.name) == (0, (250, 250), "black", name)
    assert session.shapes == [(1, 3, 256, 256)]


@pytest.mark.weights
@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg", "obama_partial_face2.jpg"])
def test_yunet_finds_what_opencv_finds(portraits: Path, tmp_path: Path, name: str) -> None:
    image = open_photo(next(portraits.rglob(name))).decode(640)
    detector = load_detector("yunet", LoadSettings(engine="onnxruntime", precision="f32"))
    found = detector.find([image.pixels])[0]  # type: ignore[attr-defined]
    rows = nms(found.boxes, found.scores, overlap=0.4)
    model = tmp_path / "yunet.onnx"  # OpenCV goes by the ending
    model.write_bytes(Store().path(find_card("yunet").file).read_bytes())
    oracle = cv2.FaceDetectorYN.create(str(model), "", image.size, find_card("yunet").least_score, nms_threshold=0.4)
    expected = oracle.detect(np.ascontiguousarray(image.pixels[:, :, ::-1]))[1]
    expected = expected[np.argsort(-expected[:, 14], kind="stable")]
    boxes = np.concatenate([expected[:, :2], expected[:, :2] + expected[:, 2:4]], axis=1)
    np.testing.assert_allclose(found.boxes[rows], boxes, atol=0.01)
    np.testing.assert_allclose(found.points[rows], expected[:, 4:14].reshape(-1, 5, 2), atol=0.01)
    np.testing.assert_allclose(found.scores[rows], expected[:, 14], atol=1e-4)


@pytest.mark.weights
def test_a_portrait_gives_one_face_at_every_size_of_the_picture(portraits: Path) -> None:
    detector = load_detector("yunet", LoadSettings(engine="onnxruntime", precision="f32"))
    pixels = open_photo(next(portraits.rglob("biden.jpg"))).decode().pixels
    expected = detector.detect(Image(pixels)).boxes / max(pixels.shape)
    for side in (96, 250, 640, 1600, 3000):
        scale = side / max(pixels.shape)
        size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
        faces = detector.detect(Image(cv2.resize(pixels, size)))
        assert len(faces) == 1, side
        np.testing.assert_allclose(faces.boxes / side, expected, atol=0.03)


@pytest.mark.weights
def test_faces_among_other_pictures_are_those_of_the_picture_alone(portraits: Path) -> None:
    detector = load_detector("yunet", LoadSettings(engine="onnxruntime", precision="f32"))
    images = [open_photo(path).decode(detector.side) for path in sorted(portraits.rglob("*.jpg"))[:4]]
    small = [Image(cv2.resize(image.pixels, (240, 240), interpolation=cv2.INTER_AREA)) for image in images]
    pictures = [small[0], images[0], *small[1:], *images[1:]]
    many = detector.detect_many(pictures)
    assert sum(map(len, many)) >= len(images)
    for image, faces in zip(pictures, many, strict=True):
        alone = detector.detect(image)
        np.testing.assert_allclose(faces.boxes, alone.boxes, atol=0.01)
        np.testing.assert_allclose(faces.points, alone.points, atol=0.01)
        np.testing.assert_allclose(faces.scores, alone.scores, atol=1e-5)


def test_blobs_for_yunet_are_bgr() -> None:
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    assert blob(red, input_of(find_card("yunet")))[0, :, 0, 0].tolist() == [0, 0, 255]


@pytest.mark.parametrize("make", [yunet.YuNet, centerface.CenterFace])
def test_another_score_changes_nothing_else(make: type[yunet.YuNet | centerface.CenterFace]) -> None:
    contract = InputContract(None, 32, "BGR", (0, 0, 0), 1.0)
    detector = make("toy", ToySession(lambda _: ()), contract, 0.5, side=640)
    lower = detector.with_score(0.02, most=7)
    assert (lower.score, lower.most, lower.side) == (0.02, 7, 640)
    assert (detector.score, detector.most) == (0.5, MOST)
