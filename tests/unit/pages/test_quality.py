from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from mien.errors import StoreError
from mien.image import encode_jpeg
from mien.pages.quality import PageComponent, PageRated, QualityPage, render_quality, write_quality
from mien.types.outcome import Failure

HOSTILE = "<script>alert(1)</script>\"'&\u202egpj"
COMPONENTS = (PageComponent("head_pose_yaw", "45 degrees", 50, 22.4), PageComponent("sharpness", "0.6", 99, 0.2))


def page(*faces: PageRated, failures: tuple[Failure, ...] = (), empty: tuple[str, ...] = ()) -> QualityPage:
    return QualityPage("Quality of 2 photographs", faces, empty, failures, "what it rests on", "2026-01-01")


def rated(score: float | None = 31, file: str = "a.jpg", thumbnail: bytes = b"") -> PageRated:
    return PageRated(file, "face of 10x10 px", score, ("look at the camera",), COMPONENTS, thumbnail)


class Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_a_face_has_its_score_advice_and_components() -> None:
    html = render_quality(page(rated()))
    text = re.sub(r"<[^>]+>", " ", html)
    for said in ("31", "a.jpg", "look at the camera", "head pose yaw", "45 degrees", "22"):
        assert said in text
    meters = [attributes["value"] for tag, attributes in Tags(html).found if tag == "meter"]
    assert meters == ["50", "99"]


def test_faces_stay_in_the_order_given_and_a_score_that_is_unknown_is_a_dash() -> None:
    html = render_quality(page(rated(None, "first.jpg"), rated(80, "second.jpg")))
    assert html.index("first.jpg") < html.index("second.jpg")
    assert 'title="unified score of 0 to 100">–</span>' in html


def test_no_picture_is_in_the_page_unless_one_is_given() -> None:
    assert "<img" not in render_quality(page(rated()))
    jpeg = encode_jpeg(np.zeros((8, 8, 3), np.uint8), 80)
    sources = [a["src"] for tag, a in Tags(render_quality(page(rated(thumbnail=jpeg)))).found if tag == "img"]
    assert sources == [f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"]


def test_names_in_files_cannot_become_markup() -> None:
    html = render_quality(page(rated(file=HOSTILE), failures=(Failure(HOSTILE, "x", HOSTILE),), empty=(HOSTILE,)))
    assert "<script" not in html
    assert "\u202e" not in html


def test_the_page_runs_nothing_loads_nothing_and_names_its_style() -> None:
    html = render_quality(page(rated()))
    policy = next(a["content"] or "" for tag, a in Tags(html).found if a.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert not any(name == "style" for _, attributes in Tags(html).found for name in attributes)


def test_pictures_without_an_answer_are_listed() -> None:
    html = render_quality(page(failures=(Failure("x.jpg", "image-truncated", "x.jpg: ends early"),), empty=("y.jpg",)))
    assert "No face was found." in html
    assert "ends early" in html
    assert "<code>no-face</code>no face found" in html


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be written"):
        write_quality(page(), tmp_path / "missing" / "q.html")
