"""What a client of a server does when things go wrong on the way."""

import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

import mien
from mien.errors import (
    AccessError,
    ConflictError,
    FaceError,
    LimitError,
    MienError,
    NotFoundError,
    StoreError,
    StoreFullError,
    UsageError,
)
from mien.gallery import acting
from mien.server.keys import KeyRefusedError
from mien.server.problems import add_problems
from mien.service.remote.address import Address, segment
from mien.service.remote.connection import LONGEST_PAUSE_S, REPEATS, Connection
from mien.service.remote.problems import KINDS, error_of
from mien.service.remote.uploads import MOST_BYTES, MOST_PICTURES, Upload, batches, sent_name
from server_toys import Client

SERVER = "https://faces.example"


class Script:
    """A server that answers what it was told, and a clock that shows how long was waited."""

    def __init__(self, *steps: httpx.Response | Exception) -> None:
        self.steps = list(steps)
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, Exception):
            raise step
        return step

    def connection(self) -> Connection:
        address = Address.parse(SERVER)
        transport = httpx.MockTransport(self)
        return Connection(address, "mien_key", timeout=1, transport=transport, sleep=self.slept.append)


GOOD = httpx.Response(200, json={"good": True})


def problem(status: int, code: str, headers: dict[str, str] | None = None, **members: object) -> httpx.Response:
    document = {"type": f"urn:mien:{code}", "title": "", "status": status, "detail": "what and where", **members}
    headers = {"content-type": "application/problem+json", **(headers or {})}
    return httpx.Response(status, json=document, headers=headers)


def refusal(call: Callable[[], object]) -> MienError:
    with pytest.raises(MienError) as caught:
        call()
    return caught.value


class _Settings:
    galleries: dict[str, str] = {}  # noqa: RUF012
    state = "state.sqlite"


class _Context:
    settings = _Settings


@pytest.fixture(scope="module")
def tell() -> Callable[[MienError], httpx.Response]:
    """What a server answers when it meets an error."""
    raised: list[MienError] = []

    def meet(_: object) -> None:
        raise raised.pop()

    app = FastAPI(routes=[Route("/", meet)])
    app.state.context = _Context
    add_problems(app)
    client = Client(app)

    def ask(error: MienError) -> httpx.Response:
        raised.append(error)
        return client.get("/")

    return ask


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("code", [None, "very-special"])
def test_every_error_arrives_as_what_it_was(
    tell: Callable[[MienError], httpx.Response], kind: type[MienError], code: str | None
) -> None:
    sent = kind("ada.jpg: what is wrong; what to do", code=code)
    answer = tell(sent)
    arrived = error_of(answer.status_code, answer.json(), SERVER)
    assert (type(arrived), arrived.code, arrived.message) == (type(sent), sent.code, sent.message)


def test_all_errors_of_the_library_are_known() -> None:
    def below(kind: type[MienError]) -> set[type[MienError]]:
        return {kind}.union(*(below(each) for each in kind.__subclasses__()))

    assert {kind for kind in below(MienError) if kind.__module__ == "mien.errors"} == set(KINDS.values())


def test_a_refused_key_is_an_access_error(tell: Callable[[MienError], httpx.Response]) -> None:
    answer = tell(KeyRefusedError("this key has expired", code="key-expired"))
    error = error_of(answer.status_code, answer.json(), SERVER)
    assert (type(error), error.code) == (AccessError, "key-expired")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "role-forbidden", AccessError),
        (404, "not-found", NotFoundError),
        (409, "idempotency-key", ConflictError),
        (413, "body-too-large", LimitError),
        (422, "request-invalid", UsageError),
        (507, "other", StoreFullError),
        (500, "fault", MienError),
    ],
)
def test_what_is_said_about_the_request_has_a_class_too(status: int, code: str, kind: type[MienError]) -> None:
    error = refusal(lambda: Script(problem(status, code)).connection().call("POST", "/"))
    assert (type(error), error.code) == (kind, code)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, text="<html>nothing here</html>"),
        httpx.Response(200, text="hello"),
        httpx.Response(200, text="{", headers={"content-type": "application/json"}),
        httpx.Response(404, json={"detail": "Not Found"}),
        httpx.Response(302, headers={"location": "https://elsewhere.example"}),
    ],
)
def test_another_server_is_told_from_ours_and_not_followed(answer: httpx.Response) -> None:
    script = Script(answer)
    error = refusal(lambda: script.connection().call("GET", "/"))
    assert (type(error), error.code) == (StoreError, "server-answer")
    assert [request.url.host for request in script.requests] == ["faces.example"]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("harmless", [True, False])
def test_a_busy_server_is_asked_again_when_it_said(status: int, harmless: bool) -> None:
    script = Script(problem(status, "busy", {"Retry-After": "7"}), GOOD)
    assert script.connection().call("POST", "/", harmless=harmless) == {"good": True}
    assert script.slept == [7.0]


def test_repeats_come_to_an_end_and_ever_later() -> None:
    script = Script(problem(503, "busy", error="LimitError"))
    error = refusal(lambda: script.connection().call("GET", "/"))
    assert (type(error), error.code) == (LimitError, "busy")
    assert len(script.requests) == 1 + REPEATS
    assert script.slept == sorted(script.slept)
    assert 0.25 * (2**REPEATS - 1) <= sum(script.slept) <= 1.5 * 0.25 * (2**REPEATS - 1)


def test_who_asks_for_too_much_patience_is_given_up() -> None:
    script = Script(problem(429, "rate-limit", {"Retry-After": str(int(LONGEST_PAUSE_S) + 1)}))
    assert refusal(lambda: script.connection().call("GET", "/")).code == "rate-limit"
    assert script.slept == []


@pytest.mark.parametrize("error", [httpx.ReadError("reset"), httpx.ReadTimeout(""), httpx.RemoteProtocolError("cut")])
def test_a_lost_answer_is_asked_for_again_only_where_that_is_harmless(error: httpx.RequestError) -> None:
    script = Script(error, GOOD)
    assert script.connection().call("POST", "/") == {"good": True}
    script = Script(error, GOOD)
    lost = refusal(lambda: script.connection().call("DELETE", "/", harmless=False))
    assert (type(lost), lost.code, len(script.requests)) == (StoreError, "server-unreachable", 1)


def test_what_was_never_sent_is_sent_again() -> None:
    script = Script(httpx.ConnectError("refused"), httpx.ConnectTimeout(""), GOOD)
    assert script.connection().call("DELETE", "/", harmless=False) == {"good": True}


def test_the_first_request_of_an_idempotency_key_is_waited_for() -> None:
    script = Script(problem(409, "idempotency-busy"), GOOD)
    assert script.connection().call("POST", "/") == {"good": True}
    assert refusal(lambda: Script(problem(409, "conflict")).connection().call("POST", "/")).code == "conflict"


def test_repeats_carry_the_same_key_and_body() -> None:
    script = Script(httpx.ReadError("reset"), problem(503, "busy"), GOOD)
    script.connection().call("POST", "/", files=[("image", ("a", b"12345"))], headers={"Idempotency-Key": "once"})
    assert {request.headers["idempotency-key"] for request in script.requests} == {"once"}
    assert all(b"12345" in request.content for request in script.requests)
    assert {request.headers["authorization"] for request in script.requests} == {"Bearer mien_key"}


def test_a_problem_of_pictures_carries_the_answer() -> None:
    told = problem(422, "no-face", answer={"failures": []})
    assert Script(told).connection().call("POST", "/") == {"failures": []}
    assert type(error_of(422, problem(422, "no-face", error="FaceError").json(), SERVER)) is FaceError


@pytest.mark.parametrize(
    ("text", "server", "gallery"),
    [
        ("https://faces.example", "https://faces.example", None),
        ("https://faces.example:8443/", "https://faces.example:8443", None),
        ("HTTPS://Faces.example/v1/galleries/family", "https://faces.example", "family"),
        ("https://faces.example/mien/v1/galleries/family/", "https://faces.example/mien", "family"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", None),
        ("http://[::1]:8000/v1/galleries/a", "http://[::1]:8000", "a"),
        ("http://localhost/", "http://localhost", None),
    ],
)
def test_addresses_are_read(text: str, server: str, gallery: str | None) -> None:
    found = Address.parse(text)
    assert (found.server, found.gallery) == (server, gallery)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("http://faces.example", "address-insecure"),
        ("http://10.0.0.1:8000", "address-insecure"),
        ("http://127.0.0.1.evil.example", "address-insecure"),
        ("http://0.0.0.0", "address-insecure"),
        ("https://", "address"),
        ("https://faces.example:x", "address"),
        ("https://ada:secret@faces.example", "address"),
        ("https://faces.example/?key=mien_1", "address"),
        ("https://faces.example/v1/galleries/a/subjects", "address"),
    ],
)
def test_other_addresses_are_refused_before_anything_is_sent(text: str, code: str) -> None:
    error = refusal(lambda: mien.open(text, key="mien_1"))
    assert (type(error), error.code) == (UsageError, code)
    assert "secret" not in str(error)


def test_plain_http_can_be_insisted_on() -> None:
    assert Address.parse("http://10.0.0.1:8000", insecure=True).server == "http://10.0.0.1:8000"


def test_a_server_that_is_not_there_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.service.remote.connection.FIRST_PAUSE_S", 0.0)
    error = refusal(lambda: mien.open("http://127.0.0.1:9", key="mien_1", timeout=1))
    assert (type(error), error.code) == (StoreError, "server-unreachable")
    assert "http://127.0.0.1:9" in str(error)


@pytest.mark.parametrize(("place", "rest"), [("a.mien", {"key": "mien_1"}), ("https://h", {"compact": True})])
def test_arguments_of_the_other_kind_are_refused(place: str, rest: dict[str, object]) -> None:
    assert type(refusal(lambda: mien.open(place, **rest))) is UsageError


def test_a_key_that_no_header_can_hold_is_refused() -> None:
    assert refusal(lambda: mien.open("https://h", key="mien_1\n")).code == "key-characters"


@pytest.mark.parametrize("name", ["a/b", ".", ".."])
def test_names_that_no_address_can_hold_are_refused(name: str) -> None:
    assert refusal(lambda: segment(name)).code == "name-address"


@pytest.mark.parametrize(
    ("name", "path"), [("#12", "%2312"), ("Ada Ünlü", "Ada%20%C3%9Cnl%C3%BC"), ("a?b%", "a%3Fb%25")]
)
def test_names_become_one_part_of_a_path(name: str, path: str) -> None:
    assert segment(name) == path


def upload(name: str, size: int = 1) -> Upload:
    return Upload(0, name, name, bytes(size))


def test_a_request_holds_so_many_pictures_and_bytes_and_no_name_twice() -> None:
    many = [upload(str(i)) for i in range(MOST_PICTURES + 1)]
    assert [len(batch) for batch in batches(many)] == [MOST_PICTURES, 1]
    half = MOST_BYTES // 2
    assert [len(batch) for batch in batches([upload("a", half), upload("b", half), upload("c")])] == [2, 1]
    assert [len(batch) for batch in batches([upload("a"), upload("b", 2 * MOST_BYTES), upload("c")])] == [1, 1, 1]
    assert [len(batch) for batch in batches([upload("a"), upload("b"), upload("a")])] == [2, 1]
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("/home/ada/photos/1.jpg", "1.jpg"),
        ("C:\\photos\\1.jpg", "1.jpg"),
        ('Müller "1".jpg', "Müller _1_.jpg"),
        ("a\nb.jpg", "ab.jpg"),
        ("<array>", "<array>"),
        ("", "image"),
    ],
)
def test_a_server_is_told_no_folders(source: str, name: str) -> None:
    assert sent_name(source) == name


def test_httpx_is_imported_for_addresses_only(tmp_path) -> None:
    code = f"import mien, sys; mien.open({str(tmp_path / 'a.mien')!r}).close(); print('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_without_httpx_one_line_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['httpx'] = None\nimport mien\n"
        "try: mien.open('https://h')\nexcept mien.MienError as error: print(error.code, str(error))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "extra-missing a gallery on a server needs httpx: pip install httpx\n"


def test_the_purpose_is_told_to_the_server_and_one_that_no_header_holds_is_refused() -> None:
    script = Script(GOOD)
    connection = script.connection()
    connection.call("GET", "/v1/models")
    with acting("local", "door 3"):
        connection.call("GET", "/v1/models", headers={"Idempotency-Key": "x"})
    assert [request.headers.get("X-Purpose") for request in script.requests] == [None, "door 3"]
    assert script.requests[1].headers["Idempotency-Key"] == "x"
    with acting("local", "Tür 3"):
        assert refusal(lambda: connection.call("GET", "/v1/models")).code == "purpose-characters"
