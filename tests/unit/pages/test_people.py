from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from mien.errors import StoreError
from mien.image import encode_jpeg
from mien.pages import PageFace, PagePerson, PagePhoto, PeoplePage, preview_side, render_people, write_people
from mien.types.outcome import Failure

HOSTILE = "<script>alert(1)</script>\"'&\u202egpj"


def jpeg(shade: int = 128, side: int = 8) -> bytes:
    return encode_jpeg(np.full((side, side, 3), shade, np.uint8), 80)


def page(folder: Path, **changes: object) -> PeoplePage:
    photos = tuple(PagePhoto(folder / "in" / name, name, (400, 300), jpeg(side=16)) for name in ("a.jpg", "b c#1.jpg"))
    face, other = (PageFace(row, (10, 20, 110, 140), jpeg()) for row in range(2))
    people = (PagePerson((face, other)), PagePerson((other,), "#12", rename="mien gallery rename f.mien '#12' NAME"))
    values = {
        "heading": "People in holiday",
        "people": people,
        "alone": (face,),
        "photos": photos,
        "failures": (Failure("x.jpg", "image-truncated", "x.jpg: it ends early; copy it again"),),
        "files": 3,
        "basis": "sface, cut 0.46",
        "made": "2026-01-01",
    }
    return PeoplePage(**{**values, **changes})


class Read(HTMLParser):
    """Start tags with their attributes, and the text inside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self.text: list[str] = []
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_endtag(self, tag):
        self._open = ""

    def handle_data(self, data):
        if self._open in ("script", "style"):
            self.inside.setdefault(self._open, []).append(data)
        else:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_the_page_fetches_nothing_and_runs_only_its_own_script(tmp_path):
    html = render_people(page(tmp_path), tmp_path)
    read = Read(html)
    policy = next(m["content"] for m in read.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for text in (read.inside["style"][0], read.inside["script"][-1]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.search(r"""(src|href|url)\s*[=(]\s*["']?\s*(https?:)?//""", html)
    assert not [attrs for _, attrs in read.tags for name in attrs if name == "style" or name.startswith("on")]
    assert all(image.get("src", "data:").startswith("data:") for image in read.all("img"))


def test_names_from_outside_stay_text(tmp_path):
    base = page(tmp_path)
    person = replace(base.people[0], name=HOSTILE, rename=HOSTILE)
    photo = replace(base.photos[0], name=HOSTILE, path=tmp_path / "a\"'<b>.jpg")
    failure = Failure(HOSTILE, HOSTILE, HOSTILE)
    html = render_people(
        page(
            tmp_path,
            heading=HOSTILE,
            people=(person,),
            photos=(photo, base.photos[1]),
            failures=(failure,),
            basis=HOSTILE,
            made=HOSTILE,
        ),
        tmp_path,
    )
    read = Read(html)
    assert html.count("<script") == 2
    assert "\u202e" not in html
    assert {"src", "width", "height", "loading", "decoding", "alt"} == set(read.all("img")[0])
    assert sum("<script>alert(1)</script>" in text for text in read.text) >= 6
    assert json.loads(read.inside["script"][0])[0]["n"].startswith("<script>alert(1)")


def test_links_lead_to_the_files_from_where_the_page_lies(tmp_path):
    (tmp_path / "pages").mkdir()
    read = Read(render_people(page(tmp_path), tmp_path / "pages"))
    links = [a["href"] for a in read.all("a") if a.get("class") == "face"]
    assert unquote(links[1]) == "../in/b c#1.jpg"
    assert "#" not in links[1]


def test_a_file_called_like_an_address_is_only_a_file(tmp_path):
    photo = PagePhoto(tmp_path / "javascript:alert(1).jpg", "x", (4, 3))
    face = PageFace(0, (0, 0, 1, 1), jpeg())
    read = Read(render_people(page(tmp_path, photos=(photo,), people=(PagePerson((face,)),), alone=()), tmp_path))
    assert next(a["href"] for a in read.all("a") if a.get("class") == "face") == "javascript%3Aalert%281%29.jpg"


def test_a_name_that_is_no_unicode_is_written_and_linked(tmp_path):
    photo = PagePhoto(tmp_path / "caf\udce9.jpg", "caf\udce9.jpg", (4, 3))
    face = PageFace(0, (0, 0, 1, 1), jpeg())
    html = render_people(page(tmp_path, photos=(photo,), people=(PagePerson((face,)),), alone=()), tmp_path)
    html.encode("utf-8")
    assert 'href="caf%E9.jpg"' in html


def test_it_says_how_many_there_are(tmp_path):
    text = " ".join("".join(Read(render_people(page(tmp_path), tmp_path)).text).split())
    assert "2 people · 4 faces · 3 photographs · 1 face seen once · 1 file not read" in text
    assert "image-truncatedit ends early; copy it again" in text
    assert "mien gallery rename f.mien '#12' NAME" in text


def test_all_faces_of_a_large_group_are_there_the_first_ones_open(tmp_path):
    face = PageFace(0, (10, 20, 110, 140), jpeg())
    html = render_people(page(tmp_path, people=(PagePerson((face,) * 100),), alone=()), tmp_path)
    assert html.count('class="face"') == 100
    assert html.split("<details>")[0].count('class="face"') == 24
    assert "76 more" in html


def test_nobody_and_no_failure_leave_no_empty_sections(tmp_path):
    html = render_people(page(tmp_path, people=(), alone=(), failures=()), tmp_path)
    assert "Nobody appears more than once" in html
    assert "Faces seen once" not in html
    assert "Not read" not in html


def test_the_same_input_gives_the_same_bytes(tmp_path):
    for name in ("one.html", "two.html"):
        write_people(page(tmp_path), tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_page_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    out = tmp_path / "people.html"
    out.write_text("old")
    write_people(page(tmp_path), out)
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir()] == ["people.html"]


def test_a_page_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(StoreError, match=r"cannot be written .*; name another file"):
        write_people(page(tmp_path), tmp_path / "missing" / "people.html")


def test_a_face_must_point_to_a_photograph(tmp_path):
    with pytest.raises(ValueError, match="photograph 7 of 2"):
        page(tmp_path, alone=(PageFace(7, (0, 0, 1, 1), b""),))
    with pytest.raises(ValueError, match="at least one face"):
        page(tmp_path, people=(PagePerson(()),))


@pytest.mark.parametrize(("photos", "least", "most"), [(0, 640, 640), (100, 640, 640), (1000, 500, 639), (10**5, 0, 0)])
def test_previews_shrink_with_their_number_and_then_are_left_out(photos, least, most):
    assert least <= preview_side(photos) <= most
