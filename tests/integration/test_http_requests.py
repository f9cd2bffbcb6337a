"""Requests that are crooked, too large, too slow or forged, sent to a real server as the very bytes."""

import itertools
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import drawn_pictures as drawn
import httpx
import pytest

from http_server import Server, files

pytestmark = pytest.mark.weights
FACES = "POST /v1/faces HTTP/1.1\r\nconnection: close\r\n"
FORM = "content-type: multipart/form-data; boundary=b"
JSON = "content-type: application/json"
PNG = drawn.save(drawn.scene(320, 240), "PNG")
ALL = "/v1/galleries/family"


@pytest.fixture(scope="module")
def client(served: Server) -> Iterator[httpx.Client]:
    with served.client() as client:
        yield client


def told(answer: bytes) -> tuple[int, str]:
    """Status and type of an answer as it came."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d+)", head)
    assert status, answer[:200]
    kind = json.loads(body)["type"] if b"application/problem+json" in head else ""
    return int(status[1]), kind.removeprefix("urn:mien:")


def post(client: httpx.Client, body: bytes, kind: str = "application/json", path: str = "/v1/faces") -> tuple[int, str]:
    answer = client.post(path, content=body, headers={"content-type": kind})
    return answer.status_code, answer.json()["type"].removeprefix("urn:mien:")


def part(name: str = "image", head: str = "", body: bytes = PNG) -> bytes:
    lines = f'--b\r\ncontent-disposition: form-data; name="{name}"; filename="a.png"\r\n{head}\r\n'
    return lines.encode() + body + b"\r\n"


# ---- 79: content types and forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "image/png", "application/xml", "application/x-www-form-urlencoded"]
)
def test_79_another_content_type_is_415(client: httpx.Client, kind: str) -> None:
    assert post(client, b"{}", kind) == (415, "media-type")


def test_79_no_content_type_is_415(served: Server) -> None:
    assert told(served.raw(FACES + "content-length: 2", b"{}")) == (415, "media-type")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", part() + b"--b--"),
        ("multipart/form-data; boundary=", part() + b"--b--"),
        ("multipart/form-data; boundary=other", part() + b"--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nno headers at all"),
        ("multipart/form-data; boundary=b", b"--b\r\ncontent-type: image/png\r\n\r\nx\r\n--b--"),
        ("multipart/form-data; boundary=b", b"\x00\xff" * 99),
        ("multipart/form-data; boundary=b", part(head="x: " + "a" * (1 << 20) + "\r\n") + b"--b--"),
        ("multipart/form-data; boundary=b", part(head="".join(f"x{n}: y\r\n" for n in range(1000))) + b"--b--"),
        ("multipart/form-data; boundary=" + "b" * 20_000, part() + b"--b--"),
    ],
    ids=[
        "no boundary",
        "empty boundary",
        "other boundary",
        "cut",
        "no name",
        "noise",
        "1 MB header",
        "headers",
        "long",
    ],
)
def test_79_a_form_that_cannot_be_read_is_400(client: httpx.Client, kind: str, body: bytes) -> None:
    assert post(client, body, kind) == (400, "form-invalid")


def test_79_a_form_without_its_end_is_no_form_of_half_a_picture(client: httpx.Client) -> None:
    status, _ = post(client, part()[:-200], "multipart/form-data; boundary=b")
    assert status in (400, 422)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (part(body=b"x") * 10_001, (413, "too-many-pictures")),
        (part(body=b"") * 65, (413, "too-many-pictures")),
        (b'--b\r\ncontent-disposition: form-data; name="image"\r\n\r\nx\r\n' * 33, (413, "form-too-large")),
        (part("other"), (422, "part-unknown")),
        (b"x" * (9 << 20) + b"\r\n" + part(), (400, "form-invalid")),
    ],
    ids=["10,001 parts", "65 pictures", "33 fields", "other name", "9 MiB before the first part"],
)
def test_81_a_form_that_is_too_much_is_refused_quickly(
    client: httpx.Client, body: bytes, expected: tuple[int, str]
) -> None:
    began = time.perf_counter()
    assert post(client, body[: 10 << 20] + b"--b--\r\n", "multipart/form-data; boundary=b") == expected
    assert time.perf_counter() - began < 20


# ---- 61: JSON -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b"\xef\xbb\xbf{}",
        '{"image": "AAAA"}'.encode("utf-16"),
        b"\xff\xfe",
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b'{"image": NaN}',
        b'{"image": Infinity}',
        b'{"image": -Infinity}',
        b'{"image": 1e999}',
        b'{"image": ' + b"9" * 5_000 + b"}",
        b'{"image": "AAAA", "image": "BBBB"}',
        b"{'image': 1}",
        b'{"image": 1,}',
    ],
    ids=lambda body: ascii(body[:20]),
)
def test_61_what_is_no_plain_json_is_400(client: httpx.Client, body: bytes) -> None:
    assert post(client, body) == (400, "json-invalid")


def test_61_a_million_members_are_413(client: httpx.Client) -> None:
    body = b"{" + b",".join(b'"%d":1' % n for n in range(700_000)) + b"}"
    assert post(client, body) == (413, "json-too-large")


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b'"x"', b"{}", b'{"image": {}}', b'{"picture": "AAAA"}'])
def test_61_json_of_another_shape_is_422(client: httpx.Client, body: bytes) -> None:
    assert post(client, body)[0] == 422


# ---- 56 to 60: vectors and parameters -------------------------------------------------------------------------------


def vector_body(value: Any) -> bytes:
    return json.dumps({"embeddings": [value]}).encode()


@pytest.mark.parametrize(
    "value",
    [
        [0.1] * 127,
        [0.1] * 129,
        [[0.1] * 128],
        ["x"] * 128,
        [True] * 128,
        [None] * 128,
        [10**400] * 128,
        [0.0] * 128,
        [],
        5,
    ],
    ids=["short", "long", "nested", "words", "truths", "nothing", "big", "zero", "empty", "number"],
)
def test_57_58_an_embedding_of_another_shape_is_refused(client: httpx.Client, value: Any) -> None:
    headers = {"content-type": "application/json"}
    path = "/api/v1/recognition/embeddings/recognize"
    answer = client.post(path, content=vector_body(value), headers=headers)
    assert answer.status_code == 400, answer.text
    assert set(answer.json()) == {"message", "code"}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999"])
def test_56_an_embedding_that_is_not_finite_is_refused(client: httpx.Client, value: str) -> None:
    body = f'{{"embeddings": [[{",".join([value] * 128)}]]}}'
    answer = client.post("/api/v1/recognition/embeddings/recognize", content=body)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    "query",
    [
        *(f"top={value}" for value in ("0", "-1", "1001", "1000000000", str(2**63), "1e2", "x", "")),
        *(f"fpir={value}" for value in ("nan", "inf", "-1", "2", "1e-12", "x", "1e999")),
        *("faces=some", "faces=", "where=((", "where=" + "a" * 2001, "where=a%00b", "top=5&top=x"),
    ],
)
def test_60_parameters_out_of_range_are_422(client: httpx.Client, query: str) -> None:
    answer = client.post(f"{ALL}/identifications?{query}", files={"image": ("a.png", PNG)})
    assert answer.status_code in (409, 422), answer.text
    assert answer.status_code == 422 or answer.json()["type"] == "urn:mien:fpir-unsupported"


@pytest.mark.parametrize("limit", ["0", "-1", "1000000000", "x", "1.5"])
@pytest.mark.parametrize("path", ["/subjects", "/people", "/audit", "/jobs"])
def test_60_a_page_has_a_size(client: httpx.Client, path: str, limit: str) -> None:
    assert client.get(f"{ALL}{path}?limit={limit}").status_code == 422


# ---- 80, 82: bodies that lie or dawdle ------------------------------------------------------------------------------


def test_80_a_body_that_is_shorter_than_it_says_is_given_up(served: Server) -> None:
    began = time.monotonic()
    status, kind = told(served.raw(FACES + JSON + "\r\ncontent-length: 1000", b'{"image":'))
    assert (status, kind) == (408, "body-too-slow")
    assert time.monotonic() - began < 20


def test_82_a_byte_a_second_is_given_up_at_the_same_deadline(served: Server) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=30) as line:
        line.sendall(
            (FACES + JSON + f"\r\nx-api-key: {served.token}\r\nhost: h\r\ncontent-length: 99\r\n\r\n").encode()
        )
        began = time.monotonic()
        line.settimeout(0.5)
        answer = b""
        for _ in range(40):
            try:
                line.sendall(b" ")
                answer += line.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            if answer:
                line.settimeout(10)
                answer += b"".join(iter(lambda: line.recv(65536), b""))
                break
        assert told(answer)[0] == 408
        assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "framing",
    [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: gzip",
        "transfer-encoding: chunked, identity",
        "content-length: -1",
        "content-length: 1e3",
        "content-length: 5, 6",
        "content-length: ²",
        "x y: z",
        "x: a\x00b",
        "x\r\n folded: y",
    ],
    ids=ascii,
)
def test_80_framing_that_two_servers_could_read_differently_is_refused(served: Server, framing: str) -> None:
    answer = served.raw(FACES + JSON + "\r\n" + framing, b"0\r\n\r\nGET /v1/key HTTP/1.1\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") <= 1  # and nothing behind it is taken for a second request
    assert not answer or told(answer)[0] in (400, 413, 422, 501)  # closed with bytes unread, the answer may be lost


def test_80_without_a_length_there_is_no_body(served: Server) -> None:
    assert told(served.raw(FACES + JSON, b"")) == (400, "json-invalid")


# ---- 86, 87: addresses, headers, methods ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /health?" + "a" * 9_000 + " HTTP/1.1", 414),
        ("GET /" + "a/" * 4_100 + " HTTP/1.1", 414),
        ("GET /health HTTP/1.1\r\nx: " + "a" * 40_000, 431),
        ("GET /health HTTP/1.1\r\n" + "\r\n".join(f"x{n}: {'a' * 90}" for n in range(400)), 431),
        ("GET /health HTTP/1.1\r\nrange: bytes=" + ",".join(f"{n}-{n}" for n in range(10_000)), 431),
        ("GET /health HTTP/1.1\r\nrange: bytes=" + ",".join(f"{n}-{n}" for n in range(2_000)), 200),
        ("GET /web/..%2f..%2fsettings.py HTTP/1.1", 404),
        ("GET /web/../settings.py HTTP/1.1", 404),
        ("GET /web/%00 HTTP/1.1", 404),
        ("GET /web/%c0%ae%c0%ae/settings.py HTTP/1.1", 404),
        ("GET //etc/passwd HTTP/1.1", 404),
        ("GET /v1/galleries/..%2f..%2fetc HTTP/1.1", 404),
        ("GET /v1/galleries/family%00 HTTP/1.1", 404),
        ("GET /v1/galleries/%ff HTTP/1.1", 404),
        ("GET http://elsewhere/health HTTP/1.1", 404),
        ("TRACE /v1/key HTTP/1.1", 405),
        ("PUT /v1/faces HTTP/1.1\r\ncontent-length: 0", 405),
        ("BREW /v1/faces HTTP/1.1\r\ncontent-length: 0", 405),
        ("GET /v1/faces HTTP/1.1", 405),
        ("CONNECT server:443 HTTP/1.1", 404),
        ("GET /health HTTP/x", 400),
        ("PRI * HTTP/2.0", 404),
    ],
    ids=lambda value: ascii(value)[:48],
)
def test_86_87_what_is_too_long_or_leads_nowhere_is_refused(served: Server, head: str, status: int) -> None:
    found, _ = told(served.raw(head + "\r\nconnection: close"))
    assert found == status


def test_two_hosts_or_none_are_refused_and_none_is_believed(served: Server) -> None:
    assert told(served.raw("GET /health HTTP/1.1\r\nhost: a\r\nconnection: close"))[0] == 400  # raw adds another
    answer = httpx.get(f"{served.url}/v1/none", headers={"host": "evil.example", "x-forwarded-host": "evil.example"})
    assert "evil" not in answer.text + str(answer.headers)
    answer = httpx.get(f"{served.url}/v1/key", headers={"x-forwarded-for": "127.0.0.1", "forwarded": "for=127.0.0.1"})
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["Idempotency-Key", "X-Purpose", "Last-Event-ID"])
def test_a_header_never_writes_another_header(served: Server, client: httpx.Client, header: str) -> None:
    for value in ("a%0d%0aset-cookie:%20x=1", "é" * 10, "x" * 5_000):
        answer = client.get(f"{ALL}", headers={header: value.encode("latin-1")})
        assert answer.status_code < 500
        assert "set-cookie" not in answer.headers
    raw = served.raw(f"GET {ALL} HTTP/1.1\r\n{header}: a\rset-cookie: x=1\r\nconnection: close")
    assert told(raw)[0] == 400


# ---- 88, 89, 93: keys, other sites, sockets -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "mien_000000000000_" + "A" * 43},
        {"x-api-key": "a" * 10_000},
        {"authorization": "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ."},
        {"authorization": "Basic YWRtaW46YWRtaW4="},
        {"authorization": "Bearer"},
        {"cookie": "key=TOKEN; x-api-key=TOKEN; session=TOKEN"},
    ],
    ids=ascii,
)
def test_88_without_a_good_key_nothing_is_told(served: Server, headers: dict[str, str]) -> None:
    sent = {name: value.replace("TOKEN", served.token) for name, value in headers.items()}
    for method, path in (("GET", "/v1/key"), ("GET", ALL), ("POST", "/v1/faces"), ("GET", "/metrics")):
        answer = httpx.request(method, served.url + path, headers=sent)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert httpx.get(f"{served.url}{ALL}/../nowhere", headers=sent).status_code in (401, 404)


def test_88_a_token_of_a_megabyte_is_refused(served: Server) -> None:
    answer = served.raw(f"GET /v1/key HTTP/1.1\r\nauthorization: Bearer {'a' * (1 << 20)}\r\nconnection: close")
    assert not answer or told(answer)[0] in (400, 431)  # closed before all of it was sent, the answer may be lost


@pytest.mark.parametrize("name", ["key", "api_key", "x-api-key", "access_token", "token"])
def test_a_key_in_the_address_opens_nothing(served: Server, name: str) -> None:
    assert httpx.get(f"{served.url}/v1/key?{name}={served.token}").status_code == 401
    answer = httpx.post(f"{served.url}/v1/faces?{name}={served.token}", files={"image": ("a.png", PNG)})
    assert answer.status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_89_other_sites_are_let_in_nowhere(served: Server, origin: str) -> None:
    headers = {"origin": origin, "sec-fetch-site": "cross-site", "access-control-request-method": "POST"}
    for method, path in (("OPTIONS", "/v1/faces"), ("GET", "/"), ("GET", "/v1/key"), ("POST", "/v1/faces")):
        answer = httpx.request(method, served.url + path, headers=headers)
        assert not [name for name in answer.headers if name.startswith("access-control-") or name == "set-cookie"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.status_code == 200 if (method, path) == ("GET", "/") else answer.status_code in (401, 405)


def test_89_a_form_of_another_site_carries_no_key_and_changes_nothing(served: Server, client: httpx.Client) -> None:
    body = part() + b"--b--\r\n"
    headers = {"origin": "https://evil.example", "content-type": "multipart/form-data; boundary=b"}
    answer = httpx.post(f"{served.url}{ALL}/subjects/Forged/references", content=body, headers=headers)
    assert answer.status_code == 401
    assert client.get(f"{ALL}/subjects/Forged").status_code == 404


def test_93_events_need_a_key_and_there_is_no_socket_beside(served: Server) -> None:
    assert httpx.get(f"{served.url}/v1/jobs/x/events").status_code == 401
    upgrade = "upgrade: websocket\r\nconnection: upgrade, close\r\nsec-websocket-key: x\r\nsec-websocket-version: 13"
    answer = served.raw(f"GET /v1/jobs/x/events HTTP/1.1\r\n{upgrade}", key=False, timeout=40)
    assert told(answer)[0] in (400, 401)


# ---- 46 to 55: names ------------------------------------------------------------------------------------------------

REFUSED_NAMES = {
    "47: line break": ("a\nb", "name-characters"),
    "47: NUL": ("a\0b", "name-characters"),
    "47: escape": ("a\x1b[31mb", "name-characters"),
    "48: right to left override": ("a\u202eb", "name-characters"),
    "48: isolate": ("a\u2066b", "name-characters"),
    "51: blanks": ("   ", "name-blank"),
    "51: invisible": ("\u200b\u200b", "name-blank"),
    "51: 201": ("a" * 201, "name-length"),
    "51: 2,000": ("é" * 700, "name-length"),
    "reserved": ("#12", "name-reserved"),
}
TAKEN_NAMES = {
    "46: up": "..",
    "46: path": "../../etc/passwd",
    "46: windows": "..\\..\\x",
    "46: drive": "C:\\x",
    "46: escaped": "%2e%2e%2f",
    "48: zero width": "a\u200db",
    "50: emoji": "👩‍👩‍👧 𝕬da",
    "51: 200": "b" * 200,
    "52: SQL": "'; DROP TABLE subject;--",
    "52: or": '" OR 1=1',
    "53: script": "<script>alert(1)</script>",
    "53: template": "{{7*7}}",
    "53: formula": "=cmd()",
    "54: CON": "CON",
    "54: dot": "nul.",
}


def renamed(client: httpx.Client, name: str) -> httpx.Response:
    (ada,) = [row for row in client.get(f"{ALL}/subjects").json()["subjects"] if row["id"] == 1]
    return client.patch(f"{ALL}/subjects/%23{ada['id']}", json={"name": name})


@pytest.mark.parametrize("row", REFUSED_NAMES)
def test_names_that_would_lie_are_refused(client: httpx.Client, portraits: Path, row: str) -> None:
    name, code = REFUSED_NAMES[row]
    answer = renamed(client, name)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:mien:{code}"), answer.text
    if code != "name-reserved":  # in an address it stands for somebody
        path = f"{ALL}/subjects/{httpx.QueryParams({'n': name})}".replace("n=", "").replace("+", "%20")
        answer = client.post(f"{path}/references", files=files(portraits / "obama.jpg"))
        assert (answer.status_code, answer.json()["type"]) == (422, f"urn:mien:{code}"), answer.text


@pytest.mark.parametrize("row", TAKEN_NAMES)
def test_other_names_are_kept_as_they_are_and_found_literally(served: Server, client: httpx.Client, row: str) -> None:
    name, before = TAKEN_NAMES[row], sorted(path.name for path in served.folder.rglob("*"))
    answer = renamed(client, name)
    assert answer.status_code == 200, answer.text
    assert answer.json()["subject"] == name
    people = client.get(f"{ALL}/people", params={"text": name}).json()["people"]
    assert [row["subject"] for row in people] == [name]
    assert sorted(path.name for path in served.folder.rglob("*")) == before  # no file is named after anybody
    renamed(client, "Ada")


def test_49_a_name_is_one_name_in_both_unicode_forms(client: httpx.Client) -> None:
    renamed(client, "Rene\u0301e")
    assert client.get(f"{ALL}/subjects/Ren\u00e9e").json()["subject"] == "Ren\u00e9e"
    assert client.get(f"{ALL}/subjects/REN%C3%89E").json()["subject"] == "Ren\u00e9e"
    renamed(client, "Ada")


def test_50_a_lone_surrogate_is_no_name(client: httpx.Client) -> None:
    body = b'{"name": "a\\ud800b"}'
    answer = client.patch(f"{ALL}/subjects/Ada", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert client.get(f"{ALL}/subjects/a%ED%A0%80b").status_code == 404


# ---- 90, 91: cut off, and sent again --------------------------------------------------------------------------------


def test_90_a_client_that_leaves_in_the_middle_leaves_nothing(served: Server, client: httpx.Client) -> None:
    before = sorted(path.name for path in served.folder.rglob("*"))
    head = f"POST {ALL}/subjects/Gone/references HTTP/1.1\r\nhost: h\r\nx-api-key: {served.token}\r\n{FORM}\r\n"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", served.port)) as line:
            line.sendall(f"{head}content-length: 100000\r\n\r\n".encode() + part()[:500])
    for _ in range(100):
        if re.search(r"^mien_in_flight 0", client.get("/metrics").text, re.MULTILINE):
            break
        time.sleep(0.1)
    else:
        raise AssertionError("their places were not given back")
    assert client.get(f"{ALL}/subjects/Gone").status_code == 404
    assert sorted(path.name for path in served.folder.rglob("*")) == before


def test_91_a_request_sent_again_has_one_effect_and_another_body_is_refused(
    client: httpx.Client, portraits: Path
) -> None:
    url, key = f"{ALL}/subjects/Twice/references", {"idempotency-key": "once"}
    sent = [client.post(url, files=files(portraits / "biden.jpg"), headers=key) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    assert [answer.headers.get("idempotency-replayed") for answer in sent] == [None, "true"]
    assert len(client.get(url).json()["references"]) == 1
    for other in (
        client.post(url, files=files(portraits / "obama2.jpg"), headers=key),
        client.post(f"{ALL}/subjects/Other/references", files=files(portraits / "biden.jpg"), headers=key),
        client.post(f"{url}?faces=largest", files=files(portraits / "biden.jpg"), headers=key),
    ):
        assert (other.status_code, other.json()["type"]) == (422, "urn:mien:idempotency-key")


def test_91_the_same_request_at_once_has_one_effect(client: httpx.Client, portraits: Path) -> None:
    url, key = f"{ALL}/subjects/AtOnce/references", {"idempotency-key": "at-once"}
    with ThreadPoolExecutor(6) as pool:
        sent = list(pool.map(lambda _: client.post(url, files=files(portraits / "obama3.jpg"), headers=key), range(6)))
    assert {answer.status_code for answer in sent} <= {201, 409, 503}
    assert len(client.get(url).json()["references"]) == 1


def test_every_answer_of_all_of_this_carries_the_security_headers(served: Server) -> None:
    heads = ["GET /health HTTP/1.1", "GET /none HTTP/1.1", FACES.strip(), "GET /" + "a" * 9000 + " HTTP/1.1"]
    for head, key in itertools.product(heads, (True, False)):
        answer = served.raw(head + "\r\nconnection: close", key=key).lower()
        assert b"x-content-type-options: nosniff" in answer
        assert b"content-security-policy: default-src 'self'" in answer
        assert b"cache-control: no-store" in answer
        assert b"\r\nserver:" not in answer
