"""Pictures that mean harm, or are merely odd, sent to every door: refused by name before they cost anything."""

import base64
import io
import json
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import drawn_pictures as drawn
import httpx
import pytest
from PIL import Image

from http_server import Server

pytestmark = pytest.mark.weights
SCENE = drawn.scene(320, 240)
JPEG = drawn.save(SCENE, quality=90)
PNG = drawn.save(SCENE, "PNG")


def texts(kind: bytes, body: bytes, count: int) -> bytes:
    return drawn.flat_png(100, 100, 8, 0, extra=drawn.chunk(kind, body) * count)


REFUSED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "1: no bytes": ("image-empty", lambda: b""),
    "2: JPEG cut in half": ("image-truncated", lambda: JPEG[: len(JPEG) // 2]),
    "3: JPEG without its last 2 bytes": ("image-truncated", lambda: JPEG[:-2]),
    "4: JPEG header only": ("image-unrecognised", lambda: JPEG[:20]),
    "22: truncated AVIF": ("image-truncated", lambda: (d := drawn.save(SCENE, "AVIF"))[: len(d) // 2]),
    "23: 1 x 1": ("image-too-small", lambda: drawn.save(SCENE.resize((1, 1)), "PNG")),
    "23: 79 x 79": ("image-too-small", lambda: drawn.save(SCENE.resize((79, 79)))),
    "24: 100,000 x 1": ("image-shape", lambda: drawn.flat_png(100_000, 1, 1, 0)),
    "24: 1 x 100,000": ("image-shape", lambda: drawn.flat_png(1, 100_000, 1, 0)),
    "25: 50,000 x 50,000 of 1 bit": ("image-too-many-pixels", lambda: drawn.flat_png(50_000, 50_000, 1, 0)),
    "26: 13,000 x 13,000 in colour": ("image-too-many-pixels", lambda: drawn.flat_png(13_000, 13_000, 8, 2)),
    "26: a header that says 100,000 x 100,000": ("image-too-many-pixels", lambda: giant()),
    "27: 2,000 scans": ("image-too-many-scans", lambda: drawn.many_scans(2_000)),
    "28: 10,000 text chunks": ("image-metadata-limit", lambda: texts(b"tEXt", b"a\0b", 10_000)),
    "31: HTML": ("image-unrecognised", lambda: b"<!doctype html><script>alert(1)</script>" * 9),
    "31: SVG": ("image-unrecognised", lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>' * 9),
    "31: PDF": ("image-unrecognised", lambda: b"%PDF-1.7\n" + bytes(300)),
    "31: EPS": ("image-unrecognised", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n" * 9),
}


def giant() -> bytes:
    """A JPEG whose frame says 65,535 x 65,535, the most that it can say."""
    at = JPEG.index(b"\xff\xc0") + 5
    return JPEG[:at] + b"\xff\xff\xff\xff" + JPEG[at + 4 :]


TAKEN: dict[str, Callable[[], bytes]] = {
    "8: grey": lambda: drawn.save(SCENE.convert("L"), "PNG"),
    "8: palette": lambda: drawn.save(SCENE.quantize(16), "PNG"),
    "8: 1 bit": lambda: drawn.save(SCENE.convert("1"), "PNG"),
    "6: CMYK": lambda: drawn.save(SCENE.convert("CMYK")),
    "9: animated GIF": lambda: drawn.long_gif(20),
    "18: orientation 9": lambda: drawn.save(SCENE, exif=drawn.exif(9)),
    "18: orientation of another kind": lambda: drawn.save(SCENE, exif=drawn.exif(7, kind=2)),
    "20: EXIF with a script": lambda: drawn.save(SCENE, exif=b"Exif\0\0<script>" + bytes(60_000)),
    "20: EXIF that is cut": lambda: drawn.save(SCENE, exif=b"Exif\0\0II*\0\xff\xff\xff\xff"),
    "19: broken profile": lambda: drawn.save(SCENE, icc_profile=b"no profile" * 99),
    "28: a compressed text bomb": lambda: texts(b"zTXt", b"a\0\0" + zlib.compress(bytes(50 << 20)), 1),
    "29: GIF with 50,000 frames": lambda: drawn.long_gif(50_000),
    "32: JPEG and ZIP": lambda: JPEG + b"PK\x03\x04" + bytes(100),
    "32: JPEG and HTML": lambda: JPEG + b"<script>alert(1)</script>",
}


@pytest.fixture(scope="module")
def client(served: Server) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


@pytest.mark.parametrize("row", REFUSED)
def test_a_bad_picture_is_refused_by_name_at_every_door(served: Server, client: httpx.Client, row: str) -> None:
    code, make = REFUSED[row]
    data, before = make(), served.rss()
    sent = [("image", ("portrait.jpg", data))]
    for path in ("/v1/faces", "/v1/galleries/family/identifications", "/v1/galleries/family/subjects/Eve/references"):
        answer = client.post(path, files=sent)
        assert (answer.json()["type"], answer.status_code) == (f"urn:mien:{code}", answer.json()["status"])
        assert answer.status_code == (415 if code == "image-unrecognised" else 422)
    assert client.get("/v1/galleries/family/subjects/Eve").status_code == 404
    compreface = client.post("/api/v1/detection/detect", files={"file": ("portrait.jpg", data)})
    assert (compreface.status_code, compreface.json()["code"]) == (400, 28)
    deepface = client.post("/deepface/represent", files={"img": ("portrait.jpg", data)})
    assert (deepface.status_code, set(deepface.json())) == (400, {"exception"})
    assert served.rss() - before < 50 << 20


@pytest.mark.parametrize("row", TAKEN)
def test_an_odd_picture_is_taken_for_what_it_shows(client: httpx.Client, row: str) -> None:
    answer = client.post("/v1/faces", files={"image": ("odd.jpg", TAKEN[row]())})
    assert answer.status_code == 200, answer.text
    assert "script" not in answer.text


def test_21_heic_without_its_extra_names_it(client: httpx.Client) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(400)
    answer = client.post("/v1/faces", files={"image": ("a.heic", heic)})
    assert answer.status_code in (415, 422)
    assert answer.json()["type"].startswith("urn:mien:image-")


def test_30_the_content_decides_and_not_the_name_or_the_type(client: httpx.Client) -> None:
    for name, kind in (("a.png", "image/png"), ("../../etc/passwd", "text/html"), ("a\0b\r\nx.exe", "image/jpeg")):
        answer = client.post("/v1/faces", files={"image": (name, JPEG, kind)})
        assert answer.status_code == 200, answer.text
        assert "/" not in answer.json()["pictures"][0]["file"]


@pytest.mark.parametrize("colour", ["black", "white"])
def test_34_a_picture_of_nothing_has_no_face(client: httpx.Client, colour: str) -> None:
    answer = client.post(
        "/v1/faces", files={"image": ("n.png", drawn.save(Image.new("RGB", (300, 300), colour), "PNG"))}
    )
    assert [len(each["faces"]) for each in answer.json()["pictures"]] == [0]


def test_38_nobody_is_enrolled_by_a_picture_of_nobody(client: httpx.Client) -> None:
    answer = client.post("/v1/galleries/family/subjects/Nobody/references", files={"image": ("n.png", PNG)})
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:mien:no-face")
    assert client.get("/v1/galleries/family/subjects/Nobody").status_code == 404


def test_39_two_faces_are_not_one_person(client: httpx.Client, portraits: Path) -> None:
    both = Image.new("RGB", (800, 500))
    for x, name in ((0, "obama.jpg"), (400, "biden.jpg")):
        both.paste(Image.open(portraits / name).convert("RGB").resize((400, 500)), (x, 0))
    sent = {"image": ("both.jpg", drawn.save(both))}
    answer = client.post("/v1/galleries/family/subjects/Both/references", files=sent)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:mien:several-faces")
    assert client.get("/v1/galleries/family/subjects/Both").status_code == 404


def test_bombs_eight_at_once_cost_the_others_nothing(served: Server, client: httpx.Client) -> None:
    before = served.rss()
    bombs = [(row, make()) for row, (_, make) in REFUSED.items() if row[:2] in ("25", "26", "27")] * 2
    answer = client.post("/v1/faces", files=[("image", (f"{n}.png", data)) for n, (_, data) in enumerate(bombs)])
    assert answer.status_code == 422
    began = time.perf_counter()
    assert client.get("/health").status_code == 200
    assert client.post("/v1/faces", files={"image": ("a.jpg", JPEG)}).status_code == 200
    assert time.perf_counter() - began < 30  # no decoder was lost to them
    assert served.rss() - before < 60 << 20


@pytest.mark.parametrize(
    "text",
    [
        "",
        "AAA",
        "data:image/jpeg;base64,AAAA",
        "https://127.0.0.1/a.jpg",
        "file:///etc/passwd",
        "/etc/passwd",
        "\ud800",
    ],
    ids=ascii,
)
def test_62_a_picture_in_json_is_base64_and_nothing_else(client: httpx.Client, text: str) -> None:
    body = json.dumps({"image": text}).encode()
    answer = client.post("/v1/faces", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] in ("urn:mien:image-base64", "urn:mien:image-empty")


def test_a_portrait_is_the_same_in_a_form_and_in_base64(client: httpx.Client, portraits: Path) -> None:
    data = (portraits / "obama.jpg").read_bytes()
    form = client.post("/v1/faces", files={"image": ("o.jpg", data)}).json()["pictures"][0]["faces"]
    text = client.post("/v1/faces", json={"image": base64.b64encode(data).decode()}).json()["pictures"][0]["faces"]
    assert [face["box"] for face in form] == [face["box"] for face in text]
    assert len(form) == 1


def test_85_no_address_is_fetched_and_no_path_is_opened(client: httpx.Client, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        port = trap.getsockname()[1]
        path = tmp_path / "a.jpg"
        path.write_bytes(JPEG)
        asked = [f"http://127.0.0.1:{port}/a.jpg", f"http://[::ffff:127.0.0.1]:{port}/", f"http://2130706433:{port}/"]
        for where in [*asked, path.as_uri(), str(path), f"gopher://127.0.0.1:{port}/"]:
            told = client.post("/deepface/represent", json={"img": where, "img_path": where})
            assert told.status_code == 400, told.text
            assert client.post("/v1/faces", json={"image": where}).status_code == 422
            told = client.post("/api/v1/detection/detect", json={"file": where})
            assert (told.status_code, told.json()["code"]) == (400, 21)
        with pytest.raises(TimeoutError):
            trap.accept()


def test_a_stored_file_name_is_shown_as_text_and_never_a_path(client: httpx.Client, portraits: Path) -> None:
    buffer = io.BytesIO((portraits / "obama2.jpg").read_bytes())
    sent = {"image": ("../../../<img src=x onerror=alert(1)>.jpg", buffer)}
    enrolled = client.post("/v1/galleries/family/subjects/Zoe/references", files=sent)
    assert enrolled.status_code == 201, enrolled.text
    row = client.get("/v1/galleries/family/subjects/Zoe/references")
    assert row.json()["references"][0]["file"] == "<img src=x onerror=alert(1)>.jpg"
    assert (row.headers["content-type"], row.headers["x-content-type-options"]) == ("application/json", "nosniff")
    crop = client.get(f"/v1/galleries/family/references/{enrolled.json()['references'][0]}/crop")
    assert (crop.status_code, crop.json()["type"]) == (404, "urn:mien:picture-not-kept")
