"""What only a gallery on a server meets: lost answers, crowds, keys."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

import mien
from mien.errors import AccessError, MienError, NotFoundError
from mien.server.context import Context
from mien.server.keys import Role
from mien.service.remote import RemoteGallery
from mien.service.remote.address import Address
from mien.service.remote.connection import Connection

Server = tuple[str, str, Context]


class Forgetful(httpx.HTTPTransport):
    """A network on which the first answer to each kind of request is lost."""

    lost: set[str]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.method not in self.lost:
            self.lost.add(request.method)
            answer.read()
            raise httpx.ReadError("the answer was lost")
        return answer


def refusal(call: Callable[[], object]) -> MienError:
    with pytest.raises(MienError) as caught:
        call()
    return caught.value


def test_a_lost_answer_of_an_enrolment_has_one_effect(toy_server: Server, photos: Path) -> None:
    url, key, _ = toy_server
    transport = Forgetful()
    transport.lost = set()
    connection = Connection(Address.parse(url), key, timeout=10, transport=transport, sleep=lambda _: None)
    with RemoteGallery(connection, "family") as gallery:
        enrolled = gallery.enrol("Ada", photos / "ada" / "1.png")
        assert transport.lost == {"POST"}
        assert enrolled.added == 1  # the first answer came back, instead of a second that finds the face there
        assert gallery.show("Ada").subject.references == 1


def test_a_crowd_is_answered_by_a_server_that_turns_some_away(toy_server: Server, photos: Path) -> None:
    url, key, _ = toy_server
    with mien.open(url, key=key) as gallery, ThreadPoolExecutor(16) as pool:
        gallery.enrol("Ada", photos / "ada" / "1.png")
        probe = (photos / "ada" / "2.png").read_bytes()
        found = list(pool.map(lambda _: gallery.identify(probe).probes[0].decision, range(48)))
    assert found == ["Ada"] * 48


def test_a_key_opens_what_it_is_for(toy_server: Server, photos: Path) -> None:
    url, key, context = toy_server
    for bad, code in ((None, "key-missing"), (key[:-1] + "!", "key-unknown")):
        error = refusal(lambda bad=bad: mien.open(url, key=bad))
        assert (type(error), error.code) == (AccessError, code)
    viewer = context.keys.create(Role.VIEWER)[1]
    with mien.open(url, key=viewer) as gallery:
        error = refusal(lambda: gallery.enrol("Ada", photos / "ada" / "1.png"))
        assert (type(error), error.code) == (AccessError, "role-forbidden")
        assert gallery.subjects() == []
    elsewhere = context.keys.create(Role.VIEWER, galleries=["office"])[1]
    error = refusal(lambda: mien.open(url, key=elsewhere))
    assert (type(error), error.code) == (NotFoundError, "no-gallery")
    assert refusal(lambda: mien.open(f"{url}/v1/galleries/office", key=elsewhere)).code == "no-gallery"


def test_lists_come_in_pages(toy_server: Server, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, key, _ = toy_server
    monkeypatch.setattr("mien.service.remote.gallery.PAGE", 2)
    with mien.open(url, key=key) as gallery:
        gallery.index(photos)
        assert [person.label for person in gallery.subjects()] == [f"#{i}" for i in range(1, 6)]
