"""Taking over a CompreFace installation, from a service that speaks its documented REST and keeps pictures."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mien.compat.compreface import CompreFace, import_compreface
from mien.errors import ConflictError, NotFoundError, UsageError
from mien.service import LocalGallery

KEY = str(uuid.uuid4())


class Service:
    """A recognition service of CompreFace: pages of 20 unless asked otherwise, pictures by UUID."""

    def __init__(self, pictures: list[tuple[str, bytes]], names: list[str]) -> None:
        self.pictures = {str(uuid.uuid4()): picture for picture in pictures}
        self.names = names
        self.asked: list[str] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if request.method != "GET" or request.headers.get("x-api-key") != KEY:
            return httpx.Response(404, json={"message": "No model", "code": 10})
        path = request.url.path.removeprefix("/api/v1/recognition")
        if path == "/subjects":
            return httpx.Response(200, json={"subjects": self.names})
        if path == "/faces":
            page, size = (int(request.url.params[name]) for name in ("page", "size"))
            rows = [{"image_id": face, "subject": name} for face, (name, _) in self.pictures.items()]
            return httpx.Response(200, json={"faces": rows[page * size : (page + 1) * size], "page_number": page})
        if path.endswith("/img"):
            return httpx.Response(200, content=self.pictures[path.split("/")[2]][1])
        return httpx.Response(404, json={"message": "none", "code": 0})

    def opened(self, key: str = KEY) -> CompreFace:
        return CompreFace("http://faces.example/", key, transport=httpx.MockTransport(self.answer))


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalGallery]:
    """A gallery with toy models."""
    from mien.gallery import Gallery
    from mien.pipeline import Pipeline
    from mien.service import Models
    from mien.testing.toys import ToyDetector, ToyEmbedder

    monkeypatch.setattr(Models, "pipeline", lambda self, **rest: Pipeline(ToyDetector(), ToyEmbedder()))
    with LocalGallery(Gallery.open(tmp_path / "new.mien", create=True), Models()) as opened:
        yield opened


def png(*people: int) -> bytes:
    from server_toys import png as drawn

    return drawn(*people)


def test_all_pages_are_read_and_every_picture_is_enrolled_once(gallery: LocalGallery) -> None:
    people = [(f"person {number % 7}", png(number)) for number in range(105)]
    service = Service(people, sorted({name for name, _ in people}))
    with service.opened() as source:
        first = import_compreface(source, gallery)
        again = import_compreface(source, gallery)
    assert (first.subjects, first.faces, first.added, first.failures) == (7, 105, 105, ())
    assert again.added == 0
    assert {subject.name: subject.references for subject in gallery.store.subjects()} == dict.fromkeys(
        service.names, 15
    )


def test_what_cannot_be_used_is_listed_and_the_rest_comes_over(gallery: LocalGallery) -> None:
    service = Service(
        [("Ada", png(1)), ("Ada", b""), ("Bob", b"no picture"), ("#1", png(2))], ["Ada", "Bob", "Cy", "#1"]
    )
    seen: list[tuple[int, int]] = []
    with service.opened() as source:
        found = import_compreface(source, gallery, progress=lambda done, total: seen.append((done, total)))
    assert found.added == 1
    reasons = [failure.reason for failure in found.failures]
    assert reasons == ["picture-not-kept", "image-unrecognised", "name-reserved", "name-reserved"]
    assert {subject.name for subject in gallery.store.subjects()} == {"Ada", "Bob", "Cy"}
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_wrong_key_address_or_service_is_one_line(gallery: LocalGallery) -> None:
    service = Service([], [])
    with service.opened("wrong") as source, pytest.raises(ConflictError, match="answered with 404"):
        import_compreface(source, gallery)
    with pytest.raises(UsageError, match="no address"):
        CompreFace("file:///etc", KEY)
    other = httpx.MockTransport(lambda request: httpx.Response(200, text="<html>"))
    with (
        CompreFace("http://x", KEY, transport=other) as source,
        pytest.raises(ConflictError, match="none of CompreFace"),
    ):
        source.subjects()

    def down(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    closed = CompreFace("http://x", KEY, transport=httpx.MockTransport(down))
    with closed as source, pytest.raises(NotFoundError, match="cannot be reached"):
        source.subjects()


def test_redirects_and_endless_answers_are_not_followed() -> None:
    elsewhere = httpx.Response(302, headers={"location": "http://169.254.169.254/"})
    moved = CompreFace("http://x", KEY, transport=httpx.MockTransport(lambda request: elsewhere))
    with moved as source, pytest.raises(ConflictError, match="answered with 302"):
        source.subjects()
    service = Service([("Ada", b"x" * 2000)], ["Ada"])
    with service.opened() as source, pytest.raises(ConflictError, match="more than 1,000 bytes"):
        source.picture(next(source.faces()), 1000)
